// What is downloaded is what is heard: a download of a changed document, or of a sound without its file, makes the file
// first.
(function (desk) {
  "use strict";

  const BUTTONS = "#mix-file, #bundle";
  let isWaiting = false;

  const isThere = () => Boolean(desk.transport.info()?.mix) && !desk.state.isChanged();

  async function makeFirst({ id }) {
    isWaiting = true;
    desk.say("The file is made first. The download follows.");
    await desk.job.ended();
    const isMade = isThere() || await desk.render();
    isWaiting = false;
    if (isMade && desk.transport.info().mix) document.getElementById(id)?.click(); // else the page says why
  }

  globalThis.document?.addEventListener("click", (event) => {
    const button = event.target.closest?.(BUTTONS);
    if (!button || isThere()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!isWaiting) makeFirst(button);
  }, true);
})(globalThis.desk ??= {});
