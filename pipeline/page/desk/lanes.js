// The time line: a lane per source, a ruler, and the play-head. A click plays from there.
(function (desk) {
  "use strict";

  const PX_PER_MARK = 56;
  const SEEK_STEP_S = 1;
  const HINT = "Double-click a lane to add an onset; drag one to move it.";

  desk.mountLanes = (element) => {
    const { state, transport, time } = desk;
    const { make } = desk.fields;
    const box = element.querySelector("details");
    const [tracks, ruler, list, head] = [".tracks", ".ruler", "ul", ".playhead"].map((query) => element.querySelector(query));
    const hint = element.querySelector(".hint");
    const lanes = new Map(); // id -> lane
    let view = null;
    let shownDuration = 0;

    const duration = () => transport?.duration?.() || 0;
    const position = () => transport?.position?.() || 0;
    const widthOf = () => tracks.clientWidth;
    const timeAt = (event) => time.atPixel(view, event.clientX - tracks.getBoundingClientRect().left, widthOf());
    const seek = (to) => { transport?.seek?.(Math.min(Math.max(to, 0), duration())); moveHead(); };

    function tell(words) {
      hint.textContent = words;
      hint.classList.add("answer");
      desk.say(words);
    }
    function rest() {
      hint.textContent = state.knows("onsets_s") ? HINT : "";
      hint.classList.remove("answer");
    }

    function show() {
      const sources = state.sources().filter(({ stem }) => stem !== null);
      box.hidden = !sources.length || !duration();
      if (box.hidden) return;
      if (duration() !== shownDuration) {
        shownDuration = duration();
        view = time.whole(shownDuration);
      }
      for (const [id, lane] of lanes) {
        if (sources.some((source) => source.id === id)) continue;
        lane.node.remove();
        lanes.delete(id);
      }
      sources.forEach((source, index) => {
        if (!lanes.has(source.id)) lanes.set(source.id, desk.makeLane(source.id, { timeAt, seek, position, duration, tell }));
        const lane = lanes.get(source.id);
        if (list.children[index] !== lane.node) list.insertBefore(lane.node, list.children[index] ?? null);
        lane.show(source, view, widthOf());
      });
      const most = Math.max(Math.floor(widthOf() / PX_PER_MARK), 2);
      ruler.replaceChildren(...time.marks(view, most).map((mark) => {
        const node = make("span", {}, time.inWords(mark));
        node.style.left = `${100 * time.share(view, mark)}%`;
        return node;
      }));
      ruler.setAttribute("aria-valuemax", shownDuration);
      moveHead();
    }

    function moveHead() {
      if (!view) return;
      const now = position();
      const share = time.share(view, now);
      head.hidden = share < 0 || share > 1;
      head.style.left = `${100 * share}%`;
      ruler.setAttribute("aria-valuenow", now.toFixed(1));
      ruler.setAttribute("aria-valuetext", `${time.inWords(now)} of ${time.inWords(shownDuration)}`);
    }

    let isMoving = false;
    function follow() {
      if (!transport?.isPlaying?.() || !element.isConnected) {
        isMoving = false;
        moveHead();
        return;
      }
      const next = time.following(view ?? time.whole(duration()), position(), duration());
      if (view && next !== view) {
        view = next;
        show();
      } else moveHead();
      requestAnimationFrame(follow);
    }

    function zoom(factor, about) {
      if (!view) return;
      view = time.zoomed(view, factor, about, duration());
      show();
    }

    element.addEventListener("click", (event) => {
      const factor = event.target.closest("[data-zoom]")?.dataset.zoom;
      if (factor) zoom(Number(factor), Math.min(Math.max(position(), view.from), view.to));
      else if (ruler.contains(event.target)) seek(timeAt(event));
    });
    tracks.addEventListener("wheel", (event) => {
      if (!view || !event.ctrlKey && !event.deltaX) return;
      event.preventDefault();
      if (event.ctrlKey) zoom(2 ** (-event.deltaY / 100), timeAt(event));
      else {
        const by = (event.deltaX / widthOf()) * (view.to - view.from);
        const from = Math.min(Math.max(view.from + by, 0), duration() - (view.to - view.from));
        view = { from, to: from + view.to - view.from };
        show();
      }
    }, { passive: false });
    ruler.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: position() - SEEK_STEP_S, ArrowRight: position() + SEEK_STEP_S, Home: 0, End: duration() }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      seek(to);
    });

    if (matchMedia("(max-width: 720px)").matches) box.open = false;
    box.addEventListener("toggle", show);
    state.subscribe(() => { rest(); show(); });
    desk.attention.subscribe((id) => { for (const [each, lane] of lanes) lane.node.classList.toggle("strong", each === id); });
    transport?.subscribe?.(() => {
      show();
      if (isMoving || !transport.isPlaying?.()) return;
      isMoving = true;
      requestAnimationFrame(follow);
    });
    new ResizeObserver(show).observe(tracks);
    rest();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  };
})(globalThis.desk ??= {});
