// The decoded sounds of a result: its dry stems, and the impulse responses of the spaces.
(function (desk) {
  "use strict";

  // The files of the spaces are the same for every result.
  const responses = new Map(); // url -> Promise of an AudioBuffer

  let decoded = new Map(); // url -> AudioBuffer of the latest result

  async function decode(file, rate) {
    const answer = await fetch(file.url);
    if (!answer.ok) throw new Error(`${file.orig_name}: ${answer.status}`);
    return new OfflineAudioContext(1, 1, rate).decodeAudioData(await answer.arrayBuffer());
  }

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
    return desk.wordsOf(made) === desk.wordsOf(source) && !desk.isElsewhere(info, before, index, document, source)
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
