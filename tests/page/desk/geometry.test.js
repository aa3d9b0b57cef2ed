// Boxes on the picture and times on the lanes.
const { test } = require("node:test");
const assert = require("node:assert/strict");
const load = require("./load.js");

const { boxes, time, onsets } = load({}, "box_geometry", "lane_geometry");
const BOX = [0.2, 0.5, 0.4, 0.8];

test("an image is fitted into its frame without distortion", () => {
  assert.deepEqual(boxes.fitted({ width: 400, height: 400 }, { width: 800, height: 400 }), { left: 0, top: 100, width: 400, height: 200 });
});

test("a moved box keeps its size and stays in the picture", () => {
  assert.deepEqual(boxes.moved(BOX, 0.1, -0.1), [0.3, 0.4, 0.5, 0.7]);
  assert.deepEqual(boxes.moved(BOX, 9, 9), [0.8, 0.7, 1, 1]);
  assert.deepEqual(boxes.moved(BOX, -9, -9), [0, 0, 0.2, 0.3]);
});

test("a resized box keeps its other corner, and its corners in order", () => {
  assert.deepEqual(boxes.resized(BOX, 0.1, 0.1), [0.2, 0.5, 0.5, 0.9]);
  assert.deepEqual(boxes.resized(BOX, -0.1, -0.1, { right: false, bottom: false }), [0.1, 0.4, 0.4, 0.8]);
  for (const corner of [{}, { right: false }, { bottom: false }, { right: false, bottom: false }]) {
    for (const far of [-9, 9]) {
      const [x0, y0, x1, y1] = boxes.resized(BOX, far, far, corner);
      assert.ok(0 <= x0 && x0 < x1 && x1 <= 1 && 0 <= y0 && y0 < y1 && y1 <= 1);
    }
  }
});

test("a dropped box is around the pointer, and in the picture", () => {
  assert.deepEqual(boxes.at(0.5, 0.5, [0.2, 0.2]), [0.4, 0.4, 0.6, 0.6]);
  assert.deepEqual(boxes.at(0, 1, [0.2, 0.2]), [0, 0.8, 0.2, 1]);
});

test("what stands on the ground is farther when it is dragged up, and nearer when down", () => {
  const up = boxes.moved(BOX, 0, -0.15);
  assert.ok(boxes.farther(10, BOX, up, "open") > 13);
  assert.ok(boxes.farther(10, BOX, boxes.moved(BOX, 0, 0.15), "open") < 8);
  assert.equal(boxes.farther(10, BOX, boxes.moved(BOX, 0.3, 0), "open"), 10, "sideways changes no distance");
  assert.equal(boxes.farther(900, BOX, [0.2, 0.1, 0.4, 0.2], "open"), 1000, "within the limits");
});

test("what is in the air keeps its distance, and so does everything under water", () => {
  const sky = [0.1, 0.1, 0.3, 0.3];
  assert.equal(boxes.farther(10, sky, boxes.moved(sky, 0, -0.1), "open"), 10);
  assert.equal(boxes.farther(10, BOX, boxes.moved(BOX, 0, -0.1), "underwater"), 10);
});

test("the pan is that of the source, else of its box, else the middle", () => {
  assert.equal(boxes.panOf({ pan: 0.5, box: BOX }), 0.5);
  assert.ok(Math.abs(boxes.panOf({ pan: null, box: BOX }) + 0.4) < 1e-9);
  assert.equal(boxes.panOf({ pan: null, box: null }), 0);
});

test("a pixel is a time, in the view", () => {
  assert.equal(time.atPixel({ from: 2, to: 6 }, 50, 200), 3);
  assert.equal(time.atPixel({ from: 2, to: 6 }, 999, 200), 6);
  assert.equal(time.share({ from: 2, to: 6 }, 3), 0.25);
});

test("zoom keeps the time under the pointer and stays in the sound", () => {
  const view = time.zoomed({ from: 0, to: 60 }, 4, 30, 60);
  assert.deepEqual(view, { from: 22.5, to: 37.5 });
  assert.deepEqual(time.zoomed(view, 0.01, 30, 60), { from: 0, to: 60 });
  const near = time.zoomed({ from: 0, to: 60 }, 1e6, 59.9, 60);
  assert.ok(near.to <= 60 && Math.abs(near.to - near.from - 0.5) < 1e-9);
});

test("the view follows the play-head", () => {
  const view = { from: 0, to: 10 };
  assert.equal(time.following(view, 5, 60), view);
  assert.deepEqual(time.following(view, 12, 60), { from: 11, to: 21 });
  assert.deepEqual(time.following(view, 59.9, 60), { from: 50, to: 60 });
});

test("the ruler has few marks, at round times", () => {
  assert.deepEqual(time.marks({ from: 0, to: 10 }, 6), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(time.marks({ from: 3.1, to: 4.2 }, 6), [3.2, 3.4, 3.6, 3.8, 4, 4.2]);
  assert.ok(time.marks({ from: 0, to: 600 }, 6).length <= 7);
});

test("onsets are added, moved and removed in order, within the sound", () => {
  assert.deepEqual(onsets.added([1, 3], 2, 10), [1, 2, 3]);
  assert.deepEqual(onsets.moved([1, 3], 0, 5, 10), [3, 5]);
  assert.deepEqual(onsets.moved([1, 3], 0, 50, 10), [3, 10]);
  assert.deepEqual(onsets.removed([1, 3], 0), [3]);
  assert.deepEqual(onsets.added([1], 1.001, 10), [1], "two at one time are one");
});

test("times are said in words", () => {
  assert.deepEqual([time.inWords(3.25), time.inWords(42), time.inWords(75)], ["3.3\u00a0s", "42\u00a0s", "1\u00a0min 15\u00a0s"]);
});

test("the text of a document has lists of plain values on one line", () => {
  const { layout } = load({}, "layout");
  const document = { scene: "A river", sources: [{ name: "river", timbre: ["bright", "broad"], box: [0.1, 0.55, 0.9, 1], pan: null }] };
  const text = layout(document);
  assert.deepEqual(JSON.parse(text), document);
  assert.ok(text.includes('"box": [0.1, 0.55, 0.9, 1]') && text.includes('"timbre": ["bright", "broad"]'));
  assert.equal(layout(null), "");
});

test("a part to make again lies in the sound and is neither too short nor too long", () => {
  const { partProblem } = load({}, "part");
  assert.equal(partProblem(1, 2.5, 10), "");
  for (const [from, to] of [[2, 1], [-1, 2], [9, 11], [1, 1.05], [NaN, 2], [1, NaN]]) assert.match(partProblem(from, to, 10), /two times from 0 to 10/);
});
