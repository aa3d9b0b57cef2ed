// The boxes of the sources on the picture. They are moved and resized with a pointer or with keys.
(function (desk) {
  "use strict";

  const STEP = 0.02; // of the picture's width or height, per press of an arrow key
  const CLICK_PX = 4;
  const CORNERS = [[false, false], [true, false], [false, true], [true, true]]; // [right, bottom]
  const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

  const byQuery = (query) => globalThis.document.querySelector(query);
  const picture = () => byQuery("#picture .image-frame img") ?? byQuery("#picture img");
  const watchers = new Set();
  const nodes = new Map(); // id -> {node, show}
  let layer = null; // of the class "dark", whose colours are bright: pictures are no paper

  const hasPicture = () => Boolean(picture()?.naturalWidth) && !byQuery("#note .another-picture");

  // Where the picture itself is on the screen, without the bars beside it.
  function area() {
    const image = picture();
    const frame = image.getBoundingClientRect();
    const fit = desk.boxes.fitted(frame, { width: image.naturalWidth, height: image.naturalHeight });
    return { left: frame.left + fit.left, top: frame.top + fit.top, width: fit.width, height: fit.height };
  }

  function setBox(id, box, { merge = null, isMove = false } = {}) {
    desk.state.change(`box of ${desk.state.find(id).source.name}`, (document, byId) => {
      const source = byId(id);
      if (isMove && source.box) source.distance_m = desk.boxes.farther(source.distance_m, source.box, box, document.space);
      if (isMove) source.pan = null; // it sounds where it is seen
      source.box = box;
    }, { merge });
  }

  function inWords({ source }) {
    const { side, metres } = desk.words;
    const width = Math.round(100 * (source.box[2] - source.box[0]));
    return `${side(desk.boxes.panOf(source))}, ${width}\u00a0% wide, ${metres(source.distance_m)} away`;
  }

  function makeBox(id) {
    const { make } = desk.fields;
    const label = make("span");
    const corners = CORNERS.map(([right, bottom]) => make("i", { class: `corner ${right ? "right" : "left"} ${bottom ? "bottom" : "top"}` }));
    const node = make("button", {
      type: "button", class: "source-box", "aria-roledescription": "box on the picture",
      onpointerenter: () => desk.attention.set(id), onpointerleave: () => desk.attention.leave(id),
      onfocus: () => desk.attention.set(id), onblur: () => { desk.attention.leave(id); desk.state.seal(); },
      onkeydown: (event) => press(event, id), onpointerdown: (event) => drag(event, id, corners),
      onclick: (event) => { if (event.detail === 0) desk.rows.goTo(id); }, // by Enter; clicks end in `drag`
    }, label, ...corners);
    const show = (each) => {
      const [x0, y0, x1, y1] = each.source.box;
      node.style.cssText = `--colour:var(--source-${each.colour});left:${100 * x0}%;top:${100 * y0}%;width:${100 * (x1 - x0)}%;height:${100 * (y1 - y0)}%`;
      node.style.zIndex = Math.round(100 * (1 - (x1 - x0) * (y1 - y0))); // small ones can be reached above large ones
      node.classList.toggle("muted", each.source.mute);
      node.classList.toggle("high", y0 < 0.12); // its label does not fit above it
      const isRight = x0 + x1 > 1; // its label reaches to the left
      node.classList.toggle("to-left", isRight);
      label.style.setProperty("--room", `${100 * (isRight ? x1 : 1 - x0) / (x1 - x0)}%`); // up to the edge of the picture
      label.textContent = node.title = `${each.index + 1} ${each.source.name}`;
      node.setAttribute("aria-label", `${each.index + 1} ${each.source.name}: ${inWords(each)}. Arrow keys move it, Shift and arrow keys resize it.`);
    };
    return { node, show };
  }

  function press(event, id) {
    const by = ARROWS[event.key];
    if (!by) return;
    event.preventDefault();
    const { box } = desk.state.find(id).source;
    setBox(id, event.shiftKey ? desk.boxes.resized(box, ...by) : desk.boxes.moved(box, ...by), { merge: `${id}.box`, isMove: !event.shiftKey });
    desk.say(inWords(desk.state.find(id)));
  }

  function drag(event, id, corners) {
    if (event.button !== 0) return;
    const { node } = nodes.get(id);
    if (event.pointerType === "touch" && !node.classList.contains("strong")) { // the first tap chooses, then it can be dragged
      node.addEventListener("pointerup", () => desk.rows.goTo(id), { once: true });
      return;
    }
    const { width, height } = area();
    const { source: { box, distance_m: distance } } = desk.state.find(id);
    const { space } = desk.state.document();
    const corner = CORNERS[corners.indexOf(event.target)];
    let isDragging = false;
    desk.state.seal();
    node.setPointerCapture(event.pointerId);

    const onMove = (now) => {
      const [x, y] = [now.clientX - event.clientX, now.clientY - event.clientY];
      if (!isDragging && Math.hypot(x, y) < CLICK_PX) return;
      isDragging = true;
      const next = corner
        ? desk.boxes.resized(box, x / width, y / height, { right: corner[0], bottom: corner[1] })
        : desk.boxes.moved(box, x / width, y / height);
      desk.state.change(`box of ${desk.state.find(id).source.name}`, (_, byId) => {
        const source = byId(id);
        source.box = next;
        if (corner) return;
        source.pan = null;
        source.distance_m = desk.boxes.farther(distance, box, next, space); // from where the drag began: nothing adds up
      }, { merge: `${id}.box` });
    };
    const onEnd = (now) => {
      for (const [type, listener] of listeners) node.removeEventListener(type, listener);
      desk.state.seal();
      if (!isDragging && now.type === "pointerup") desk.rows.goTo(id);
    };
    const listeners = [["pointermove", onMove], ["pointerup", onEnd], ["pointercancel", onEnd]];
    for (const [type, listener] of listeners) node.addEventListener(type, listener);
  }

  function place() {
    const image = picture();
    if (!hasPicture()) {
      layer?.remove();
      return;
    }
    const frame = image.parentElement;
    layer ??= desk.fields.make("div", { class: "source-boxes dark", role: "group", "aria-label": "Sounds in the picture" });
    if (layer.parentElement !== frame) {
      frame.style.position = "relative";
      frame.append(layer);
    }
    const [outer, inner] = [frame.getBoundingClientRect(), area()];
    layer.style.cssText = `left:${inner.left - outer.left}px;top:${inner.top - outer.top}px;width:${inner.width}px;height:${inner.height}px`;
  }

  function show() {
    place();
    if (!layer?.isConnected) return;
    const sources = desk.state.sources().filter(({ source }) => source.box);
    for (const [id, { node }] of nodes) {
      if (sources.some((each) => each.id === id)) continue;
      node.remove();
      nodes.delete(id);
    }
    for (const each of sources) {
      if (!nodes.has(each.id)) nodes.set(each.id, makeBox(each.id));
      const box = nodes.get(each.id);
      if (box.node.parentElement !== layer) layer.append(box.node);
      box.show(each);
    }
    mark();
  }

  function mark() {
    for (const [id, { node }] of nodes) node.classList.toggle("strong", id === desk.attention.id());
  }

  Object.assign(desk.boxes, {
    hasPicture,
    onPicture: (listener) => watchers.add(listener),

    // Put the box of a source where the pointer is.
    drop(id, { x, y }) {
      if (!hasPicture()) return;
      const { left, top, width, height } = area();
      const { source } = desk.state.find(id);
      const size = source.box ? [source.box[2] - source.box[0], source.box[3] - source.box[1]] : undefined;
      setBox(id, desk.boxes.at((x - left) / width, (y - top) / height, size), { isMove: true });
    },

    // Put a box into the middle of the picture, for keys to move.
    place(id) {
      setBox(id, desk.boxes.at(0.5, 0.5), { isMove: true });
      nodes.get(id)?.node.focus();
    },

    mount() {
      desk.state.subscribe(show);
      desk.attention.subscribe(mark);
      const refresh = () => { show(); for (const watcher of watchers) watcher(); };
      const sizes = new ResizeObserver(show);
      let seen = null;
      const look = () => {
        const image = picture();
        if (image === seen?.image && image?.src === seen?.source && Boolean(byQuery("#note .another-picture")) === seen?.isAnother) return;
        if (image && image !== seen?.image) {
          sizes.observe(image);
          image.addEventListener("load", refresh);
        }
        seen = { image, source: image?.src, isAnother: Boolean(byQuery("#note .another-picture")) };
        refresh();
      };
      for (const id of ["picture", "note"]) new MutationObserver(look).observe(byQuery(`#${id}`), { subtree: true, childList: true, attributeFilter: ["src"] });
      look();
    },
  });
})(globalThis.desk ??= {});
