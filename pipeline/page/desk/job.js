// Whether a job of the page runs: the buttons that start one are disabled meanwhile.
(function (desk) {
  "use strict";

  const listeners = new Set();
  let isRunning = false;

  const isNow = () => Boolean(globalThis.document.querySelector("#make")?.disabled);

  function look() {
    if (isNow() === isRunning) return;
    isRunning = !isRunning;
    for (const listener of [...listeners]) listener();
  }

  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  desk.job = {
    mount: (element) => new MutationObserver(look).observe(element, { subtree: true, childList: true, attributeFilter: ["disabled"] }),
    isRunning: isNow,
    subscribe,
    // Resolves when no job runs.
    ended: () => new Promise((resolve) => {
      if (!isNow()) { resolve(); return; }
      const leave = subscribe(() => { leave(); resolve(); });
    }),
  };
})(globalThis.desk ??= {});
