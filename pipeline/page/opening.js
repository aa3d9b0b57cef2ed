// Opens an earlier result that is chosen, or dropped anywhere on the page. The hidden gr.File uploads it. It accepts no
// dropped folders, so their files are collected here, and only the files of a result are sent.
const ENDINGS = [".zip", ".json"];
const PARTS = /^(soundscape|manifest|prompts|coherence)\.json$|^soundscape\.before\.json$|^mix\.wav$|^picture\.jpg$|^0[1-8]_[\p{L}\p{M}\p{N}_\u200c\u200d-]+\.wav$/u;
const LIMIT_BYTES = 100e6; // the largest file that the server accepts
const [files, folder] = element.querySelectorAll("input");
const said = element.querySelector("[role=status]");

element.addEventListener("click", (event) => {
  const choose = event.target.closest("[data-choose]")?.dataset.choose;
  if (choose) (choose === "folder" ? folder : files).click();
});
files.addEventListener("change", () => send([...files.files].map((file) => ({ file, path: file.name }))));
folder.addEventListener("change", () => send([...folder.files].map((file) => ({ file, path: file.webkitRelativePath }))));

function say(words, kind = "refusal") {
  said.textContent = words;
  said.className = words ? kind : "";
}
window.sayOfOpening = say; // clears the message once the upload has arrived

function send(found) {
  files.value = folder.value = "";
  const results = found.filter(({ path }) => /(^|\/)soundscape\.json$/.test(path));
  const alone = found.length === 1 && ENDINGS.some((ending) => found[0].path.toLowerCase().endsWith(ending));
  if (!alone && results.length !== 1) {
    say(results.length ? `There are ${results.length} results in this folder. Choose one of them.`
      : "There is no soundscape.json in it. Choose the ZIP that this app made, or the folder of one result.");
    return;
  }
  const top = alone ? "" : results[0].path.slice(0, -"soundscape.json".length);
  const parts = alone ? found : found.filter(({ file, path }) => path.startsWith(top) && PARTS.test(file.name.normalize()));
  const bytes = Math.max(...parts.map(({ file }) => file.size));
  if (bytes > LIMIT_BYTES) {
    say(`The file is too large: it has ${Math.round(bytes / 1e6)}\u00a0MB, and the limit is ${LIMIT_BYTES / 1e6}\u00a0MB.`);
    return;
  }
  say(alone ? `Sending ${found[0].file.name} …` : `Sending ${parts.length} files …`, "quiet");
  const carrier = new DataTransfer();
  for (const { file } of parts) carrier.items.add(file);
  const input = document.querySelector("#given input[type=file]");
  input.files = carrier.files;
  input.dispatchEvent(new Event("change"));
}

// Dropped files -----------------------------------------------------------------------------------------------------

async function read(entry, depth = 0) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.slice(1) }];
  }
  if (depth > 2) return []; // a result has one level of subfolders
  const reader = entry.createReader();
  const found = [];
  for (let some = null; some?.length !== 0; found.push(...some)) {
    some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at a time
  }
  return (await Promise.all(found.map((each) => read(each, depth + 1)))).flat();
}

function isOurs(entry) {
  return entry.isDirectory || ENDINGS.some((ending) => entry.name.toLowerCase().endsWith(ending));
}

document.addEventListener("drop", (event) => {
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some(isOurs)) return; // pictures are handled by the picture component
  event.preventDefault();
  event.stopPropagation();
  Promise.all(entries.map((entry) => read(entry))).then((found) => send(found.flat()), () => say("The files could not be read. Please try again."));
}, true);
document.addEventListener("dragover", (event) => {
  if (event.dataTransfer.types.includes("Files")) event.preventDefault(); // otherwise the browser opens the file itself
});
