// The time line: seconds, pixels and onsets. A view is {from, to}, in seconds. Pure, no DOM.
(function (desk) {
  "use strict";

  const SHORTEST_VIEW_S = 0.5;
  const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const rounded = (time) => Number(time.toFixed(2));

  desk.time = {
    atPixel: (view, x, width) => view.from + (clamp(x, 0, width) / width) * (view.to - view.from),
    share: (view, time) => (time - view.from) / (view.to - view.from),
    whole: (duration) => ({ from: 0, to: duration }),

    // Zoom by a factor (above 1: nearer) so that the time `about` stays where it is.
    zoomed(view, factor, about, duration) {
      const length = clamp((view.to - view.from) / factor, Math.min(SHORTEST_VIEW_S, duration), duration);
      const from = clamp(about - (about - view.from) * length / (view.to - view.from), 0, duration - length);
      return { from, to: from + length };
    },

    // The view moved so that it holds the time; the same view if it does already.
    following(view, time, duration) {
      if (time >= view.from && time <= view.to) return view;
      const length = view.to - view.from;
      const from = clamp(time - length / 10, 0, duration - length);
      return { from, to: from + length };
    },

    // Times of the marks of a ruler: at most `most` of them.
    marks(view, most) {
      const step = STEPS_S.find((each) => (view.to - view.from) / each <= most) ?? STEPS_S.at(-1);
      const first = Math.ceil(view.from / step - 1e-9);
      const count = Math.floor(view.to / step + 1e-9) - first + 1;
      return Array.from({ length: Math.max(count, 0) }, (_, index) => rounded((first + index) * step));
    },

    inWords(time) {
      const minutes = Math.floor(time / 60);
      const seconds = Number((time - 60 * minutes).toFixed(time < 10 ? 1 : 0));
      return minutes ? `${minutes}\u00a0min ${seconds}\u00a0s` : `${seconds}\u00a0s`;
    },
  };

  // Onsets: ascending times in seconds. Each function returns a new list.
  const ascending = (onsets) => [...new Set(onsets.map(rounded))].sort((a, b) => a - b);

  desk.onsets = {
    added: (onsets, time, duration) => ascending([...onsets, clamp(time, 0, duration)]),
    moved: (onsets, index, time, duration) => ascending(onsets.map((each, place) => (place === index ? clamp(time, 0, duration) : each))),
    removed: (onsets, index) => onsets.filter((_, place) => place !== index),
  };
})(globalThis.desk ??= {});
