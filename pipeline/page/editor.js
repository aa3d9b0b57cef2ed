// From the friendly view to the text in the editor; lists of plain values stay on one line, as `layout` in __init__.py writes them.
(value) => value.json
  ? JSON.stringify(JSON.parse(value.json), null, 2).replace(/\[\n\s+([^[\]{}]*?)\n\s*\]/g, (_, inner) => `[${inner.replace(/\n\s*/g, " ")}]`)
  : ""
