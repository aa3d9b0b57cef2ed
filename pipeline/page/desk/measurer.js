// Measures mixes in a worker, so that the page answers meanwhile.
(function (desk) {
  "use strict";

  const COLUMNS = 600; // of the drawing of the mix

  // Runs in the worker too, so it uses nothing but its arguments.
  function measured(desk, { law, beds, events, columns }) {
    const { duck, bus, lufs, mix } = desk.measure.master(law, beds, events);
    return { duck, bus, lufs, peaks: desk.measure.peaks(mix, columns) };
  }

  const CODE = () => `globalThis.desk = {};
    ${desk.pure.map((define) => `(${define})(desk);`).join("\n")}
    const measured = ${measured};
    onmessage = ({ data }) => {
      const found = measured(desk, data);
      postMessage({ id: data.id, found }, [found.bus.buffer, found.peaks.buffer]);
    };`;

  let worker = null;
  let lastId = 0;
  const waiting = new Map(); // id -> resolve

  function begin() {
    worker = new Worker(URL.createObjectURL(new Blob([CODE()], { type: "text/javascript" })));
    worker.onmessage = ({ data: { id, found } }) => {
      waiting.get(id)(found);
      waiting.delete(id);
    };
  }

  // Resolves to the curves of the beds and of the bus, the loudness and the drawing of the mix. The sounds are used up.
  desk.measureInBackground = (law, beds, events) => {
    const job = { law, beds, events, columns: COLUMNS, id: lastId += 1 };
    try {
      if (!worker) begin();
    } catch { // a server may forbid workers
      return Promise.resolve(measured(desk, job));
    }
    const sounds = [...(beds ?? []), ...(events ?? [])].map(({ buffer }) => buffer);
    return new Promise((resolve) => {
      waiting.set(job.id, resolve);
      worker.postMessage(job, sounds);
    });
  };
})(globalThis.desk ??= {});
