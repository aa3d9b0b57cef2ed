// Loads modules of the desk as the page does: one after the other, into one `desk`.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const vm = require("node:vm");

const FOLDER = join(__dirname, "../../../pipeline/page/desk");

module.exports = (desk, ...names) => {
  globalThis.desk = desk;
  for (const name of names) vm.runInThisContext(readFileSync(join(FOLDER, `${name}.js`), "utf-8"), { filename: `${name}.js` });
  return globalThis.desk;
};
