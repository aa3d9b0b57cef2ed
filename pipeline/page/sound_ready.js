// Runs when a new sound is shown: nothing has been changed since.
() => {
  delete document.body.dataset.edited;
  delete document.body.dataset.wished;
  window.bringIntoView?.("mix");
}
