// The transport: file or preview, one position, one at a time.
const { test } = require("node:test");
const assert = require("node:assert/strict");
const load = require("./load.js");

class File extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { currentTime: 0, duration: 8, paused: true, ended: false, src: "", loop: false });
  }
  play() { this.paused = false; return Promise.resolve(); }
  pause() { this.paused = true; }
}

// A transport with a file, a preview and a state that only note what is asked of them.
async function begin({ stems = 2, fails = false, isSlow = false, first = null } = {}) {
  const asked = [];
  const state = {
    changed: false, listeners: [], subscribe: (listener) => state.listeners.push(listener), isChanged: () => state.changed,
    rendered: (info) => { state.info = info; }, find: (id) => ({ source: { mute: id === "muted" }, stem: id === "none" ? null : Number(id) }),
    change(to) { state.changed = to; state.listeners.forEach((listener) => listener()); },
  };
  const file = new File();
  const preview = {
    at: 0, playing: false, changes: 0, duration: () => 8, levels: () => null, wake() {}, loadSpaces() {}, close() { preview.closed = true; }, setVolume() {},
    setLoop(on) { preview.loop = on; }, setAlone(stem) { preview.alone = stem; }, changed() { preview.changes += 1; },
    async start(at) { Object.assign(preview, { at, playing: true }); asked.push(`preview from ${at}`); },
    stop() { preview.playing = false; }, position: () => preview.at,
  };
  let tell = null;
  const desk = load({ withEarlierStems: (info) => info }, "transport");
  const makePreview = async (info, _, told) => { tell = told; if (isSlow) await new Promise(() => {}); if (fails) throw new Error("no stems"); return preview; };
  const transport = desk.makeTransport({ state, file, makePreview });
  const kinds = [];
  transport.subscribe(({ kind }) => kinds.push(kind));
  const info = first ?? { mix: { url: "mix.wav" }, stems: Array(stems).fill({}) };
  transport.load(info);
  await new Promise(setImmediate);
  return { transport, state, file, preview, kinds, asked, info, tell: (kind) => tell(kind) };
}

test("a new sound is played from its file at once", async () => {
  const { transport, file, state, info, kinds } = await begin();
  assert.equal(file.src, "mix.wav");
  assert.equal(state.info, info);
  assert.deepEqual([transport.isPlaying(), transport.mode(), file.paused, transport.preview()], [true, "file", false, "ready"]);
  assert.deepEqual(kinds, ["loaded", "play", "stems"]);
});

test("a sound that replaces the one that plays goes on from its position, any other begins at the start", async () => {
  const { transport, state, file, preview, info } = await begin();
  state.change(true);
  await new Promise(setImmediate);
  preview.at = 2.5;
  state.changed = false;
  transport.load(info, { goesOn: true });
  assert.deepEqual([transport.isPlaying(), file.currentTime, transport.position()], [true, 2.5, 2.5]);
  transport.load(info);
  assert.deepEqual([transport.isPlaying(), file.currentTime], [true, 0]);
  file.currentTime = 3;
  transport.pause();
  transport.load(info, { goesOn: true });
  assert.equal(file.currentTime, 0);
});

test("a change goes on in the preview from the same place, and undoing it in the file", async () => {
  const { transport, state, file, preview, asked } = await begin();
  file.currentTime = 2.5;
  state.change(true);
  await new Promise(setImmediate);
  assert.deepEqual([transport.mode(), file.paused, preview.playing, asked.at(-1)], ["preview", true, true, "preview from 2.5"]);
  preview.at = 4;
  state.change(false);
  assert.deepEqual([transport.mode(), file.paused, preview.playing, file.currentTime], ["file", false, false, 4]);
});

test("every change reaches the preview, playing or not", async () => {
  const { transport, state, preview } = await begin();
  transport.pause();
  state.change(true);
  state.change(true);
  assert.equal(preview.changes, 2);
  assert.equal(preview.playing, false);
});

test("the place is kept while paused, and seeking moves it within the sound", async () => {
  const { transport, state, file, preview } = await begin();
  file.currentTime = 3;
  transport.pause();
  assert.deepEqual([transport.position(), transport.isPlaying()], [3, false]);
  transport.seek(99);
  assert.equal(transport.position(), 8);
  transport.play();
  assert.equal(file.currentTime, 0, "from the start after the end");
  transport.seek(-1);
  assert.equal(file.currentTime, 0);
  state.change(true);
  transport.seek(5);
  assert.equal(preview.at, 5);
});

test("one source alone is heard in step, until it is stopped or ends", async () => {
  const { transport, file, preview, tell } = await begin();
  file.currentTime = 1;
  assert.equal(transport.playAlone("1"), true);
  await new Promise(setImmediate);
  assert.deepEqual([transport.alone(), preview.alone, preview.at, transport.mode()], ["1", 1, 1, "preview"]);
  assert.deepEqual([transport.audible("0"), transport.audible("1"), transport.audible("muted")], [false, true, false]);
  transport.playAlone("0");
  assert.deepEqual([transport.alone(), preview.alone, transport.isPlaying()], ["0", 0, true]);
  transport.playAlone("0");
  assert.deepEqual([transport.alone(), preview.alone, transport.isPlaying()], [null, null, false]);
  transport.playAlone("1");
  tell("end");
  assert.deepEqual([transport.alone(), transport.position(), transport.mode()], [null, 0, "file"]);
  assert.equal(transport.playAlone("none"), false);
});

test("another player stops this one", async () => {
  const { transport, file } = await begin();
  file.currentTime = 1.5;
  file.pause();
  file.dispatchEvent(new Event("pause"));
  assert.deepEqual([transport.isPlaying(), transport.position()], [false, 1.5]);
});

test("repeating holds for the file and the preview", async () => {
  const { transport, file, preview } = await begin();
  transport.setLoop(true);
  assert.deepEqual([file.loop, preview.loop, transport.isLoop()], [true, true, true]);
});

test("a result without dry stems, or with lost ones, plays as a file", async () => {
  for (const [options, words] of [[{ stems: 0 }, "none"], [{ fails: true }, "failed"]]) {
    const warn = console.warn;
    console.warn = () => {};
    const { transport, state } = await begin(options);
    console.warn = warn;
    state.change(true);
    assert.deepEqual([transport.preview(), transport.mode(), transport.playAlone("1"), transport.peaks("1", 9)], [words, "file", false, null]);
  }
});

test("what is heard is said", () => {
  const { inWords, clock } = load({}, "player").player;
  const said = (more) => inWords({ isChanged: true, preview: "ready", isSilent: false, pending: [], ...more });
  assert.equal(said({ isChanged: false }), "This is the finished sound.");
  assert.equal(said({}), "Preview. Render writes the file.");
  assert.match(said({ pending: ["river", "dog"] }), /writes the file, with a new sound for river and dog\.$/);
  assert.match(said({ pending: ["a", "b", "c", "d"] }), /with 4 new sounds\.$/);
  assert.match(said({ isSilent: true }), /Every sound is muted/);
  assert.match(said({ isChanged: false, isUnfinished: true, isRunning: true }), /file is being made/);
  assert.match(said({ isChanged: false, isUnfinished: true, isRunning: false }), /not finished. Render makes it/);
  assert.match(said({ isEmpty: true, isSilent: true }), /is empty/);
  assert.match(said({ preview: "none" }), /Render to hear it/);
  assert.match(said({ preview: "loading" }), /Preparing the preview/);
  assert.deepEqual([clock(0), clock(9.9), clock(75)], ["0:00", "0:09", "1:15"]);
});

test("a source that was muted has its earlier stem, if it was made by the same wishes from the same words", () => {
  const desk = load({}, "identity", "sounds");
  const sources = [{ name: "river", distance_m: 5 }, { name: "dog", distance_m: 5 }];
  const earlier = { wishes: "7", document: { space: "open", sources }, stems: [{ file: "1", source: 0 }, { file: "2", source: 1 }], place_limits_m: null };
  const later = { ...earlier, document: { space: "cave", sources: [...sources].reverse() }, stems: [{ file: "3", source: 1 }] };
  assert.deepEqual(desk.withEarlierStems(later, earlier).stems, [{ file: "3", source: 1 }, { file: "2", source: 0 }]);
  assert.equal(desk.withEarlierStems({ ...later, wishes: "8" }, earlier).stems.length, 1);
  assert.equal(desk.withEarlierStems({ ...later, place_limits_m: [3] }, earlier).stems.length, 1, "its prompt names another space");
  const renamed = [{ name: "wolf", distance_m: 5 }, sources[0]];
  assert.equal(desk.withEarlierStems({ ...later, document: { space: "open", sources: renamed } }, earlier).stems.length, 1);
  assert.equal(desk.withEarlierStems(later, null), later);
});

// A sound that is heard before its file is there.
async function beginEarly(options) {
  const stems = [{ file: { url: "1.wav" } }, { file: { url: "2.wav" } }];
  const begun = await begin({ first: { mix: null, stems }, ...options });
  return { ...begun, finished: { mix: { url: "mix.wav" }, stems: [...stems] } };
}

test("a sound without its file is played from its stems, and goes on when the file is there", async () => {
  const { transport, file, preview, finished, asked, kinds } = await beginEarly();
  assert.deepEqual([transport.isPlaying(), preview.playing, file.paused, file.src], [true, true, true, ""]);
  preview.at = 1.5;
  transport.load(finished);
  assert.deepEqual([file.src, file.paused, preview.playing, transport.position()], ["mix.wav", true, true, 1.5]);
  assert.deepEqual([asked, preview.closed, transport.mode()], [["preview from 0"], undefined, "file"]);
  assert.equal(kinds.filter((kind) => kind === "loaded").length, 2);
  transport.pause();
  transport.play();
  assert.deepEqual([file.paused, file.currentTime, preview.playing], [false, 1.5, false], "from the file the next time");
});

test("a change while the preview goes on is heard in it, and undoing it in the file", async () => {
  const { transport, state, file, preview, finished } = await beginEarly();
  transport.load(finished);
  state.change(true);
  assert.deepEqual([preview.playing, preview.changes, file.paused], [true, 1, true]);
  preview.at = 2;
  state.change(false);
  assert.deepEqual([file.paused, file.currentTime, preview.playing], [false, 2, false]);
});

test("a sound whose stems are not decoded before its file is there is played from the file", async () => {
  const { transport, file, preview, finished } = await beginEarly({ isSlow: true });
  assert.equal(transport.isPlaying(), true);
  transport.load(finished);
  assert.deepEqual([transport.isPlaying(), file.paused, preview.playing], [true, false, false]);
});

test("a sound whose stems are lost is played once its file is there", async () => {
  const warn = console.warn;
  console.warn = () => {};
  const { transport, file, finished } = await beginEarly({ fails: true });
  console.warn = warn;
  assert.deepEqual([transport.isPlaying(), transport.preview()], [false, "failed"]);
  transport.load(finished);
  assert.deepEqual([transport.isPlaying(), file.paused], [true, false]);
});

test("the sound before goes on until the next one is there", async () => {
  const { transport, state, preview, info } = await begin();
  state.change(true);
  await new Promise(setImmediate);
  assert.equal(preview.playing, true);
  transport.load({ mix: null, stems: [{ file: { url: "3.wav" } }] }, { goesOn: true });
  assert.deepEqual([preview.closed, preview.playing], [undefined, true]);
  preview.at = 3;
  await new Promise(setImmediate);
  assert.deepEqual([preview.closed, preview.at, transport.isPlaying()], [true, 3, true]);
  assert.notEqual(transport.info(), info);
});

test("what is paused stays so when a small edit is rendered", async () => {
  const { transport, file, info } = await begin();
  file.currentTime = 3;
  transport.pause();
  transport.load(info, { goesOn: true, plays: false });
  assert.deepEqual([transport.isPlaying(), file.paused, transport.position()], [false, true, 3]);
  transport.play();
  assert.equal(file.currentTime, 3);
});

function wav(samples, { count = 2, rate = 44100, bits = 16, code = 1 } = {}) {
  const bytes = Buffer.alloc(44 + 10 + 2 * samples.length);
  bytes.write("RIFF", 0); bytes.writeUInt32LE(bytes.length - 8, 4); bytes.write("WAVEfmt ", 8); bytes.writeUInt32LE(16, 16);
  [[code, 20], [count, 22], [bits, 34]].forEach(([value, at]) => bytes.writeUInt16LE(value, at));
  bytes.writeUInt32LE(rate, 24);
  bytes.write("LIST", 36); bytes.writeUInt32LE(1, 40); // an odd chunk is padded
  bytes.write("data", 46); bytes.writeUInt32LE(2 * samples.length, 50);
  samples.forEach((sample, index) => bytes.writeInt16LE(sample, 54 + 2 * index));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

test("a WAV file of 16 bits is read without the browser, any other is left to it", () => {
  const { readWav } = load({}, "sounds");
  const { rate, channels } = readWav(wav([-32768, 16384, 0, -1]));
  assert.deepEqual([rate, channels.map((each) => [...each])], [44100, [[-1, 0], [0.5, -1 / 32768]]]);
  assert.deepEqual(readWav(wav([1, 2, 3], { count: 1 })).channels[0].length, 3);
  for (const other of [wav([1], { bits: 24 }), wav([1], { code: 3 }), new ArrayBuffer(9), new ArrayBuffer(99)]) assert.equal(readWav(other), null);
});

test("an earlier result gets its stems while its file plays on", async () => {
  const { transport, state, file, preview, info } = await begin({ stems: 0 });
  assert.equal(transport.preview(), "none");
  file.currentTime = 2;
  const later = { ...info, stems: [{ file: { url: "1.wav" } }], is_later: true };
  assert.equal(transport.load({ ...later, mix: { url: "another.wav" } }), false);
  assert.equal(transport.info(), info, "those of a result that is no longer shown are not taken");
  assert.equal(transport.load(later), false);
  await new Promise(setImmediate);
  assert.deepEqual([transport.preview(), file.paused, file.currentTime, transport.mode()], ["ready", false, 2, "file"]);
  state.change(true);
  assert.deepEqual([file.paused, preview.playing, preview.at], [true, true, 2]);
});
