// Turns the value of the list of sounds into the text of the editor. Like `layout` in __init__.py, it puts lists of plain values on one line.
(value) => value.json
  ? JSON.stringify(JSON.parse(value.json), null, 2).replace(/\[\n\s+([^[\]{}]*?)\n\s*\]/g, (_, inner) => `[${inner.replace(/\n\s*/g, " ")}]`)
  : ""
