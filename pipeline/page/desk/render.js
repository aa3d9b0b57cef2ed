// Makes the file of the document as it is now, with the seed of the sound that is shown: other sounds stay as they are.
(function (desk) {
  "use strict";

  const SOON_MS = 700; // after the last of several changes
  const BUSY_MS = 60;
  const BEGINS_MS = 10_000; // a job that has not begun by then was refused
  let wanted = null; // {timer, done, ended: a promise}
  let isRunning = false;

  const byQuery = (query) => globalThis.document.querySelector(query);
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

  async function until(isTrue, limit = Infinity) {
    const end = performance.now() + limit;
    while (!isTrue() && performance.now() < end) await pause(BUSY_MS);
  }

  async function run({ done }) {
    wanted = null; // changes from here on need another job
    const { dataset } = globalThis.document.body;
    const wasWished = "wished" in dataset;
    const [make, random] = [byQuery("#make"), byQuery("#random input")];
    if (byQuery("#result")?.checkVisibility() && random?.checked) random.click();
    await pause(BUSY_MS); // the page has taken note of the checkbox by then
    await until(() => !make.disabled);
    isRunning = true;
    make.click();
    await until(() => make.disabled, BEGINS_MS);
    if (!wasWished) delete dataset.wished; // the checkbox was not changed by the visitor
    await until(() => !make.disabled);
    isRunning = false;
    done();
  }

  // Calls that come before the job begins are one job. Returns a promise that is kept when the job has ended, whether a
  // sound came of it or not.
  function render(wait) {
    if (!wanted) {
      wanted = {};
      wanted.ended = new Promise((resolve) => { wanted.done = resolve; });
    }
    const mine = wanted;
    clearTimeout(mine.timer);
    mine.timer = setTimeout(run, wait, mine);
    return mine.ended;
  }

  desk.render = () => render(0);
  desk.render.isRunning = () => isRunning;
  desk.render.soon = () => render(SOON_MS);
})(globalThis.desk ??= {});
