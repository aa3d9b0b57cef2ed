// The player. props.value = what pipeline/page/preview.py says of the sound that is shown, or null
globalThis.desk.mountPlayer(element);
const load = () => { if (props.value) globalThis.desk.transport.load(props.value, { goesOn: globalThis.desk.render.isRunning() }); };
watch("value", load);
load();
