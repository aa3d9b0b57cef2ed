// Steps of undo and redo.
const { test } = require("node:test");
const assert = require("node:assert/strict");
const load = require("./load.js");

const history = (limit) => load({}, "history").makeHistory(limit);

test("a step goes back and forth, with its label", () => {
  const steps = history();
  steps.record("a", "first");
  steps.record("b", "second");
  assert.deepEqual([steps.undoLabel(), steps.redoLabel()], ["second", null]);
  assert.deepEqual(steps.undo("c"), { value: "b", label: "second" });
  assert.deepEqual([steps.undoLabel(), steps.redoLabel()], ["first", "second"]);
  assert.deepEqual(steps.redo("b"), { value: "c", label: "second" });
  assert.equal(steps.redo("c"), null);
});

test("typing in one field is one step until it is sealed or another change follows", () => {
  const steps = history();
  steps.record("a", "name", "1.name");
  steps.record("b", "name", "1.name");
  assert.equal(steps.length(), 1);
  steps.seal();
  steps.record("c", "name", "1.name");
  steps.record("d", "gain", "1.gain");
  steps.record("e", "name", "1.name");
  assert.equal(steps.length(), 4);
  assert.equal(steps.undo("f").value, "e");
});

test("changes without a merge key are never one step", () => {
  const steps = history();
  steps.record("a", "mute");
  steps.record("b", "mute");
  assert.equal(steps.length(), 2);
});

test("a change after undo forgets what could be redone, and is a step of its own", () => {
  const steps = history();
  steps.record("a", "name", "1.name");
  steps.undo("b");
  steps.record("a", "name", "1.name");
  assert.equal(steps.redo("c"), null);
  assert.equal(steps.undo("c").value, "a");
});

test("a hundred steps are remembered", () => {
  const steps = history(100);
  for (let number = 0; number < 150; number += 1) steps.record(number, `step ${number}`);
  assert.equal(steps.length(), 100);
  let value = 150;
  for (let step = steps.undo(value); step; step = steps.undo(value)) value = step.value;
  assert.equal(value, 50);
});
