// Connects the document (desk/state.js) with the page: draws the list of sounds, takes what the server sends, and
// writes every change to the JSON editor.
// props.value = {json, what, origin, redo}: a new document, or {of, json}: the document in the text `of` of the editor, null
// while it has problems, or anything else: nothing new.
const { state } = globalThis.desk;
const view = element.querySelector(".view");

let picture = "";
function write() {
  trigger(state.origin().picture === picture ? "input" : "select"); // both run editor.js; "select" renews the note above, too
  picture = state.origin().picture;
}

function markEdited(isEdited) {
  if (isEdited) document.body.dataset.edited = "";
  else delete document.body.dataset.edited;
}

state.subscribe((_, { kind }) => {
  markEdited(state.isUnsaved());
  view.toggleAttribute("inert", state.isBroken());
  if (["rendered", "waiting", "typed"].includes(kind) || state.draft() !== null) return; // the editor shows what it should
  write();
});

function take() {
  const { of: written, what, json, origin, redo } = props.value ?? {};
  if (what === undefined && written === undefined) return;
  props.value = { json: "" }; // so that the same answer is noticed the next time
  if (what !== undefined) state.arrive(JSON.parse(json), origin, { isAnswer: what === "a new description", label: what, parts: redo });
  else if (!state.read(written, json === null ? undefined : json ? JSON.parse(json) : null) && state.draft() === null) write(); // clears older problems
}

globalThis.desk.mountRows(view, (name) => server.usual(name));
globalThis.desk.boxes.mount();
take();
watch("value", take);

// Gradio's editor calls itself "Code input container" to screen readers.
const NAME = "Soundscape as JSON";
new MutationObserver(() => {
  document.querySelector(`#editor .cm-content:not([aria-label="${NAME}"])`)?.setAttribute("aria-label", NAME);
}).observe(document.querySelector("#views"), { subtree: true, childList: true });
