// What is downloaded is what is heard: a download of a changed document makes the file first.
(function (desk) {
  "use strict";

  const BUTTONS = "#mix-file, #bundle";
  let isWaiting = false;

  async function renderFirst({ id }) {
    isWaiting = true;
    desk.say("The file is made first. The download follows.");
    const before = desk.transport.info();
    await desk.render();
    isWaiting = false;
    if (desk.transport.info() !== before) document.getElementById(id)?.click(); // else the page says why
  }

  globalThis.document?.addEventListener("click", (event) => {
    const button = event.target.closest?.(BUTTONS);
    if (!button || !desk.state.isChanged()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!isWaiting) renderFirst(button);
  }, true);
})(globalThis.desk ??= {});
