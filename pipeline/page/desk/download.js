// What is downloaded is what is heard: a download of a changed document makes the file first.
(function (desk) {
  "use strict";

  const BUTTONS = "#mix-file, #bundle";
  const LOOK_MS = 100;

  // Resolves once the job has ended, with true if it made a sound.
  const made = () => new Promise((resolve) => {
    const [make, before] = [document.querySelector("#make"), desk.transport.info()];
    let hasBegun = false;
    const timer = setInterval(() => {
      const isNew = desk.transport.info() !== before;
      hasBegun ||= make.disabled;
      if (!isNew && (!hasBegun || make.disabled)) return;
      clearInterval(timer);
      resolve(isNew);
    }, LOOK_MS);
  });

  let isWaiting = false;

  async function renderFirst(button) {
    isWaiting = true;
    desk.say?.("The file is made first. The download follows.");
    desk.render();
    const isMade = await made();
    isWaiting = false;
    if (isMade) setTimeout(() => document.getElementById(button.id)?.click(), LOOK_MS); // the button has its new file by then
  }

  globalThis.document?.addEventListener("click", (event) => {
    const button = event.target.closest?.(BUTTONS);
    if (!button || !desk.state.isChanged()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!isWaiting) renderFirst(button);
  }, true);
})(globalThis.desk ??= {});
