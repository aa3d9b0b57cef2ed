// Which source of a new document is which of the old one. Pure, no DOM.
(function (desk) {
  "use strict";

  const WORDS = ["name", "material", "action", "timbre", "role", "instrument"];

  const SEED_WORDS = WORDS.filter((field) => field !== "instrument"); // what the seed of a stem depends on

  desk.wordsOf = (source) => JSON.stringify(WORDS.map((field) => source[field]));

  const seedWords = (source) => JSON.stringify(SEED_WORDS.map((field) => source[field]));

  // The number of each source among those of the same words, as the server counts them.
  desk.twinsOf = (sources) => {
    const used = new Set(sources.filter(({ twin }) => twin).map((source) => source.twin + seedWords(source)));
    return sources.map((source) => {
      const words = seedWords(source);
      let number = source.twin || 1;
      while (!source.twin && used.has(number + words)) number += 1;
      used.add(number + words);
      return number;
    });
  };

  // Write twin numbers where sources of the same words would trade their sounds otherwise, and nowhere else.
  // `before`: for each source, {source, twin} before the change; null for a new one.
  desk.keepTwins = (sources, before) => {
    const wanted = sources.map((source, place) => {
      const old = before[place];
      if (old && seedWords(old.source) !== seedWords(source)) delete source.twin; // it numbered others
      return old && seedWords(old.source) === seedWords(source) ? old.twin : source.twin ?? null;
    });
    sources.forEach((source, place) => { if (wanted[place]) source.twin = wanted[place]; });
    for (const words of new Set(sources.map(seedWords))) {
      const group = sources.filter((source) => seedWords(source) === words);
      const [numbers, counted] = [desk.twinsOf(group), desk.twinsOf(group.map(({ twin, ...source }) => source))];
      if (String(numbers) === String(counted)) for (const source of group) delete source.twin;
    }
  };

  // For each new source, return the index of the old source that it continues, or -1. Equal sources match first, then
  // those of the same words and number, of the same words, of the same name, and last, if the number of sources is the same, of the same place.
  desk.matchSources = (before, after) => {
    const found = after.map(() => -1);
    const free = new Set(before.keys());
    const [numbers, newNumbers] = [desk.twinsOf(before), desk.twinsOf(after)];
    const take = (isSame) => after.forEach((source, place) => {
      if (found[place] >= 0) return;
      const match = [...free].find((old) => isSame(before[old], source, old, place));
      if (match === undefined) return;
      found[place] = match;
      free.delete(match);
    });
    take((old, source) => JSON.stringify(old) === JSON.stringify(source));
    take((old, source, index, place) => desk.wordsOf(old) === desk.wordsOf(source) && numbers[index] === newNumbers[place]);
    take((old, source) => desk.wordsOf(old) === desk.wordsOf(source));
    take((old, source) => old.name === source.name);
    if (before.length === after.length) take((_, __, old, place) => old === place);
    return found;
  };
})(globalThis.desk ??= {});
