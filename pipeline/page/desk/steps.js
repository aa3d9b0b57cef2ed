// Undo and redo: two buttons and the usual keys. Says what was undone. Also shows a document that waits, and the way
// back to edits that a document of the server replaced.
(function (desk) {
  "use strict";

  const isMac = () => /mac|iphone|ipad/i.test(navigator.platform);

  desk.mountSteps = (element) => {
    const { state } = desk;
    const { make } = desk.fields;
    const [undo, redo] = element.querySelectorAll(".steps button");
    const notes = element.querySelector(".replaced");
    let mine = null; // the value of the document that was replaced although it was edited

    function step(back) {
      const label = back ? state.undoLabel() : state.redoLabel();
      if (back ? state.undo() : state.redo()) desk.say(`${back ? "Undone" : "Redone"}: ${label}`);
    }
    undo.addEventListener("click", () => step(true));
    redo.addEventListener("click", () => step(false));

    globalThis.document.addEventListener("keydown", (event) => {
      const isCommand = isMac() ? event.metaKey : event.ctrlKey;
      const key = event.key.toLowerCase();
      if (!isCommand || event.altKey || !["z", "y"].includes(key) || isOthers(event.target)) return;
      event.preventDefault();
      step(key === "z" && !event.shiftKey);
    }, true);

    // Texts that are no part of the document, and the JSON editor, undo what is typed in them.
    const isOthers = (node) => node.closest?.("#editor")
      || node.matches?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, [contenteditable]") && !node.closest("#sources");

    function name(button, word, label, keys) {
      button.disabled = label === null;
      button.setAttribute("aria-label", label === null ? word : `${word}: ${label}`);
      button.title = `${label === null ? word : `${word}: ${label}`} (${keys})`;
    }

    function show() {
      const command = isMac() ? "⌘" : "Ctrl+";
      name(undo, "Undo", state.undoLabel(), `${command}Z`);
      name(redo, "Redo", state.redoLabel(), isMac() ? "⇧⌘Z" : "Shift+Ctrl+Z");
      const waits = state.waiting();
      notes.hidden = !waits && !mine;
      notes.replaceChildren();
      if (waits) {
        notes.append(make("p", {}, "The new description is here. You have gone on editing, so it was not put in place of yours."),
          make("button", { type: "button", onclick: state.use }, "Use the new description"),
          make("button", { type: "button", onclick: state.decline }, "Keep mine"));
      } else if (mine) notes.append(make("button", { type: "button", id: "bring-back", onclick: bringBack }, "Bring back what I had"));
    }

    function bringBack() {
      const value = mine;
      mine = state.isEdited() ? state.value() : null;
      state.restore(value, "what you had");
      show();
    }

    let before = { value: state.value(), isEdited: false };
    state.subscribe((_, { kind }) => {
      if (kind === "server") mine = before.isEdited ? before.value : null;
      else if (["undo", "redo"].includes(kind)) mine = null; // undo has brought it back, or may
      before = { value: state.value(), isEdited: state.isEdited() };
      show();
    });
    show();
  };
})(globalThis.desk ??= {});
