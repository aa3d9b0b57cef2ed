// Behaviour of the whole page. Runs once, when the page has loaded.
() => {
  const TASKS = ["hear", "describe", "make"];
  const STOPS = ["stop", "stop-making"];
  const byId = (id) => document.getElementById(id);
  let pressed = null;

  globalThis.desk.connection.restore();

  document.addEventListener("click", (event) => {
    const task = TASKS.find((id) => byId(id)?.contains(event.target));
    if (!task) return;
    pressed = event.detail ? null : task; // by a key; after a click, the space bar is for the player
    document.querySelectorAll("[data-testid='toast-close']").forEach((close) => close.click()); // messages of the last attempt
  }, true);

  // A disabled button loses the keyboard's focus. Move the focus to Stop, and back once the work is done.
  new MutationObserver(() => requestAnimationFrame(() => {
    const focused = document.activeElement;
    if (!pressed || ![document.body, byId(pressed)].includes(focused) && !STOPS.includes(focused.id)) return;
    if (byId(pressed).disabled) STOPS.map(byId).find((stop) => stop?.checkVisibility())?.focus({ preventScroll: true });
    else byId(pressed).focus({ preventScroll: true });
  })).observe(byId("desk"), { subtree: true, childList: true, attributes: true, attributeFilter: ["disabled"] });

  // Play one sound at a time. The players' audio elements are not in the document, so their events do not reach it.
  const play = HTMLMediaElement.prototype.play;
  let player = null;
  window.soundBegins = (next) => { // something with the method `pause`
    if (player !== next) player?.pause();
    player = next;
  };
  HTMLMediaElement.prototype.play = function () {
    window.soundBegins(this);
    return play.call(this);
  };

  // On a phone, where the columns are stacked, scroll to what has changed.
  window.bringIntoView = (id) => {
    if (!matchMedia("(max-width: 720px)").matches) return;
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    setTimeout(() => byId(id)?.scrollIntoView({ behavior, block: "start" }), 100); // after it is shown
  };

  // The browser asks before it leaves edits, a running job or an upload.
  function hasWork() {
    const { edited, sending } = document.body.dataset;
    return edited !== undefined || sending !== undefined || STOPS.some((id) => byId(id)?.checkVisibility());
  }
  window.addEventListener("beforeunload", (event) => { if (hasWork()) event.preventDefault(); });

  // Gradio ends its connections before the visitor has answered. A visitor who stays would lose the page and the files.
  const { abort } = AbortController.prototype;
  AbortController.prototype.abort = function (...reason) {
    if (window.event?.type !== "beforeunload" || !hasWork()) abort.apply(this, reason);
  };
}
