// Notices that the app cannot be reached and says so. What was asked of it meanwhile is asked again when it answers: Gradio
// would reload the page. It still does so if a job is lost, and then the document is kept.
(function (desk) {
  "use strict";

  const KEPT = "soundscape"; // in the storage of the tab
  const ASKED_EVERY_MS = 2000;
  const BACK_MS = 6000; // "it answers again" is shown, and Gradio may reload the page
  const GONE = [502, 503, 504];
  const LOST = "The app does not answer. Your soundscape is kept. This page goes on when the app answers again.";
  const BACK = "The app answers again.";
  const ASKS = /\/(run\/predict|queue\/join)$/;
  const waiting = []; // what goes on when the app answers again
  let isLost = false;
  let backAt = -Infinity;
  let note = null;
  let timer = null;

  const { document } = globalThis;
  const address = (input) => new URL(input?.url ?? input, document.baseURI);

  // The answer of a proxy before an app that has ended. The app itself, whose queue may be full, answers in JSON.
  const isOfProxy = ({ status, headers }) => GONE.includes(status) && !headers.get("content-type")?.includes("json");

  function say(words) {
    if (!note) {
      note = Object.assign(document.createElement("p"), { id: "connection" });
      note.setAttribute("role", "alert");
      document.querySelector(".gradio-container")?.append(note);
    }
    note.textContent = words;
    note.hidden = !words;
  }

  function notice(isGone) {
    if (isGone === isLost) return;
    isLost = isGone;
    say(isLost ? LOST : BACK);
    clearTimeout(timer);
    if (isLost) timer = setTimeout(ask, ASKED_EVERY_MS);
    else {
      backAt = performance.now();
      timer = setTimeout(say, BACK_MS, "");
      for (const goOn of waiting.splice(0)) goOn();
    }
  }

  const back = () => new Promise((resolve) => { waiting.push(resolve); });

  async function ask() {
    try {
      await globalThis.fetch(document.baseURI, { method: "HEAD", cache: "no-store" });
    } catch { /* still not */ }
    if (isLost) timer = setTimeout(ask, ASKED_EVERY_MS);
  }

  function watch() {
    const { fetch } = globalThis;
    globalThis.fetch = async (input, options) => {
      const { origin, pathname } = address(input);
      if (origin !== globalThis.location.origin) return fetch(input, options);
      for (;;) {
        const [answer, error] = await fetch(input, options).then((given) => [given], (reason) => [null, reason]);
        if (error && error.name !== "TypeError") throw error; // it was cancelled
        const isGone = !answer || isOfProxy(answer);
        notice(isGone);
        if (isGone && ASKS.test(pathname)) await back();
        else if (answer) return answer;
        else throw error;
      }
    };
    globalThis.addEventListener("beforeunload", (event) => {
      if (!isLost && performance.now() - backAt > BACK_MS) return;
      globalThis.sessionStorage.setItem(KEPT, JSON.stringify([desk.state.document(), desk.state.origin()]));
      event.stopImmediatePropagation(); // nothing is lost, so there is nothing to ask
    }, true);
  }

  if (document && globalThis.location) watch();

  desk.connection = {
    isLost: () => isLost,
    // Show the document of before the reload.
    restore() {
      const kept = globalThis.sessionStorage.getItem(KEPT);
      globalThis.sessionStorage.removeItem(KEPT);
      const [given, origin] = JSON.parse(kept) ?? [];
      if (!given) return;
      desk.state.arrive(given, origin, { label: "what you had" });
      say("The page was reloaded. Your soundscape is here again. Choose its picture again.");
      timer = setTimeout(say, 2 * BACK_MS, "");
    },
  };
})(globalThis.desk ??= {});
