// One row of the list: a source with its controls. It is built once; `show` brings it up to date.
(function (desk) {
  "use strict";

  const LIMITS = { text: 60, timbre: 30, timbres: 5, gain_db: [-40, 12], pan: [-1, 1], distance_m: [0.5, 1000] };
  const ROLES = { bed: "all the time", recurring: "now and then", "one-shot": "once or twice" };

  const toTimbre = (typed) => typed.split(",").map((word) => word.trim().slice(0, LIMITS.timbre)).filter(Boolean).slice(0, LIMITS.timbres);
  const toShare = (distance) => Math.log(distance / 0.5) / Math.log(2000); // 0.5 m .. 1000 m on a logarithmic slider
  const toDistance = (share) => Number((0.5 * 2000 ** share).toPrecision(2));

  function words(source) {
    return [source.material, source.action, source.timbre.join(", ")].filter(Boolean).join(" · ") || "no description yet";
  }

  function facts(source) {
    const muted = source.mute ? "muted · " : "";
    const seen = source.evidence === "visible" ? "in the picture" : "inferred";
    return `${muted}${seen}, ${Math.round(source.confidence * 100)}\u00a0% sure · heard ${ROLES[source.role]}, ${desk.words.metres(source.distance_m)} away`;
  }

  // `actions` are what concerns more than this row: move, drag, remove, duplicate, named.
  desk.makeRow = (id, actions) => {
    const { make, text, slider, choice, toggle, button, labelled } = desk.fields;
    const { state, edits, attention } = desk;
    const name = () => state.find(id)?.source.name ?? "";
    const change = (label, fn, merge) => state.change(`${label} of ${name() || "a sound"}`, (document, byId) => fn(byId(id), document),
      { merge: merge && `${id}.${merge}` });
    const field = (key, label = key) => (value) => change(label, (source) => { source[key] = value; }, key);

    const number = button("", "", null, {
      class: "number", onpointerdown: (event) => actions.drag(event, id),
      onkeydown: (event) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!by) return;
        event.preventDefault();
        actions.move(id, by);
      } });
    const nameless = make("p", { class: "nameless", id: `${id}-nameless`, role: "alert" });
    const title = text("Name of the sound", LIMITS.text, field("name"),
      { class: "name", "aria-describedby": nameless.id, onchange: () => actions.named(id) });
    const gain = slider("Gain", LIMITS.gain_db, 0.5, desk.words.decibels, field("gain_db", "gain"));
    const alone = toggle("", "", () => desk.transport?.playAlone?.(id));
    alone.node.classList.add("play-alone");
    const solo = toggle("S", "", () => change("solo", (source, document) => edits.solo(document, source)));
    const mute = toggle("M", "", () => change("mute", (source) => { source.mute = !source.mute; }));
    const take = button("", "", () => actions.newTake(id), { class: "toggle new-take" });

    const details = make("div", { class: "details", id: `${id}-details`, hidden: true });
    const unfold = button("", "", () => open(details.hidden), { class: "unfold", "aria-expanded": "false", "aria-controls": details.id });
    function open(on) {
      details.hidden = !on;
      unfold.setAttribute("aria-expanded", on);
    }

    const material = text("Material", LIMITS.text, field("material"), { placeholder: "what it is made of" });
    const action = text("Action", LIMITS.text, field("action"), { placeholder: "what it does" });
    const timbre = text("Timbre, words separated by commas", 160, field("timbre"), { placeholder: "how it sounds, in a few words" },
      { read: toTimbre, print: (list) => list.join(", ") });
    const role = choice("Heard", Object.entries(ROLES), (value) => { actions.settled(id); field("role")(value); });
    const distance = slider("Distance", [0, 1], 0.01, desk.words.metres,
      (value) => { actions.settled(id); field("distance_m", "distance")(value); }, { toShare, toValue: toDistance });
    const pan = slider("Position from left to right", LIMITS.pan, 0.05, desk.words.side, field("pan", "position"));
    const back = button("as in the picture", "Position as in the picture", () => change("position", (source) => { source.pan = null; }), { class: "link" });
    const takes = choice("Take", [], (value) => actions.setTake(id, Number(value)));
    const takesLabel = labelled("Take", takes.node);
    const part = desk.makePart(id);
    const copy = button("Duplicate", "", () => actions.duplicate(id), { class: "small" });
    const remove = button("Remove", "", () => actions.remove(id), { class: "small remove" });
    const place = button("Place on the picture", "", () => desk.boxes.place?.(id), { class: "small" });
    const unplace = button("Take off the picture", "", () => change("box", (source) => { source.box = null; }), { class: "small" });
    details.append(
      labelled("Material", material.node), labelled("Action", action.node), labelled("Timbre", timbre.node), labelled("Heard", role.node),
      labelled("Distance", distance.node, distance.output), labelled("Position", pan.node, pan.output, back), takesLabel, part.node,
      make("div", { class: "more-actions" }, place, unplace, copy, remove));

    const summary = make("p", { class: "words" });
    const quiet = make("p", { class: "facts" });
    const node = make("li", {
      class: "source", id,
      onpointerenter: () => attention.set(id), onpointerleave: () => attention.leave(id),
      onfocusin: () => attention.set(id), onfocusout: () => attention.leave(id),
    },
    number, title.node, nameless,
    make("div", { class: "switches" }, alone.node, solo.node, mute.node, take),
    unfold,
    make("div", { class: "level" }, gain.node, gain.output),
    make("div", { class: "what" }, summary, quiet),
    details);

    function nameAll(source, index) {
      const { name: is } = source;
      const labels = [
        [number, `${index + 1}, ${is}: press the arrow keys to move it in the list, or drag it, also onto the picture`],
        [gain.node, `Gain of ${is}`], [take, `New take of ${is}: only this sound is made anew`], [unfold, `More about ${is}`],
        [place, `Place ${is} on the picture`], [unplace, `Take ${is} off the picture`], [copy, `Duplicate ${is}`], [remove, `Remove ${is}`],
      ];
      for (const [each, label] of labels) each.setAttribute("aria-label", label);
      number.title = "Drag to move";
      take.title = "New take: only this sound is made anew";
      unfold.title = "More";
      for (const each of details.querySelectorAll(".more-actions button")) each.removeAttribute("title");
    }

    function showTakes(source) {
      const heard = [...new Set([...state.takes(id), source.take ?? 0])].sort((a, b) => a - b);
      takesLabel.hidden = heard.length < 2;
      takes.node.replaceChildren(...heard.map((each) => make("option", { value: each }, `Take ${each + 1}`)));
      takes.show(source.take ?? 0);
    }

    function show({ source, part: span, index, colour }, { hasSound, hasPicture }) {
      node.style.setProperty("--colour", `var(--source-${colour})`);
      node.classList.toggle("muted", source.mute);
      node.classList.toggle("alone", edits.isSolo(state.document(), index));
      number.textContent = String(index + 1);
      for (const [control, value] of [[title, source.name], [gain, source.gain_db], [material, source.material], [action, source.action],
        [timbre, source.timbre], [role, source.role], [distance, source.distance_m], [pan, desk.boxes.panOf(source)]]) control.show(value);
      title.node.title = source.name;
      const missing = !source.name.trim();
      title.node.toggleAttribute("aria-invalid", missing);
      if (missing !== Boolean(nameless.textContent)) nameless.textContent = missing ? "A sound needs a name." : "";
      summary.textContent = words(source);
      quiet.textContent = facts(source);
      nameAll(source, index);
      alone.node.hidden = !hasSound || !state.stemOf(id);
      alone.show(desk.transport?.alone?.() === id, `Hear ${source.name} alone`);
      solo.show(edits.isSolo(state.document(), index), `Solo ${source.name}: hear only this`);
      mute.show(source.mute, `Mute ${source.name}`);
      take.hidden = !state.knows("take") || !hasSound;
      showTakes(source);
      part.show(span);
      back.hidden = source.pan === null || !source.box;
      place.hidden = Boolean(source.box) || !hasPicture;
      unplace.hidden = !source.box;
    }

    return { node, show, open, focus: () => number.focus({ preventScroll: true }), select: () => title.node.select() };
  };
})(globalThis.desk ??= {});
