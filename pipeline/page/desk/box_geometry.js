// Boxes on the picture: [x0, y0, x1, y1] in shares of its width and height. Pure, no DOM.
(function (desk) {
  "use strict";

  const SMALLEST = 0.02;
  const USUAL = [0.24, 0.24]; // width and height of a box that is dropped onto the picture
  const HORIZON = 0.42; // where it usually is in a photograph
  const MARGIN = 0.04; // a source that stands so near the horizon has no definite distance
  const LIMITS_M = [0.5, 1000];

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const rounded = (box) => box.map((value) => Number(value.toFixed(3)));

  desk.boxes = Object.assign(desk.boxes ?? {}, {
    // Where an image of this size is, if it is fitted into a frame: {left, top, width, height}.
    fitted(frame, image) {
      const scale = Math.min(frame.width / image.width, frame.height / image.height);
      const [width, height] = [image.width * scale, image.height * scale];
      return { left: (frame.width - width) / 2, top: (frame.height - height) / 2, width, height };
    },

    moved([x0, y0, x1, y1], dx, dy) {
      const [x, y] = [clamp(dx, -x0, 1 - x1), clamp(dy, -y0, 1 - y1)];
      return rounded([x0 + x, y0 + y, x1 + x, y1 + y]);
    },

    // Move one corner: `right` and `bottom` say which.
    resized([x0, y0, x1, y1], dx, dy, { right = true, bottom = true } = {}) {
      return rounded([
        right ? x0 : clamp(x0 + dx, 0, x1 - SMALLEST),
        bottom ? y0 : clamp(y0 + dy, 0, y1 - SMALLEST),
        right ? clamp(x1 + dx, x0 + SMALLEST, 1) : x1,
        bottom ? clamp(y1 + dy, y0 + SMALLEST, 1) : y1,
      ]);
    },

    // A new box around a point.
    at(x, y, [width, height] = USUAL) {
      const [left, top] = [clamp(x - width / 2, 0, 1 - width), clamp(y - height / 2, 0, 1 - height)];
      return rounded([left, top, left + width, top + height]);
    },

    // The distance after a box was moved up or down. What stands on the ground is farther the nearer its foot is to the
    // horizon, as 1 / (foot - horizon). What is in the air or touches the horizon keeps its distance.
    farther(distance, before, after, space) {
      const [from, to] = [before[3] - HORIZON, after[3] - HORIZON];
      if (space === "underwater" || from < MARGIN || Math.abs(to - from) < 1e-9) return distance;
      return Number(clamp(distance * from / Math.max(to, MARGIN), ...LIMITS_M).toPrecision(2));
    },

    panOf: (source) => source.pan ?? (source.box ? source.box[0] + source.box[2] - 1 : 0),
  });
})(globalThis.desk ??= {});
