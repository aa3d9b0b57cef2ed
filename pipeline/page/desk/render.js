// Makes the file of the document as it is now, with the seed of the sound that is shown: other sounds stay as they are.
(function (desk) {
  "use strict";

  const SOON_MS = 700; // after the last of several changes
  const BUSY_MS = 60;
  const BEGINS_MS = 10_000; // a job that has not begun by then was refused
  let wanted = null; // {timer, done, ended: a promise}
  let isRunning = false;
  let plays = true; // whether the sound of the running job is played although nothing plays

  const byQuery = (query) => globalThis.document.querySelector(query);
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

  async function until(isTrue, limit = Infinity) {
    const end = performance.now() + limit;
    while (!isTrue() && performance.now() < end) await pause(BUSY_MS);
  }

  async function run({ done, isQuiet }) {
    wanted = null; // changes from here on need another job
    const { dataset } = globalThis.document.body;
    const wasWished = "wished" in dataset;
    const [make, random] = [byQuery("#make"), byQuery("#random input")];
    if (byQuery("#result")?.checkVisibility() && random?.checked) random.click();
    await pause(BUSY_MS); // the page has taken note of the checkbox by then
    await until(() => !make.disabled);
    [isRunning, plays] = [true, !isQuiet];
    make.click();
    await until(() => make.disabled, BEGINS_MS);
    if (!wasWished) delete dataset.wished; // the checkbox was not changed by the visitor
    await until(() => !make.disabled);
    [isRunning, plays] = [false, true];
    done();
  }

  // Calls that come before the job begins are one job. Returns a promise that is kept when the job has ended, whether a
  // sound came of it or not.
  function render(wait, isQuiet) {
    if (!wanted) {
      wanted = { isQuiet: true };
      wanted.ended = new Promise((resolve) => { wanted.done = resolve; });
    }
    const mine = wanted;
    mine.isQuiet &&= isQuiet;
    clearTimeout(mine.timer);
    mine.timer = setTimeout(run, wait, mine);
    return mine.ended;
  }

  desk.render = () => render(0, false);
  desk.render.isRunning = () => isRunning;
  desk.render.plays = () => plays;
  // For a small edit, of which several may follow. What is paused stays so.
  desk.render.soon = () => render(SOON_MS, true);
})(globalThis.desk ??= {});
