// The Web Audio graph of the mix. It runs on an AudioContext, where every change is heard at once, and on an
// OfflineAudioContext, where the whole mix is measured. All stems start at one time of one clock.
//
//   stem -> air -> gains to both sides -> its group (beds or events) -> bus
//              \-> gain to the space   -> space of its group        /
//
// The gains of the beds and of the bus change over time. Their curves are sounds too, which play in step with the stems.
(function (desk) {
  "use strict";

  const GLIDE_S = 0.006; // time constant of a change
  const FADE_S = 0.03; // from one filter to the next
  const LEVEL_S = 0.15; // from one curve to the next: the level of the whole mix changes gently
  const EDGE_S = 0.008; // at the start and the end of playing
  const SOON_S = 0.012; // time to set up the sources
  const AHEAD_S = 0.1; // before a repetition, its spaces are set up

  function glide(context, param, value, smooth) {
    if (!smooth) { param.value = value; return; }
    const now = context.currentTime;
    param.cancelScheduledValues(now);
    param.setTargetAtTime(value, now, GLIDE_S);
  }

  function ramp(param, from, to, at, seconds) {
    param.cancelScheduledValues(at);
    param.setValueAtTime(from, at);
    param.linearRampToValueAtTime(to, at + seconds);
  }

  // A convolver whose response can change while it sounds.
  function makeFilter(context) {
    const [input, output] = [context.createGain(), context.createGain()];
    let current = null; // {buffer, gate, gain}: before and after its convolver
    let next = null; // asked for during a change
    let changing = false;

    function put(buffer) {
      const [gate, gain] = [context.createGain(), context.createGain()];
      const convolver = new ConvolverNode(context, { disableNormalization: true, buffer });
      input.connect(gate).connect(convolver).connect(gain).connect(output);
      return { buffer, gate, gain };
    }

    function remove(old) {
      input.disconnect(old.gate);
      old.gain.disconnect();
    }

    function set(buffer, smooth) {
      if (changing) { next = { buffer }; return; }
      if (current?.buffer === buffer || (!current && !buffer)) return;
      const old = current;
      current = buffer ? put(buffer) : null;
      if (!smooth) {
        if (old) remove(old);
        return;
      }
      const now = context.currentTime;
      if (current) ramp(current.gain.gain, 0, 1, now, FADE_S);
      if (old) ramp(old.gain.gain, 1, 0, now, FADE_S);
      removeAfter(old, FADE_S);
    }

    function removeAfter(old, seconds) {
      changing = true;
      setTimeout(() => {
        if (old) remove(old);
        changing = false;
        const asked = next;
        next = null;
        if (asked) set(asked.buffer, true);
      }, 1000 * seconds + 20);
    }

    // Forget what still rings.
    function clear() {
      if (!current || changing) return;
      remove(current);
      current = put(current.buffer);
    }

    // The same at a time in the near future.
    function clearAt(time) {
      if (!current || changing) return;
      const old = current;
      current = put(old.buffer);
      current.gate.gain.setValueAtTime(0, context.currentTime);
      current.gate.gain.setValueAtTime(1, time);
      ramp(old.gain.gain, 1, 0, time - EDGE_S, EDGE_S);
      removeAfter(old, time - context.currentTime);
    }

    return { input, output, set, clear, clearAt };
  }

  // A gain that follows a curve in step with the stems, which the filters make late.
  function makeCurve(context, rate, param, late_s) {
    let buffer = null;
    let playing = []; // [{source, gain, settled_s}], the last one to stay
    let running = null; // {when, offset, loop, length_s}
    param.value = 0;

    function begin(when, offset) {
      const source = new AudioBufferSourceNode(context, { buffer, loop: running.loop, loopEnd: running.length_s });
      const gain = context.createGain();
      source.connect(gain).connect(param);
      source.start(when + late_s, offset);
      source.onended = () => { playing = playing.filter((each) => each.source !== source); };
      playing.push({ source, gain, settled_s: when });
      return playing.at(-1);
    }

    return {
      set(values) {
        buffer = new AudioBuffer({ length: values.length, sampleRate: rate });
        buffer.copyToChannel(values, 0);
        if (!running) return;
        const old = playing.at(-1);
        const when = Math.max(context.currentTime + SOON_S, old.settled_s);
        const next = begin(when, running.positionAt(when));
        ramp(next.gain.gain, 0, 1, when, LEVEL_S);
        ramp(old.gain.gain, 1, 0, when, LEVEL_S);
        old.source.stop(when + LEVEL_S);
        next.settled_s = when + LEVEL_S;
      },
      start(how) {
        running = how;
        begin(how.when, how.offset);
      },
      setLoop(loop) { for (const { source } of playing) source.loop = loop; },
      stop(at) {
        for (const { source } of playing) source.stop(at);
        playing = [];
        running = null;
      },
    };
  }

  // `info`: the value of the server; `buffers`: one AudioBuffer per stem. `isMeasuring`: put out both groups, as four
  // channels before the curves.
  desk.makeGraph = (context, info, buffers, { isMeasuring = false } = {}) => {
    const { law } = info;
    const rate = law.sample_rate_hz;
    const length_s = buffers[0].duration;
    const filters = new Map(); // by space and distance
    const master = context.createGain();
    const bus = context.createGain();
    const ducked = context.createGain();
    const volume = context.createGain();
    const groups = { beds: makeGroup(), events: makeGroup() };
    const late_s = desk.law.delayOf(law) / rate;
    const curves = isMeasuring ? [] : [ducked, bus].map(({ gain }) => makeCurve(context, rate / desk.measure.CURVE_STEP, gain, late_s));
    let running = null; // {when, offset, loop, sources}
    let loop = false;
    let seam = null; // timer

    if (isMeasuring) {
      const merger = context.createChannelMerger(4);
      Object.values(groups).forEach(({ output }, group) => {
        const splitter = context.createChannelSplitter(2);
        output.connect(splitter);
        [0, 1].forEach((side) => splitter.connect(merger, side, 2 * group + side));
      });
      merger.connect(context.destination);
    } else {
      groups.beds.output.connect(ducked).connect(bus);
      groups.events.output.connect(bus).connect(master).connect(volume).connect(context.destination);
    }

    function makeGroup() {
      const [input, output] = [stereo(), stereo()];
      const space = makeFilter(context);
      input.connect(output);
      space.output.connect(output);
      return { input, output, space };
    }

    function stereo() {
      return new GainNode(context, { channelCount: 2, channelCountMode: "explicit" });
    }

    const stems = info.stems.map(() => {
      const air = makeFilter(context);
      const splitter = context.createChannelSplitter(2);
      const merger = context.createChannelMerger(2);
      const send = context.createGain();
      air.output.connect(splitter);
      const gainTo = (target, channel, ...input) => {
        const gain = new GainNode(context, { gain: 0 });
        splitter.connect(gain, channel);
        gain.connect(target, ...input);
        return gain.gain;
      };
      const gains = {
        left: [gainTo(merger, 0, 0, 0), gainTo(merger, 1, 0, 0)],
        right: [gainTo(merger, 0, 0, 1), gainTo(merger, 1, 0, 1)],
        send: [gainTo(send, 0), gainTo(send, 1)],
      };
      return { air, gains, merger, send, group: null };
    });

    function filterFor(gains, space, distance) {
      const key = `${law.spaces[space]?.cutoff_hz ?? 0} ${distance}`;
      if (!filters.has(key)) {
        if (filters.size > 100) filters.clear();
        const filter = desk.law.filterOf(law, gains);
        const buffer = new AudioBuffer({ length: filter.length, sampleRate: rate });
        buffer.copyToChannel(filter, 0);
        filters.set(key, buffer);
      }
      return filters.get(key);
    }

    function join(stem, group) {
      if (stem.group === group) return;
      if (stem.group) { stem.merger.disconnect(); stem.send.disconnect(); }
      stem.merger.connect(groups[group].input);
      stem.send.connect(groups[group].space.input);
      stem.group = group;
    }

    const graph = {
      length_s,
      // Place every stem. `heard`: [{source, usual, stem}] of the document, `stem` an index or null. `alone`: the index
      // of the only stem to hear, or null. `response`: the AudioBuffer of the space, or null.
      place(heard, space, response, { alone = null, smooth = true } = {}) {
        const known = heard.filter(({ usual }) => usual);
        const levels = desk.law.levelsDb(law, known.map(({ source }) => source), known.map(({ usual }) => usual));
        const reverberant = new Set(); // groups that need the space, which takes most of the work
        stems.forEach((stem, index) => {
          const at = known.findIndex((each) => each.stem === index);
          if (at < 0) { // its source was removed
            for (const param of Object.values(stem.gains).flat()) glide(context, param, 0, smooth);
            return;
          }
          const { source } = known[at];
          const placing = desk.law.placing(law, info.stems[index], source, levels[at], space);
          const isHeard = alone === null || alone === index;
          join(stem, source.role === "bed" ? "beds" : "events");
          if (isHeard && placing.send[0] > 0) reverberant.add(stem.group);
          stem.air.set(filterFor(placing.gains, space, source.distance_m), smooth);
          for (const [name, params] of Object.entries(stem.gains)) {
            params.forEach((param, channel) => glide(context, param, isHeard ? placing[name][channel] : 0, smooth));
          }
        });
        for (const [name, group] of Object.entries(groups)) group.space.set(reverberant.has(name) ? response : null, smooth);
      },
      // The curves of the beds and of the bus.
      follow({ duck, bus: level }) {
        curves[0].set(duck ?? level.map(() => 1));
        curves[1].set(level);
      },
      start(offset = 0) {
        graph.stop();
        const when = context.currentTime + (isMeasuring ? 0 : SOON_S);
        if (!isMeasuring) for (const group of Object.values(groups)) group.space.clear();
        const sources = buffers.map((buffer, index) => {
          const source = new AudioBufferSourceNode(context, { buffer, loop, loopEnd: length_s });
          source.connect(stems[index].air.input);
          source.start(when, offset);
          return source;
        });
        running = { when, offset, loop, length_s, sources, positionAt };
        for (const curve of curves) curve.start(running);
        if (!isMeasuring) ramp(master.gain, 0, 1, when, EDGE_S);
        awaitSeam();
        sources[0].onended = () => { if (running?.sources === sources) { graph.stop(); graph.onended?.(); } };
      },
      stop() {
        if (!running) return;
        const now = context.currentTime;
        const { sources } = running;
        running = null;
        clearTimeout(seam);
        master.gain.cancelScheduledValues(now);
        master.gain.setTargetAtTime(0, now, EDGE_S / 4);
        for (const source of sources) source.stop(now + EDGE_S);
        for (const curve of curves) curve.stop(now + EDGE_S);
      },
      isPlaying: () => running !== null,
      setVolume: (share) => glide(context, volume.gain, share, true),
      setLoop(on) {
        if (running && loop !== on) { // count the loops up to now
          const now = Math.max(context.currentTime, running.when);
          Object.assign(running, { offset: positionAt(now), when: now });
        }
        loop = on;
        if (!running) return;
        running.loop = on;
        for (const source of running.sources) source.loop = on;
        for (const curve of curves) curve.setLoop(on);
        awaitSeam();
      },
      // In a repetition, what rings ends with the sound and begins anew, as in a repeated file.
      clearAtSeam() {
        const at = context.currentTime + length_s - graph.position() + late_s;
        for (const group of Object.values(groups)) group.space.clearAt(at);
      },
      position: () => (running ? positionAt(context.currentTime) : 0),
      onended: null,
      close() {
        graph.stop();
        setTimeout(() => volume.disconnect(), 1000 * FADE_S);
      },
    };
    return graph;

    function awaitSeam() {
      clearTimeout(seam);
      if (!running?.loop) return;
      const left = length_s - graph.position();
      const wait = left > AHEAD_S ? left - AHEAD_S : left + length_s - AHEAD_S; // else it is too late for this one
      seam = setTimeout(() => {
        graph.clearAtSeam();
        seam = setTimeout(awaitSeam, 2000 * AHEAD_S);
      }, 1000 * wait);
    }

    function positionAt(time) {
      const passed = running.offset + Math.max(time - running.when, 0);
      return running.loop ? passed % length_s : Math.min(passed, length_s);
    }
  };

  // Scale an impulse response, which was written at full scale, to unit energy in each channel.
  desk.unitEnergy = (buffer) => {
    for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
      const samples = buffer.getChannelData(channel);
      let energy = 0;
      for (let at = 0; at < samples.length; at += 1) energy += samples[at] * samples[at];
      const gain = 1 / Math.sqrt(energy);
      for (let at = 0; at < samples.length; at += 1) samples[at] *= gain;
    }
    return buffer;
  };

  // Render the sums of the placed beds and of the placed events in the background, each [left, right], or null if none
  // of them is heard.
  desk.renderGroups = async (info, buffers, heard, space, response) => {
    const { law } = info;
    const delay = desk.law.delayOf(law);
    const context = new OfflineAudioContext(4, buffers[0].length + delay, law.sample_rate_hz);
    const graph = desk.makeGraph(context, info, buffers, { isMeasuring: true });
    graph.place(heard, space, response, { smooth: false });
    graph.start();
    const rendered = await context.startRendering();
    const sounds = heard.filter(({ source, stem }) => stem !== null && !source.mute);
    const group = (first, isBed) => (sounds.some(({ source }) => (source.role === "bed") === isBed)
      ? [first, first + 1].map((channel) => rendered.getChannelData(channel).slice(delay)) : null);
    return { beds: group(0, true), events: group(2, false) };
  };
})(globalThis.desk ??= {});
