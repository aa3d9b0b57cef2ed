// Makes the file of the document as it is now, with the seed of the sound that is shown: other sounds stay as they are.
(function (desk) {
  "use strict";

  const SOON_MS = 700; // after the last of several changes
  const BUSY_MS = 100;
  let timer = null;

  const byQuery = (query) => globalThis.document.querySelector(query);

  function start() {
    const [make, random] = [byQuery("#make"), byQuery("#random input")];
    if (byQuery("#result")?.checkVisibility() && random?.checked) random.click();
    timer = setTimeout(() => (make.disabled ? start() : make.click()), BUSY_MS); // the page has taken note of the checkbox by then
  }

  desk.render = () => {
    clearTimeout(timer);
    start();
  };
  desk.render.soon = () => {
    clearTimeout(timer);
    timer = setTimeout(start, SOON_MS);
  };
})(globalThis.desk ??= {});
