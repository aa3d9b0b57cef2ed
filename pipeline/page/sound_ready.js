// The sound is there, of what is written and wished.
() => {
  delete document.body.dataset.edited;
  delete document.body.dataset.wished;
  window.bringIntoView?.("mix");
}
