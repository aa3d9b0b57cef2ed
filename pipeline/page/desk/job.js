// Whether a job of the page runs: the buttons that start one are disabled meanwhile.
(function (desk) {
  "use strict";

  const listeners = new Set();
  let isRunning = false;

  function look() {
    const now = Boolean(globalThis.document.querySelector("#make")?.disabled);
    if (now === isRunning) return;
    isRunning = now;
    for (const listener of [...listeners]) listener();
  }

  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  desk.job = {
    mount: (element) => new MutationObserver(look).observe(element, { subtree: true, childList: true, attributeFilter: ["disabled"] }),
    isRunning: () => isRunning,
    subscribe,
    // Resolves when no job runs.
    ended: () => new Promise((resolve) => {
      if (!isRunning) { resolve(); return; }
      const leave = subscribe(() => { leave(); resolve(); });
    }),
  };
})(globalThis.desk ??= {});
