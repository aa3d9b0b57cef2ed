// The source that is pointed at or has the focus, in whichever view. Pure, no DOM.
(function (desk) {
  "use strict";

  const listeners = new Set();
  let current = null;

  desk.attention = {
    id: () => current,
    set(id) {
      if (id === current) return;
      current = id;
      for (const listener of listeners) listener(id);
    },
    leave(id) { if (id === current) desk.attention.set(null); },
    subscribe: (listener) => { listeners.add(listener); return () => listeners.delete(listener); },
  };
})(globalThis.desk ??= {});
