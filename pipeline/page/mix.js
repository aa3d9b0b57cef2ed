// The player. props.value = what pipeline/page/preview.py says of the sound that is shown, or null
const { mountPlayer, render, transport } = globalThis.desk;
mountPlayer(element);
function load() {
  if (!props.value) return;
  const info = structuredClone(props.value); // Gradio changes its own when the finished sound follows
  const isNew = transport.load(info, { goesOn: render.isRunning(), plays: render.plays() });
  if (!isNew) return;
  delete document.body.dataset.wished; // nothing has been changed since it was made
  window.bringIntoView?.("mix");
}
watch("value", load);
load();
