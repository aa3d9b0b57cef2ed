// The decoded sounds of a result: its dry stems, and the impulse responses of the spaces.
(function (desk) {
  "use strict";

  // The files of the spaces are the same for every result.
  const responses = new Map(); // url -> Promise of an AudioBuffer

  async function decode(file, rate) {
    const answer = await fetch(file.url);
    if (!answer.ok) throw new Error(`${file.orig_name}: ${answer.status}`);
    return new OfflineAudioContext(1, 1, rate).decodeAudioData(await answer.arrayBuffer());
  }

  desk.loadSounds = async (info) => {
    const rate = info.law.sample_rate_hz;
    const buffers = await Promise.all(info.stems.map(({ file }) => decode(file, rate)));
    const found = new Map(); // space -> AudioBuffer

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

  desk.decodeSound = decode;
})(globalThis.desk ??= {});
