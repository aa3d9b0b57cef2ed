// Makes the file of the document as it is now, with the seed of the sound that is shown: other sounds stay as they are.
(function (desk) {
  "use strict";

  const SOON_MS = 700; // after the last of several changes
  const BUSY_MS = 60;
  const BEGINS_MS = 10_000; // a job that has not begun by then was refused
  const NOTED_MS = 2000; // the page has taken note of a change by then
  let wanted = null; // {timer, done, ended: a promise}
  let isRunning = false;
  let plays = true; // whether the sound of the running job is played although nothing plays

  const byQuery = (query) => globalThis.document.querySelector(query);
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

  async function until(isTrue, limit = Infinity) {
    const end = performance.now() + limit;
    while (!isTrue() && (performance.now() < end || desk.connection.isLost())) await pause(BUSY_MS);
  }

  async function run({ done, isQuiet }) {
    wanted = null; // changes from here on need another job
    const [make, random] = [byQuery("#make"), byQuery("#random input")];
    const keepsSeed = Boolean(byQuery("#result")?.checkVisibility() && random?.checked);
    if (keepsSeed) await press(random);
    await until(() => !make.disabled);
    const before = desk.transport.info();
    [isRunning, plays] = [true, !isQuiet];
    make.click();
    await until(() => make.disabled, BEGINS_MS);
    await until(() => !make.disabled);
    [isRunning, plays] = [false, true];
    if (keepsSeed && !random.checked) await press(random);
    done(desk.transport.info() !== before);
  }

  // Press the checkbox for the visitor, who has changed no wish.
  async function press(checkbox) {
    const { dataset } = globalThis.document.body;
    const wasWished = "wished" in dataset;
    checkbox.click();
    await pause(BUSY_MS);
    await until(() => "wished" in dataset, NOTED_MS);
    if (!wasWished) delete dataset.wished;
  }

  // Calls that come before the job begins are one job. Returns a promise that resolves when the job has ended, to whether
  // a new sound can be heard.
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
  // Render a new take. If no sound comes of it, the take is again the one that is heard.
  desk.render.take = async (id) => {
    if (await desk.render()) return;
    const stem = desk.state.stemOf(id);
    const source = stem && desk.transport.info()?.document.sources[stem.source];
    if (source && desk.state.find(id)) desk.state.change(`take of ${source.name}`, (_, byId) => desk.edits.setTake(byId(id), source.take ?? 0));
  };
  desk.render.plays = () => plays;
  // For a small edit, of which several may follow. What is paused stays so.
  desk.render.soon = () => render(SOON_MS, true);
})(globalThis.desk ??= {});
