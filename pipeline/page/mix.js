// The player. props.value = what pipeline/page/preview.py says of the sound that is shown, or null
const { mountPlayer, render, transport } = globalThis.desk;
mountPlayer(element);
function load() {
  if (!props.value) return;
  const info = structuredClone(props.value); // Gradio changes its own when the finished sound follows
  transport.load(info, { goesOn: render.isRunning(), plays: render.plays() });
}
watch("value", load);
load();
