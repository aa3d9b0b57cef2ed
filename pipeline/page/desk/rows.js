// The list of sounds: the place, a row per source, and what moves, adds and removes rows.
(function (desk) {
  "use strict";

  const LIMITS = { scene: 300, mood: 120 };
  const SPACES = ["open", "forest", "street", "courtyard", "room", "hall", "cave", "underwater"];

  // `usual` asks the server for the usual role and distance of a sound of a name.
  desk.mountRows = (view, usual) => {
    const { make, text, choice, button, labelled } = desk.fields;
    const { state, edits } = desk;
    const rows = new Map(); // id -> row
    const fresh = new Set(); // ids of added sources: their name sets role and distance until the visitor does
    const change = (label, fn, merge = null) => state.change(label, fn, { merge });
    const nameOf = (id) => state.find(id)?.source.name || "a sound";

    const scene = text("Scene", LIMITS.scene, (value) => change("scene", (document) => { document.scene = value; }, "scene"),
      { class: "scene", rows: 1, placeholder: "Describe the place" });
    const mood = text("Mood", LIMITS.mood, (value) => change("mood", (document) => { document.mood = value; }, "mood"), { placeholder: "calm, fresh" });
    const space = choice("Space", SPACES.map((each) => [each, each]), (value) => change("space", (document) => { document.space = value; }));
    const place = make("div", { class: "place" }, scene.node, labelled("Mood", mood.node), labelled("Space", space.node));
    const list = make("ul", { class: "sources", "aria-label": "Sounds" });
    const more = make("button", { type: "button", class: "add", onclick: add });
    const empty = make("div", { class: "empty" },
      make("p", {}, "The soundscape of your picture appears here: the place, its mood and every sound."),
      make("p", { class: "quiet" }, "You can change everything before the sound is made."),
      make("button", { type: "button", class: "add", onclick: add }, "Or add a sound yourself"));

    const actions = {
      settled: (id) => fresh.delete(id),
      drag: (event, id) => desk.drag(event, id, { rows: list, move: (to) => moveTo(id, to), drop: (point) => desk.boxes.drop?.(id, point) }),
      move: (id, by) => moveTo(id, state.find(id).index + by),
      duplicate(id) {
        change(`copy of ${nameOf(id)}`, (document, byId) => edits.duplicate(document, byId(id)));
        rows.get(state.sources()[state.find(id).index + 1]?.id)?.focus();
      },
      remove(id) {
        const { index } = state.find(id);
        change(`removal of ${nameOf(id)}`, (document, byId) => edits.remove(document, byId(id)));
        const next = state.sources()[index] ?? state.sources().at(-1);
        if (next) rows.get(next.id).focus();
        else view.querySelector(".add").focus();
      },
      newTake(id) {
        change(`take of ${nameOf(id)}`, (_, byId) => edits.newTake(byId(id), state.takes(id)));
        desk.render.take(id);
      },
      setTake(id, take) {
        change(`take of ${nameOf(id)}`, (_, byId) => edits.setTake(byId(id), take));
        if (!state.isHeard(id)) desk.render.take(id);
      },
      async named(id) {
        if (!fresh.has(id)) return;
        const { name } = state.find(id).source;
        const found = await usual(name);
        if (!found?.role || !fresh.has(id) || state.find(id)?.source.name !== name) return;
        change(`name of ${name}`, (_, byId) => Object.assign(byId(id), found), `${id}.name`);
      },
    };

    function moveTo(id, to) {
      const { length } = state.sources();
      const index = Math.min(Math.max(to, 0), length - 1);
      if (change(`place of ${nameOf(id)}`, (document, byId) => edits.move(document, byId(id), index), `${id}.place`)) {
        desk.say(`${nameOf(id)} is now ${index + 1} of ${length}`);
      }
      rows.get(id).focus();
    }

    function add() {
      change("a new sound", edits.add);
      const { id } = state.sources().at(-1);
      fresh.add(id);
      rows.get(id).open(true);
      rows.get(id).select();
    }

    function show() {
      const document = state.document();
      if (!document) {
        rows.clear();
        list.replaceChildren();
        if (!empty.isConnected) view.replaceChildren(empty);
        return;
      }
      if (!list.isConnected) view.replaceChildren(place, list, more);
      for (const [field, value] of [[scene, document.scene], [mood, document.mood], [space, document.space]]) field.show(value);
      const sources = state.sources();
      const about = { hasSound: sources.some(({ stem }) => stem !== null), hasPicture: Boolean(desk.boxes.hasPicture?.()) };
      for (const id of rows.keys()) {
        if (!sources.some((source) => source.id === id)) {
          rows.get(id).node.remove();
          rows.delete(id);
        }
      }
      sources.forEach((source, index) => {
        if (!rows.has(source.id)) rows.set(source.id, desk.makeRow(source.id, actions));
        const { node } = rows.get(source.id);
        if (list.children[index] !== node) insert(node, list.children[index] ?? null);
        rows.get(source.id).show(source, about);
      });
      more.disabled = edits.isFull(document);
      more.textContent = more.disabled ? "A soundscape holds at most eight sounds" : "Add a sound";
    }

    // A node that is moved loses the focus.
    function insert(node, before) {
      const focused = node.contains(globalThis.document.activeElement) && globalThis.document.activeElement;
      list.insertBefore(node, before);
      if (focused) focused.focus({ preventScroll: true });
    }

    desk.rows = {
      // Bring a row into view, and put the focus on it.
      goTo(id) {
        const row = rows.get(id);
        if (!row) return;
        const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
        row.node.scrollIntoView({ block: "nearest", behavior });
        row.focus();
      },
    };

    state.subscribe(show);
    desk.transport?.subscribe?.(() => show());
    desk.boxes.onPicture?.(show);
    desk.attention.subscribe((id) => { for (const [each, row] of rows) row.node.classList.toggle("strong", each === id); });
    show();
  };
})(globalThis.desk ??= {});
