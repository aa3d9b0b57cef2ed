// The preview: places the dry stems of a result as the document says now. Every change is heard at once; the levels that
// depend on the whole mix are measured in the background and follow a moment later.
(function (desk) {
  "use strict";

  const CALM_MS = 100; // after the last change, the mix is measured
  const BEGINS = "#hear, #make, #mix .render, .new-take"; // buttons after which a preview begins
  const REST_MS = 5000; // after the last sound, the AudioContext stops, which spares the battery
  let live = null; // one AudioContext for all results
  let rest = null; // timer
  let isSounding = () => false; // of the latest preview

  const context = (rate) => {
    live ??= new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    return live;
  };

  function wake() {
    clearTimeout(rest);
    return live.state === "running" ? null : live.resume();
  }

  function sleep() {
    clearTimeout(rest);
    rest = setTimeout(() => { if (!isSounding()) live.suspend(); }, REST_MS);
  }

  // An AudioContext takes a moment to start, and some browsers let it start only when the visitor presses something.
  globalThis.document?.addEventListener("click", (event) => {
    if (!event.target.closest?.(BEGINS)) return;
    context(desk.rate_hz);
    wake();
    sleep();
  }, true);

  // `tell(kind)` is called with "levels" when the mix has been measured, and with "end".
  desk.makePreview = async (info, state, tell) => {
    const sounds = await desk.loadSounds(info, state.document()?.space);
    const graph = desk.makeGraph(context(info.law.sample_rate_hz), info, sounds.buffers);
    const drawings = new Map(); // stem -> {columns, peaks}
    let startsAt = 0; // the position until the AudioContext is awake
    let alone = null; // index of the only stem to hear
    let levels = null; // {lufs, peaks}
    let timer = null;
    let isMeasuring = false;
    let again = false;
    let isOver = false;
    graph.onended = () => tell("end");

    // The sources of the document now, with what is usual for their kind and with their stems.
    function heard() {
      const made = info.document.sources.map(desk.wordsOf);
      return state.sources().map(({ source, stem }) => {
        const place = stem === null ? made.indexOf(desk.wordsOf(source)) : info.stems[stem].source;
        return { source, stem, usual: info.usual[place] ?? null };
      });
    }

    function place({ smooth = true } = {}) {
      const space = state.document()?.space ?? "open";
      if (!sounds.has(space)) sounds.load(space).then(() => { if (sounds.has(space)) changed(); });
      graph.place(heard(), space, sounds.response(space), { alone, smooth });
    }

    function changed() {
      if (isOver) return;
      place();
      clearTimeout(timer);
      timer = setTimeout(measure, CALM_MS);
    }

    async function measure() {
      if (isMeasuring) { again = true; return; }
      isMeasuring = true;
      do {
        again = false;
        const space = state.document()?.space ?? "open";
        await sounds.load(space);
        const { beds, events } = await desk.renderGroups(info, sounds.buffers, heard(), space, sounds.response(space));
        const found = beds || events ? await desk.measureInBackground(info.law, beds, events) : null;
        if (isOver) return;
        if (found) graph.follow(found);
        levels = { lufs: found?.lufs ?? -Infinity, peaks: found?.peaks ?? null };
      } while (again);
      isMeasuring = false;
      tell("levels");
    }

    place({ smooth: false });
    graph.follow(desk.measure.flat(sounds.buffers[0].length, desk.law.toGain(info.gain_db)));
    timer = setTimeout(measure, CALM_MS); // it is heard first

    return {
      duration: () => graph.length_s,
      levels: () => levels,
      changed,
      setAlone(stem) { alone = stem; place(); },
      alone: () => alone,
      // Be ready to sound at once: an AudioContext takes a moment to start.
      wake,
      async start(at) {
        startsAt = at;
        await wake();
        if (isOver) return;
        isSounding = graph.isPlaying;
        graph.start(at);
      },
      stop() {
        graph.stop();
        sleep();
      },
      isPlaying: graph.isPlaying,
      position: () => (graph.isPlaying() ? graph.position() : startsAt),
      setLoop: graph.setLoop,
      setVolume: graph.setVolume,
      peaks(stem, columns) {
        const drawn = drawings.get(stem);
        if (drawn?.columns === columns) return drawn.peaks;
        const buffer = sounds.buffers[stem];
        const channels = [...Array(buffer.numberOfChannels).keys()];
        const peaks = desk.measure.peaks(channels.map((channel) => buffer.getChannelData(channel)), columns);
        drawings.set(stem, { columns, peaks });
        return peaks;
      },
      loadSpaces: async () => { for (const space of Object.keys(info.spaces)) await sounds.load(space); },
      close() {
        isOver = true;
        clearTimeout(timer);
        graph.close();
      },
    };
  };
})(globalThis.desk ??= {});
