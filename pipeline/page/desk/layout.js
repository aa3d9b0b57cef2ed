// The document as text, with lists of plain values on one line, which makes boxes and timbres easy to read. Pure, no DOM.
(function (desk) {
  "use strict";

  const FLAT_LIST = /\[\n\s+([^[\]{}]*?)\n\s*\]/g;

  desk.layout = (document) => (document
    ? JSON.stringify(document, null, 2).replace(FLAT_LIST, (_, inner) => `[${inner.replace(/\n\s*/g, " ")}]`)
    : "");
})(globalThis.desk ??= {});
