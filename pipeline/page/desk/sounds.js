// The decoded sounds of a result: its dry stems, and the impulse responses of the spaces.
(function (desk) {
  "use strict";

  // The files of the spaces are the same for every result.
  const responses = new Map(); // url -> Promise of an AudioBuffer

  let decoded = new Map(); // url -> AudioBuffer of the latest result

  async function decode(file, rate) {
    const answer = await fetch(file.url);
    if (!answer.ok) throw new Error(`${file.orig_name}: ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    const wav = desk.readWav(bytes);
    if (wav?.rate !== rate) return new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
    const buffer = new AudioBuffer({ length: wav.channels[0].length, numberOfChannels: wav.channels.length, sampleRate: rate });
    wav.channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
    return buffer;
  }

  // The samples of a WAV file of 16 bits, in a fifth of the time that the browser takes; null for any other file.
  desk.readWav = (bytes) => {
    const view = new DataView(bytes);
    const name = (at) => String.fromCharCode(...new Uint8Array(bytes, at, 4));
    if (bytes.byteLength < 44 || name(0) !== "RIFF" || name(8) !== "WAVE") return null;
    let format = null;
    for (let at = 12; at + 8 <= bytes.byteLength; at += 8 + view.getUint32(at + 4, true) + view.getUint32(at + 4, true) % 2) {
      if (name(at) === "fmt ") format = { code: view.getUint16(at + 8, true), count: view.getUint16(at + 10, true), rate: view.getUint32(at + 12, true), bits: view.getUint16(at + 22, true) };
      if (name(at) !== "data") continue;
      if (format?.code !== 1 || format.bits !== 16 || at % 2) return null;
      const { count, rate } = format;
      const size = Math.min(view.getUint32(at + 4, true), bytes.byteLength - at - 8);
      const samples = new Int16Array(bytes, at + 8, Math.floor(size / 2));
      const channels = [...Array(count).keys()].map((channel) => {
        const found = new Float32Array(Math.floor(samples.length / count));
        for (let each = 0, from = channel; each < found.length; each += 1, from += count) found[each] = samples[from] / 32768;
        return found;
      });
      return { rate, channels };
    }
    return null;
  };

  // Resolves when the stems and one of the spaces are there.
  desk.loadSounds = async (info, first) => {
    const rate = info.law.sample_rate_hz;
    const found = new Map(); // space -> AudioBuffer
    const [buffers] = await Promise.all([
      Promise.all(info.stems.map(({ file }) => decoded.get(file.url) ?? decode(file, rate))), load(first)]);
    decoded = new Map(info.stems.map(({ file }, index) => [file.url, buffers[index]]));

    async function load(space) {
      const file = info.spaces[space];
      if (!file || found.has(space)) return;
      if (!responses.has(file.url)) responses.set(file.url, decode(file, rate).then(desk.unitEnergy));
      try {
        found.set(space, await responses.get(file.url));
      } catch { // the next change asks again
        responses.delete(file.url);
      }
    }

    return { buffers, load, response: (space) => found.get(space) ?? null, has: (space) => !info.spaces[space] || found.has(space) };
  };

  // Muted sources have no new stem. The one of an earlier result is as good if it was made by the same wishes from the same
  // words; then a source can be heard again that was muted in between.
  desk.withEarlierStems = (info, earlier) => {
    if (!earlier || !info.stems.length || info.wishes !== earlier.wishes) return info;
    const isThere = new Set(info.stems.map(({ source }) => source));
    const free = [...earlier.stems];
    const found = info.document.sources.flatMap((source, place) => {
      const at = isThere.has(place) ? -1 : free.findIndex((stem) => isOf(info, earlier.document, stem.source, info.document, source));
      return at < 0 ? [] : [{ ...free.splice(at, 1)[0], source: place }];
    });
    return { ...info, stems: [...info.stems, ...found] };
  };

  // Whether the stem of a source of an earlier document is what this source sounds like.
  function isOf(info, before, index, document, source) {
    const made = before.sources[index];
    const twinIn = ({ sources }, each) => desk.twinsOf(sources)[sources.indexOf(each)];
    return desk.wordsOf(made) === desk.wordsOf(source) && twinIn(before, made) === twinIn(document, source) && !desk.isElsewhere(info, before, index, document, source)
      && ["take", "onsets_s"].every((field) => JSON.stringify(made[field] ?? null) === JSON.stringify(source[field] ?? null));
  }

  // Whether a model, whose prompts name the place of a source, would make another sound now.
  desk.isElsewhere = (info, before, index, document, source) => {
    if (!info.place_limits_m) return false;
    const step = ({ distance_m: distance }) => info.place_limits_m.findIndex((limit) => distance <= limit);
    return before.space !== document.space || step(before.sources[index]) !== step(source);
  };

  desk.decodeSound = decode;
})(globalThis.desk ??= {});
