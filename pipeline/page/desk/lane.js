// One lane of the time line: the waveform of a source, and its onsets as handles.
(function (desk) {
  "use strict";

  const MOST_COLUMNS = 20_000;
  const STEPS_S = { small: 0.1, large: 1 };
  const CLICK_PX = 3;

  // `line`: {timeAt(event), seek(s), position(), duration(), tell(words)} of the time line.
  desk.makeLane = (id, line) => {
    const { state, transport, onsets, time } = desk;
    const { make } = desk.fields;
    const canvas = make("canvas", { "aria-hidden": "true" });
    const label = make("span", { class: "label", "aria-hidden": "true" });
    const handles = make("div", { class: "onsets" });
    const node = make("li", {
      class: "lane", tabindex: 0, role: "group",
      onpointerenter: () => desk.attention.set(id), onpointerleave: () => desk.attention.leave(id),
      onfocusin: () => desk.attention.set(id), onfocusout: () => desk.attention.leave(id),
      onclick: (event) => { if (!handles.contains(event.target)) line.seek(line.timeAt(event)); },
      ondblclick: (event) => { if (!handles.contains(event.target)) add(line.timeAt(event)); },
      onkeydown: (event) => {
        if (event.target !== node || !["Enter", "Insert"].includes(event.key)) return;
        event.preventDefault();
        add(line.position());
      },
    }, canvas, handles, label);
    let drawn = "";

    const each = () => state.find(id);
    const times = () => each().source.onsets_s ?? state.stemOf(id)?.onsets_s ?? [];
    const canMove = () => state.knows("onsets_s") && each().source.role !== "bed";

    function set(next, words, merge = null) {
      state.change(`${words} of ${each().source.name}`, (_, byId) => { byId(id).onsets_s = next; }, { merge });
      desk.render.soon();
    }

    function add(at) {
      if (each().source.role === "bed") return line.tell(`“${each().source.name}” sounds all the time, so it has no onsets. To change that, open its row and set Heard.`);
      if (!canMove()) return;
      if (times().length >= desk.edits.MAX_ONSETS) return line.tell(`A sound has at most ${desk.edits.MAX_ONSETS} onsets.`);
      set(onsets.added(times(), at, line.duration()), "onset added");
      desk.say(`Onset added at ${time.inWords(at)}`);
    }

    function remove(index) {
      const at = times()[index];
      if (times().length < 2) return line.tell("The last onset stays. To silence the sound, mute it.");
      set(onsets.removed(times(), index), "onset removed");
      desk.say(`Onset at ${time.inWords(at)} removed`);
      (handles.children[Math.min(index, handles.children.length - 1)] ?? node).focus();
    }

    function moveBy(index, seconds) {
      const at = Math.min(Math.max(times()[index] + seconds, 0), line.duration());
      const next = onsets.moved(times(), index, at, line.duration());
      set(next, "onset", `${id}.onset`);
      handles.children[next.indexOf(Number(at.toFixed(2)))]?.focus();
    }

    function press(event, index) {
      const step = event.shiftKey ? STEPS_S.large : STEPS_S.small;
      const by = { ArrowLeft: -step, ArrowRight: step }[event.key];
      if (by) moveBy(index, by);
      else if (["Delete", "Backspace"].includes(event.key)) remove(index);
      else return;
      event.preventDefault();
    }

    // While it is dragged, the other onsets stay as they were when the drag began.
    function drag(event, index) {
      if (event.button !== 0) return;
      event.stopPropagation();
      const handle = event.currentTarget;
      const before = times();
      let isDragging = false;
      state.seal();
      node.setPointerCapture(event.pointerId); // the handle itself may be drawn anew
      handle.focus();
      const onMove = (now) => {
        if (!isDragging && Math.abs(now.clientX - event.clientX) < CLICK_PX) return;
        isDragging = true;
        set(onsets.moved(before, index, line.timeAt(now), line.duration()), "onset", `${id}.onset`);
      };
      const onEnd = () => {
        for (const [type, listener] of listeners) node.removeEventListener(type, listener);
        state.seal();
      };
      const listeners = [["pointermove", onMove], ["pointerup", onEnd], ["pointercancel", onEnd]];
      for (const [type, listener] of listeners) node.addEventListener(type, listener);
    }

    function showHandles(view) {
      const isMovable = canMove();
      const all = times();
      while (handles.children.length > all.length) handles.lastElementChild.remove();
      while (handles.children.length < all.length) {
        const index = handles.children.length;
        handles.append(make("span", { class: "onset",
          onpointerdown: (event) => { if (canMove()) drag(event, index); }, ondblclick: () => { if (canMove()) remove(index); },
          onkeydown: (event) => press(event, index), onblur: state.seal }));
      }
      all.forEach((at, index) => {
        const handle = handles.children[index];
        const share = time.share(view, at);
        handle.hidden = share < 0 || share > 1;
        handle.style.left = `${100 * share}%`;
        handle.classList.toggle("fixed", !isMovable);
        if (!isMovable) {
          for (const name of ["role", "tabindex", "aria-label", "aria-valuenow"]) handle.removeAttribute(name);
          return;
        }
        const attributes = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": line.duration(), "aria-valuenow": at,
          "aria-valuetext": time.inWords(at), "aria-label": `Onset ${index + 1} of ${all.length} of ${each().source.name}` };
        for (const [name, value] of Object.entries(attributes)) handle.setAttribute(name, value);
      });
    }

    function draw(view, width) {
      const height = canvas.clientHeight;
      const { from, to } = view;
      const columns = Math.min(Math.round((width * line.duration()) / (to - from)), MOST_COLUMNS);
      const peaks = columns > 0 && height ? transport?.peaks?.(id, columns) : null;
      const colour = getComputedStyle(canvas).color;
      const key = [peaks?.length, state.stemOf(id)?.file?.url, columns, from, to, width, height, colour].join();
      if (key === drawn) return;
      drawn = key;
      const ratio = globalThis.devicePixelRatio || 1;
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (!peaks?.length) return;
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.fillStyle = colour;
      const loudest = peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
      const pairs = peaks.length / 2;
      for (let x = 0; x < width; x += 1) {
        const column = Math.min(Math.floor(((from + ((x + 0.5) / width) * (to - from)) / line.duration()) * pairs), pairs - 1);
        const [low, high] = [peaks[2 * column] / loudest, peaks[2 * column + 1] / loudest];
        const top = ((1 - high) * height) / 2;
        pen.fillRect(x, top, 1, Math.max(((high - low) * height) / 2, 1));
      }
    }

    function show({ source, index, colour }, view, width) {
      node.style.setProperty("--colour", `var(--source-${colour})`);
      node.classList.toggle("muted", source.mute);
      label.textContent = `${index + 1} ${source.name}`;
      node.title = label.scrollWidth > label.clientWidth ? source.name : "";
      const count = times().length;
      const parts = [`${index + 1} ${source.name}`, source.mute ? "muted" : "", count ? `${count} ${count === 1 ? "onset" : "onsets"}` : "",
        canMove() ? "Enter adds an onset at the play position; on an onset, the arrow keys move it and Delete removes it" : ""];
      node.setAttribute("aria-label", parts.filter(Boolean).join(". "));
      showHandles(view);
      draw(view, width);
    }

    return { node, show };
  };
})(globalThis.desk ??= {});
