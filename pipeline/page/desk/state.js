// The one document of the page. Rows, boxes, lanes and the JSON editor are views of it. Pure, no DOM.
(function (desk) {
  "use strict";

  const COLOURS = 8; // --source-1 .. --source-8 in colours.css
  const NOTHING = { place: null, entries: [], origin: { picture: "", text: "" } };

  const freeze = (value) => {
    if (value && typeof value === "object") Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  const copy = (value) => JSON.parse(JSON.stringify(value));

  // `known`: the names of the fields of a source that the server accepts.
  desk.makeState = ({ known = [], limit = 100 } = {}) => {
    const history = desk.makeHistory(limit);
    const listeners = new Set();
    // place: the document without its sources; entries: [{id, colour, source, part}], where part is the span of seconds
    // that is made again, if there is one; origin: what the document was written for
    let now = freeze(copy(NOTHING));
    let document = null;
    let lastId = 0;
    let draft = null; // what is written in the JSON editor and is not in the document yet
    let isBroken = false; // the draft has problems
    let base = now; // what the draft is a change of
    let pending = []; // changes since the draft was written, which are made again on the document that it becomes
    let canMakeParts = false; // the model of the shown sound can make a part of it again
    let waiting = null; // a document of the server that came while the visitor was editing
    let edits = 0; // number of changes by the visitor
    let editsAtStart = null; // `edits` when the running job began
    let sentAtStart = null; // the document when the running job began
    let isOvertaken = false; // an example or an earlier result was chosen since
    let heard = null; // the document that the shown sound was made of, as text
    let made = null; // the same as an object, and the information about its stems
    let stems = []; // [{id, stem, info, words, twin, take}]
    const takes = new Map(); // id -> [{words, take}] that were heard

    const asDocument = ({ place, entries }) => (entries.length ? { ...place, sources: entries.map(({ source }) => source) } : null);
    const text = () => (document ? JSON.stringify(document) : "");
    const tell = (kind, label) => { for (const listener of [...listeners]) listener(document, { kind, label }); };

    function show(next, kind, label) {
      now = freeze(next);
      document = freeze(asDocument(now));
      tell(kind, label);
    }

    function dropDraft() {
      draft = null;
      isBroken = false;
      pending = [];
    }

    function entry(source, used) {
      const colour = [...Array(COLOURS).keys()].find((each) => !used.has(each + 1)) ?? lastId % COLOURS;
      used.add(colour + 1);
      lastId += 1;
      return { id: `source-${lastId}`, colour: colour + 1, source };
    }

    // The same entries for sources that are still there, new ones for the others.
    function entriesOf(sources, entryAt) {
      const kept = sources.map((_, place) => entryAt(place));
      const used = new Set(kept.filter(Boolean).map(({ colour }) => colour));
      return sources.map((source, place) => (kept[place] ? { ...kept[place], source } : entry(source, used)));
    }

    function split(given, origin, before = now.entries) {
      if (!given) return { ...copy(NOTHING), origin };
      const { sources, ...place } = copy(given);
      const match = desk.matchSources(before.map(({ source }) => source), sources);
      return { place, entries: entriesOf(sources, (index) => before[match[index]]), origin };
    }

    // Make one step of the history. Return false if nothing is different.
    function put(next, kind, label, merge = null) {
      const isSame = JSON.stringify([next.place, next.entries, next.origin]) === JSON.stringify([now.place, now.entries, now.origin]);
      if (isSame) return false;
      history.record(now, label, merge);
      if (kind === "edit") edits += 1;
      show(next, kind, label);
      return true;
    }

    const state = {
      document: () => document,
      text,
      sources: () => now.entries.map(({ id, colour, source, part = null }, index) => (
        { id, colour, source, part, index, stem: stems.find((stem) => stem.id === id)?.stem ?? null })),
      find: (id) => state.sources().find((each) => each.id === id) ?? null,
      origin: () => now.origin,
      knows: (field) => known.includes(field),
      subscribe: (listener) => { listeners.add(listener); return () => listeners.delete(listener); },

      // Change the document by `fn(document, source of an id)`, which may change, move, add and remove what it is given.
      // Nothing can be changed while the JSON has problems.
      change(label, fn, { merge = null } = {}) {
        if (isBroken) return false;
        if (draft !== null) pending.push(fn);
        return put(changed(now, fn), "edit", label, merge);
      },
      // Make a part of a sound again, [from, to] in seconds; null: leave it whole.
      setPart(id, part) {
        const entries = now.entries.map(({ part: _, ...entry }) => entry);
        now.entries.forEach((old, index) => { if (old.id === id ? part : old.part) entries[index].part = old.id === id ? part : old.part; });
        return put({ ...now, entries }, "edit", `part of ${state.find(id).source.name}`);
      },
      // All parts as the server reads them.
      parts: () => partsOf(now.entries),
      canMakeParts: () => canMakeParts,
      // End the step that is being typed: the next change is another one.
      seal: history.seal,
      undo: () => jump(history.undo(now), "undo"),
      redo: () => jump(history.redo(now), "redo"),
      undoLabel: history.undoLabel,
      redoLabel: history.redoLabel,

      // What is written in the JSON editor.
      draft: () => draft,
      isBroken: () => isBroken,
      write(written) {
        if (draft === null) base = now;
        draft = written;
        edits += 1;
      },
      // The server has read the text `of` as a document; `given` is undefined if it has problems. Return false if
      // something else is written in the editor by now.
      read(of, given) {
        if (of !== draft) return false;
        isBroken = given === undefined;
        if (isBroken) {
          tell("typed", "");
          return true;
        }
        const next = pending.reduce(changed, split(given, now.origin, base.entries));
        const kind = pending.length ? "edit" : "typed"; // if only typed, the editor shows it already
        dropDraft();
        if (!put(next, kind, "typing in the JSON", "json")) tell(kind, "");
        return true;
      },

      // A job begins. What is changed from here on is not in its answer.
      begin() {
        [editsAtStart, sentAtStart, isOvertaken] = [edits, text(), false];
      },
      // A document of the server: a description, an example, an earlier result. It waits if it answers a job and the
      // visitor has gone on editing since the job began. Return true if it is shown.
      arrive(given, origin, { isAnswer = false, label = "a new document", parts = "" } = {}) {
        if (isAnswer && isOvertaken) return false; // it is of a picture that is no longer there
        isOvertaken = !isAnswer;
        waiting = null;
        if (isAnswer && editsAtStart !== null && edits !== editsAtStart) {
          if (isOwn(given, origin)) return false; // what is being edited is this description
          waiting = { given, origin, label }; // a description has no parts
          tell("waiting", label);
          return false;
        }
        dropDraft();
        if (!isAnswer && (!made || !desk.isSame(given, JSON.parse(heard)))) silence(); // it may come after its sound
        if (!put(withParts(split(given, freeze(copy(origin))), parts), "server", label)) show(now, "server", label);
        assignStems();
        return true;
      },
      waiting: () => waiting,
      use() {
        const { given, origin, label } = waiting;
        waiting = null;
        dropDraft();
        put(withParts(split(given, freeze(copy(origin))), ""), "edit", label);
      },
      decline() { waiting = null; tell("waiting", ""); },
      // Show an earlier value of the document again, as a new step.
      restore(value, label) {
        dropDraft();
        put(copy(value), "edit", label);
      },
      value: () => now,
      isEdited: () => Boolean(document) && (!now.origin.text || !desk.isSame(document, JSON.parse(now.origin.text))),

      // A sound is shown. `info.document` is what it was made of, without it the document at the start of the job.
      rendered(info) {
        const document = info?.document ?? (sentAtStart ? JSON.parse(sentAtStart) : state.document());
        heard = document ? JSON.stringify(document) : null;
        made = document && { sources: copy(document.sources), stems: info?.stems ?? [], parts: info?.redo ?? {} };
        canMakeParts = Boolean(info?.can_redo);
        assignStems();
        editsAtStart = sentAtStart = null;
        tell("rendered", "");
      },
      // True if something would be lost with the page: changes since the sound was made, or since the document came.
      isUnsaved: () => (heard === null ? state.isEdited() : state.isChanged()),
      isChanged: () => heard !== null
        && !(desk.isSame(document, JSON.parse(heard)) && desk.isSame(made?.parts ?? {}, JSON.parse(partsOf(now.entries) || "{}"))),
      stemOf: (id) => stems.find((stem) => stem.id === id)?.info ?? null,
      // True if the stem of this source is what the source says now: its words, twin number, take and part are the same.
      isHeard(id) {
        const [stem, each] = [stems.find((one) => one.id === id), state.find(id)];
        if (!stem || !each) return false;
        const twin = desk.twinsOf(now.entries.map(({ source }) => source))[each.index];
        return stem.words === desk.wordsOf(each.source) && stem.twin === twin && stem.take === (each.source.take ?? 0)
          && String(stem.part) === String(each.part);
      },
      // The takes of this source, as it is worded now, that have been heard.
      takes(id) {
        const words = desk.wordsOf(state.find(id)?.source ?? {});
        return (takes.get(id) ?? []).filter((each) => each.words === words).map(({ take }) => take).sort((a, b) => a - b);
      },
    };

    // The value after `fn` has changed its document.
    function changed(value, fn) {
      const sources = value.entries.map(({ source }) => copy(source));
      const byId = new Map(value.entries.map(({ id }, place) => [id, sources[place]]));
      const document = { ...copy(value.place ?? desk.NEW_PLACE), sources: [...sources] };
      try {
        fn(document, (id) => byId.get(id));
      } catch (error) {
        if (value === now) throw error;
        return value; // its source is no longer there
      }
      const { sources: left, ...place } = document;
      if (!left.length) return { ...copy(NOTHING), origin: value.origin };
      const kept = left.map((source) => value.entries[sources.indexOf(source)] ?? null);
      const twins = desk.twinsOf(value.entries.map(({ source }) => source));
      if (known.includes("twin")) desk.keepTwins(left, kept.map((old) => old && { source: old.source, twin: twins[value.entries.indexOf(old)] }));
      return { place, entries: entriesOf(left, (index) => kept[index]), origin: value.origin };
    }

    function partsOf(entries) {
      const parts = Object.fromEntries(entries.map(({ part }, index) => [index, part]).filter(([, part]) => part));
      return Object.keys(parts).length ? JSON.stringify(parts) : "";
    }

    function withParts(value, text) {
      const parts = JSON.parse(text || "{}");
      return { ...value, entries: value.entries.map(({ part: _, ...entry }, index) => (parts[index] ? { ...entry, part: parts[index] } : entry)) };
    }

    const isOwn = (given, origin) => origin.picture === now.origin.picture && Boolean(now.origin.text)
      && desk.isSame(given, JSON.parse(now.origin.text));

    function silence() {
      heard = made = null;
      stems = [];
    }

    // Find the source of each stem. The document and its sound come from the server in any order.
    function assignStems() {
      const match = made ? desk.matchSources(made.sources, now.entries.map(({ source }) => source)) : [];
      const twins = made ? desk.twinsOf(made.sources) : [];
      stems = (made?.stems ?? []).flatMap((info, stem) => {
        const id = now.entries[match.indexOf(info.source)]?.id;
        const source = made.sources[info.source];
        if (!id || !source) return [];
        remember(id, source);
        return [{ id, stem, info, words: desk.wordsOf(source), twin: twins[info.source], take: source.take ?? 0, part: made.parts[info.source] ?? null }];
      });
    }

    function remember(id, source) {
      const [words, take] = [desk.wordsOf(source), source.take ?? 0];
      const known = takes.get(id) ?? [];
      if (!known.some((each) => each.words === words && each.take === take)) takes.set(id, [...known, { words, take }]);
    }

    function jump(step, kind) {
      if (!step) return false;
      edits += 1;
      dropDraft();
      show(step.value, kind, step.label);
      return true;
    }

    return state;
  };

  // Equal documents, whatever the order of their fields and whichever fields have their usual values.
  desk.isSame = (one, other) => canonical(one) === canonical(other);

  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical)}]`;
    if (!value || typeof value !== "object") return JSON.stringify(value ?? null);
    const fields = Object.keys(value).filter((key) => !isUsual(key, value[key])).sort();
    return `{${fields.map((key) => `${key}:${canonical(value[key])}`)}}`;
  }

  const isUsual = (key, value) => value === null || key === "take" && value === 0;

  desk.state = desk.makeState({ known: desk.known ?? [] });
})(globalThis.desk ??= {});
