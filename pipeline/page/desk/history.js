// Undo and redo: a list of steps. A step is what a value was before a change, with a label. Pure, no DOM.
(function (desk) {
  "use strict";

  // makeHistory(limit) remembers at most `limit` steps. Changes with the same `merge` key, one right after the other,
  // are one step, until `seal` is called.
  desk.makeHistory = (limit = 100) => {
    let past = [];
    let future = [];
    let merging = null;

    const step = (from, to, now) => {
      if (!from.length) return null;
      const { value, label } = from.pop();
      to.push({ value: now, label });
      merging = null;
      return { value, label };
    };

    return {
      // Remember `before`, the value that a change with this label replaces.
      record(before, label, merge = null) {
        const isSameStep = merge !== null && merge === merging && !future.length;
        future = [];
        merging = merge;
        if (isSameStep) return;
        past.push({ value: before, label });
        if (past.length > limit) past = past.slice(-limit);
      },
      undo: (now) => step(past, future, now),
      redo: (now) => step(future, past, now),
      seal: () => { merging = null; },
      undoLabel: () => past.at(-1)?.label ?? null,
      redoLabel: () => future.at(-1)?.label ?? null,
      length: () => past.length,
    };
  };
})(globalThis.desk ??= {});
