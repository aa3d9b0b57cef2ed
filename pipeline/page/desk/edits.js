// What can be done to the sources of a document. The functions change the document that they are given. Pure, no DOM.
(function (desk) {
  "use strict";

  const MAX_SOURCES = 8;
  const MAX_TAKE = 999;
  const MAX_ONSETS = 64;

  desk.NEW_PLACE = Object.freeze({ version: 1, scene: "", mood: "", space: "open" });
  desk.NEW_SOURCE = Object.freeze({
    name: "new sound", material: "", action: "", timbre: [], role: "recurring", box: null, distance_m: 5, gain_db: 0,
    pan: null, mute: false, evidence: "inferred", confidence: 1, instrument: "none",
  });

  const isSolo = (document, index) => document.sources.length > 1
    && document.sources.every((source, each) => source.mute === (each !== index));

  let mutedBeforeSolo = null; // the sources that were muted when solo began, by words and number

  function namesOf(sources) {
    const numbers = desk.twinsOf(sources);
    return new Map(sources.map((source, index) => [source, `${numbers[index]} ${desk.wordsOf(source)}`]));
  }

  desk.edits = {
    MAX_SOURCES,
    MAX_ONSETS,
    isSolo,
    isFull: (document) => (document?.sources.length ?? 0) >= MAX_SOURCES,

    // Hear only this source, or end that: then those sound that did before.
    solo(document, source) {
      const { sources } = document;
      const names = namesOf(sources);
      if (isSolo(document, sources.indexOf(source))) {
        for (const each of sources) each.mute = mutedBeforeSolo?.includes(names.get(each)) ?? false;
        return;
      }
      if (!sources.some((_, index) => isSolo(document, index))) {
        mutedBeforeSolo = sources.filter(({ mute }) => mute).map((each) => names.get(each));
      }
      for (const each of sources) each.mute = each !== source;
    },

    add(document) {
      const source = { ...desk.NEW_SOURCE, timbre: [] };
      document.sources.push(source);
      return source;
    },

    remove(document, source) {
      document.sources.splice(document.sources.indexOf(source), 1);
    },

    duplicate(document, source) {
      const twin = JSON.parse(JSON.stringify(source)); // of the same words, but with another seed
      delete twin.twin;
      document.sources.splice(document.sources.indexOf(source) + 1, 0, twin);
      return twin;
    },

    // Move the source to another place in the list.
    move(document, source, place) {
      const { sources } = document;
      sources.splice(sources.indexOf(source), 1);
      sources.splice(Math.min(Math.max(place, 0), sources.length), 0, source);
    },

    // The next take that was not heard yet. After the last number, it begins again.
    newTake(source, heard) {
      desk.edits.setTake(source, (Math.max(source.take ?? 0, ...heard) + 1) % (MAX_TAKE + 1));
    },

    // The first take is not written, so that documents without other takes stay as they are.
    setTake(source, take) {
      if (take) source.take = take;
      else delete source.take;
    },
  };
})(globalThis.desk ??= {});
