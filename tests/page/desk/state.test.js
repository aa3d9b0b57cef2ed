// The one document: identities, changes from any view, and what arrives from the server.
const { test } = require("node:test");
const assert = require("node:assert/strict");
const load = require("./load.js");

const source = (name, more = {}) => ({ ...load.NEW, name, ...more });
const FILES = ["history", "identity", "edits", "state"];
load.NEW = load({}, ...FILES).NEW_SOURCE;

const place = (...sources) => ({ version: 1, scene: "A river", mood: "", space: "open", sources });
const origin = (document, picture = "p") => ({ picture, text: JSON.stringify(document) });

function given(...sources) {
  const desk = load({ known: ["name", "take", "twin"] }, ...FILES);
  const document = place(...sources);
  desk.state.arrive(document, origin(document));
  return desk;
}

const idsOf = (state) => state.sources().map(({ id }) => id);
const namesOf = (state) => state.sources().map((each) => each.source.name);

test("sources keep their ids and colours when they are changed, moved, copied and removed", () => {
  const { state, edits } = given(source("river"), source("wind"), source("jay"));
  const [river, wind, jay] = idsOf(state);
  const colours = Object.fromEntries(state.sources().map(({ id, colour }) => [id, colour]));
  state.change("name", (_, byId) => { byId(river).name = "brook"; });
  state.change("move", (document, byId) => edits.move(document, byId(jay), 0));
  assert.deepEqual([idsOf(state), namesOf(state)], [[jay, river, wind], ["jay", "brook", "wind"]]);
  state.change("copy", (document, byId) => edits.duplicate(document, byId(river)));
  const twin = idsOf(state)[2];
  assert.deepEqual(idsOf(state), [jay, river, twin, wind]);
  assert.ok(![river, wind, jay].includes(twin));
  state.change("remove", (document, byId) => edits.remove(document, byId(river)));
  assert.deepEqual(idsOf(state), [jay, twin, wind]);
  assert.deepEqual(state.sources().filter(({ id }) => id !== twin).map(({ id, colour }) => colours[id] === colour), [true, true]);
});

test("eight sources have eight colours", () => {
  const { state, edits } = given(source("1"));
  for (let count = 1; count < 8; count += 1) state.change("add", edits.add);
  assert.equal(new Set(state.sources().map(({ colour }) => colour)).size, 8);
  assert.ok(edits.isFull(state.document()));
});

test("undo and redo go through changes of every view and documents of the server", () => {
  const { state } = given(source("river"));
  const seen = [state.text()];
  const [id] = idsOf(state);
  state.change("gain", (_, byId) => { byId(id).gain_db = -3; });
  seen.push(state.text());
  const next = place(source("fire"));
  state.arrive(next, origin(next, "q"));
  seen.push(state.text());
  state.write("typed");
  state.read("typed", place(source("fire", { gain_db: 5 })));
  seen.push(state.text());
  for (const text of seen.slice(0, -1).reverse()) {
    state.undo();
    assert.equal(state.text(), text);
  }
  assert.equal(state.origin().picture, "p", "the document is again for its own picture");
  for (const text of seen.slice(1)) {
    state.redo();
    assert.equal(state.text(), text);
  }
  assert.equal(state.origin().picture, "q");
});

test("undo brings ids back with their sources", () => {
  const { state, edits } = given(source("river"), source("wind"));
  const before = idsOf(state);
  state.change("remove", (document, byId) => edits.remove(document, byId(before[0])));
  state.undo();
  assert.deepEqual(idsOf(state), before);
});

test("the last source takes the document with it", () => {
  const { state, edits } = given(source("river"));
  state.change("remove", (document, byId) => edits.remove(document, byId(idsOf(state)[0])));
  assert.equal(state.document(), null);
  assert.equal(state.text(), "");
  state.change("add", edits.add);
  assert.deepEqual(namesOf(state), ["new sound"]);
});

test("what changes nothing is no step", () => {
  const { state } = given(source("river"));
  const label = state.undoLabel();
  assert.equal(state.change("nothing", () => {}), false);
  assert.equal(state.undoLabel(), label);
});

test("the document cannot be changed from outside", () => {
  const { state } = given(source("river"));
  assert.throws(() => { "use strict"; state.document().sources[0].name = "x"; });
});

test("the JSON editor is a view: sources that it does not touch keep their ids", () => {
  const { state } = given(source("river"), source("wind"));
  const [river, wind] = idsOf(state);
  const written = place(source("rain"), source("wind"), source("river", { gain_db: 3 }));
  state.write("text");
  assert.equal(state.draft(), "text");
  assert.ok(state.read("text", written));
  assert.deepEqual(idsOf(state).slice(1), [wind, river]);
  assert.equal(state.draft(), null);
});

test("an answer to older typing changes nothing", () => {
  const { state } = given(source("river"));
  state.write("older");
  state.write("newer");
  assert.equal(state.read("older", place(source("wind"))), false);
  assert.deepEqual([namesOf(state), state.draft()], [["river"], "newer"]);
});

test("rows that are edited before the JSON is read lose nothing, nor does the JSON", () => {
  const { state } = given(source("river"), source("jay"));
  const [river, jay] = idsOf(state);
  state.write("typed");
  state.change("name", (_, byId) => { byId(river).name = "brook"; });
  state.change("gain", (_, byId) => { byId(jay).gain_db = 3; });
  assert.deepEqual([namesOf(state), state.draft()], [["brook", "jay"], "typed"]);
  assert.ok(state.read("typed", { ...place(source("river", { pan: 1 })), mood: "wild" }));
  assert.deepEqual(state.document(), { ...place(source("brook", { pan: 1 })), mood: "wild" });
  assert.equal(state.draft(), null);
});

test("while the JSON has problems, nothing else can be changed, and undo drops it", () => {
  const { state } = given(source("river"));
  const before = state.text();
  const rename = () => state.change("name", (_, byId) => { byId(idsOf(state)[0]).name += "!"; });
  rename();
  state.write("{");
  assert.ok(state.read("{", undefined));
  assert.ok(state.isBroken());
  assert.equal(rename(), false);
  assert.deepEqual([namesOf(state), state.draft()], [["river!"], "{"]);
  state.undo();
  assert.deepEqual([state.text(), state.draft(), state.isBroken()], [before, null, false]);
});

test("an empty text is no document", () => {
  const { state } = given(source("river"));
  state.write("");
  assert.ok(state.read("", null));
  assert.equal(state.document(), null);
});

test("a description that comes while one edits waits to be used", () => {
  const { state } = given(source("river"));
  state.begin();
  state.change("name", (_, byId) => { byId(idsOf(state)[0]).name = "brook"; });
  const next = place(source("fire"));
  assert.equal(state.arrive(next, origin(next, "q"), { isAnswer: true }), false);
  assert.deepEqual([namesOf(state), state.origin().picture], [["brook"], "p"]);
  state.use();
  assert.deepEqual([namesOf(state), state.origin().picture, state.waiting()], [["fire"], "q", null]);
  state.undo();
  assert.deepEqual(namesOf(state), ["brook"]);
});

test("a description that comes after another document was chosen is dropped", () => {
  const { state } = given(source("river"));
  state.begin();
  const example = place(source("bees"));
  state.arrive(example, origin(example, "e"));
  const late = place(source("fire"));
  assert.equal(state.arrive(late, origin(late, "q"), { isAnswer: true }), false);
  assert.deepEqual([namesOf(state), state.waiting()], [["bees"], null]);
  state.begin();
  assert.ok(state.arrive(late, origin(late, "q"), { isAnswer: true }));
});

test("the description that one is editing already does not wait", () => {
  const { state } = given(source("river"));
  const same = place(source("river"));
  state.begin();
  state.change("name", (_, byId) => { byId(idsOf(state)[0]).name = "brook"; });
  assert.equal(state.arrive(same, origin(same), { isAnswer: true }), false);
  assert.deepEqual([namesOf(state), state.waiting()], [["brook"], null]);
});

test("a description that comes while nothing is edited is shown", () => {
  const { state } = given(source("river"));
  state.begin();
  const next = place(source("fire"));
  assert.ok(state.arrive(next, origin(next), { isAnswer: true }));
  assert.deepEqual(namesOf(state), ["fire"]);
});

test("only what differs from the document of the server is an edit", () => {
  const { state } = given(source("river"));
  const [id] = idsOf(state);
  assert.equal(state.isEdited(), false);
  state.change("gain", (_, byId) => { byId(id).gain_db = 1; });
  assert.ok(state.isEdited());
  state.change("gain", (_, byId) => { byId(id).gain_db = 0; });
  assert.equal(state.isEdited(), false);
});

test("stems belong to the sources that they were made of, wherever those are now", () => {
  const { state, edits } = given(source("river"), source("wind"));
  const [river, wind] = idsOf(state);
  const made = JSON.parse(state.text());
  state.change("move", (document, byId) => edits.move(document, byId(wind), 0));
  state.rendered({ document: made, stems: [{ source: 0 }, { source: 1 }] });
  assert.deepEqual(state.sources().map(({ id, stem }) => [id, stem]), [[wind, 1], [river, 0]]);
  assert.ok(state.isChanged());
  state.undo();
  assert.equal(state.isChanged(), false);
  state.change("words", (_, byId) => { byId(river).action = "roaring"; });
  assert.deepEqual([state.isHeard(river), state.isHeard(wind)], [false, true]);
});

test("the sound that comes is that of the document when the job began", () => {
  const { state } = given(source("river"));
  state.begin();
  state.change("gain", (_, byId) => { byId(idsOf(state)[0]).gain_db = 1; });
  state.rendered({ stems: [{ source: 0 }] });
  assert.ok(state.isChanged());
});

test("every take that was heard can be gone back to, while the words are the same", () => {
  const { state, edits } = given(source("river"), source("wind"));
  const [river] = idsOf(state);
  const hear = () => state.rendered({ document: state.document(), stems: [{ source: 0 }, { source: 1 }] });
  const newTake = () => state.change("take", (_, byId) => edits.newTake(byId(river), state.takes(river)));
  hear();
  newTake();
  assert.equal(state.find(river).source.take, 1);
  assert.equal(state.isHeard(river), false);
  hear();
  newTake();
  hear();
  assert.deepEqual(state.takes(river), [0, 1, 2]);
  state.change("take", (_, byId) => edits.setTake(byId(river), 0));
  assert.ok(!("take" in state.find(river).source));
  newTake();
  assert.equal(state.find(river).source.take, 3, "a new take is none of those heard");
  state.change("words", (_, byId) => { byId(river).action = "roaring"; });
  assert.deepEqual(state.takes(river), []);
});

test("a field that the server does not know is not written", () => {
  const { state } = given(source("river"));
  assert.deepEqual([state.knows("take"), state.knows("onsets_s")], [true, false]);
});

test("solo mutes the others and gives back what was heard before", () => {
  const { state, edits } = given(source("river"), source("wind", { mute: true }), source("jay"));
  const [river, wind, jay] = idsOf(state);
  const solo = (id) => state.change("solo", (document, byId) => edits.solo(document, byId(id)));
  const muted = () => state.sources().map((each) => each.source.mute);
  solo(river);
  assert.deepEqual(muted(), [false, true, true]);
  solo(jay);
  assert.deepEqual(muted(), [true, true, false]);
  solo(jay);
  assert.deepEqual(muted(), [false, true, false]);
  assert.ok(wind);
});

const twinsOf = (state) => state.document().sources.map(({ twin }) => twin ?? null);

test("sources of the same words keep their sounds when they are moved", () => {
  const { state, edits } = given(source("gull"), source("gull", { gain_db: -6 }), source("wind"));
  const [first, second] = idsOf(state);
  const start = state.text();
  state.rendered({ document: JSON.parse(start), stems: [{ source: 0 }, { source: 1 }, { source: 2 }] });
  const move = (id, to) => state.change("move", (document, byId) => edits.move(document, byId(id), to));
  move(second, 0);
  assert.deepEqual([idsOf(state).slice(0, 2), twinsOf(state)], [[second, first], [2, 1, null]]);
  assert.ok(state.isHeard(first) && state.isHeard(second), "their stems are what the document says");
  state.change("gain", (_, byId) => { byId(second).gain_db = 3; });
  state.rendered({ document: JSON.parse(start), stems: [{ source: 0 }, { source: 1 }, { source: 2 }] });
  assert.deepEqual([state.find(first).stem, state.find(second).stem], [0, 1], "also if the sound comes later");
  state.change("gain", (_, byId) => { byId(second).gain_db = -6; });
  move(first, 0);
  assert.equal(state.text(), start, "numbers that say nothing are not written");
  for (let steps = 0; steps < 4; steps += 1) state.undo();
  assert.equal(state.text(), start);
  state.redo();
  assert.deepEqual(twinsOf(state), [2, 1, null]);
});

test("sources of the same words keep their sounds when others are copied, removed and renamed", () => {
  const { state, edits } = given(source("gull"), source("gull"));
  const [first, second] = idsOf(state);
  state.change("copy", (document, byId) => edits.duplicate(document, byId(first)));
  assert.deepEqual(twinsOf(state), [1, null, 2], "the copy has the number that is free");
  const [, copy] = idsOf(state);
  state.change("remove", (document, byId) => edits.remove(document, byId(first)));
  assert.deepEqual(twinsOf(state), [3, 2]);
  state.change("copy", (document, byId) => edits.duplicate(document, byId(copy)));
  assert.deepEqual(twinsOf(state), [3, null, 2]);
  state.change("name", (_, byId) => { byId(copy).name = "crow"; });
  assert.deepEqual(twinsOf(state), [null, null, null]);
  state.change("remove", (document, byId) => edits.remove(document, byId(second)));
  assert.deepEqual(twinsOf(state), [null, null]);
});

test("solo gives back which of two sources of the same words was muted", () => {
  const { state, edits } = given(source("gull"), source("gull", { mute: true }), source("wind"));
  const [first] = idsOf(state);
  const solo = () => state.change("solo", (document, byId) => edits.solo(document, byId(first)));
  solo();
  solo();
  assert.deepEqual(state.sources().map((each) => each.source.mute), [false, true, false]);
});

test("a part that is made again belongs to its source, and undo goes through it", () => {
  const { state, edits } = given(source("river"), source("wind"));
  const [river, wind] = idsOf(state);
  const stems = [{ source: 0 }, { source: 1 }];
  state.rendered({ document: state.document(), stems, can_redo: true });
  assert.ok(state.canMakeParts() && state.setPart(wind, [1, 2]));
  assert.deepEqual([state.parts(), state.isChanged(), state.isHeard(wind), state.isHeard(river)], ['{"1":[1,2]}', true, false, true]);
  assert.equal(state.setPart(wind, [1, 2]), false, "it is the same part");
  state.rendered({ document: state.document(), stems, redo: { 1: [1, 2] } });
  assert.deepEqual([state.isChanged(), state.isHeard(wind), state.canMakeParts()], [false, true, false]);
  state.change("move", (document, byId) => edits.move(document, byId(wind), 0));
  assert.equal(state.parts(), '{"0":[1,2]}');
  state.undo();
  state.undo();
  assert.equal(state.parts(), "");
  state.redo();
  state.change("copy", (document, byId) => edits.duplicate(document, byId(wind)));
  assert.equal(state.parts(), '{"1":[1,2]}', "a copy is whole");
  state.setPart(wind, null);
  assert.equal(state.parts(), "");
});

test("an earlier result brings its parts, another document has none", () => {
  const { state } = given(source("river"), source("wind"));
  const document = place(source("river"), source("wind", { gain_db: 1 }));
  state.arrive(document, origin(document), { parts: '{"1": [0.5, 2]}' });
  assert.equal(state.parts(), '{"1":[0.5,2]}');
  state.write("typed");
  state.read("typed", place(source("wind"), source("river")));
  assert.equal(state.parts(), '{"0":[0.5,2]}', "typing moves it with its source");
  state.arrive(document, origin(document));
  assert.equal(state.parts(), "");
});
