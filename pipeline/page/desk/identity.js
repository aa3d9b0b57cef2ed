// Which source of a new document is which of the old one. Pure, no DOM.
(function (desk) {
  "use strict";

  const WORDS = ["name", "material", "action", "timbre", "role", "instrument"];

  desk.wordsOf = (source) => JSON.stringify(WORDS.map((field) => source[field]));

  // For each new source, return the index of the old source that it continues, or -1. Equal sources match first, then
  // those of the same words, of the same name, and last, if the number of sources is the same, of the same place.
  desk.matchSources = (before, after) => {
    const found = after.map(() => -1);
    const free = new Set(before.keys());
    const take = (isSame) => after.forEach((source, place) => {
      if (found[place] >= 0) return;
      const match = [...free].find((old) => isSame(before[old], source, old, place));
      if (match === undefined) return;
      found[place] = match;
      free.delete(match);
    });
    take((old, source) => JSON.stringify(old) === JSON.stringify(source));
    take((old, source) => desk.wordsOf(old) === desk.wordsOf(source));
    take((old, source) => old.name === source.name);
    if (before.length === after.length) take((_, __, old, place) => old === place);
    return found;
  };
})(globalThis.desk ??= {});
