// Runs when a new sound is shown: nothing has been changed since.
() => {
  delete document.body.dataset.wished;
  if (!globalThis.desk.transport) globalThis.desk.state.rendered();
  window.bringIntoView?.("mix");
}
