// Takes the files that are chosen, pasted, or dropped anywhere on the page: a picture, or an earlier result. They are
// uploaded here, because Gradio's picture component takes no second picture, and none whose type the system does not
// know. The event "upload" has the path of a picture, the event "select" the paths of a result.
const BUNDLES = /\.(zip|json)$/i;
const PICTURES = /\.(jpe?g?|jfif?|pjpeg|mpo|a?png|webp|gif|bmp|dib|tiff?|hei[cf]s?|hif|avifs?)$/i;
const PARTS = /^(soundscape|manifest|prompts|coherence)\.json$|^soundscape\.before\.json$|^mix\.wav$|^picture\.jpg$|^0[1-8]_[\p{L}\p{M}\p{N}_\u200c\u200d-]+\.wav$/u;
const LIMITS_BYTES = { picture: 40e6, result: 100e6 }; // the largest files that the server accepts
const CHOOSABLE = "image/*,.heic,.heif,.hif,.avif,.tif,.tiff,.jfif,.mpo"; // not every system knows these as images
const PICTURE_INPUT = "#picture input[type=file]";
const TYPED_INTO = "textarea, [contenteditable=true], input:not([type=file], [type=range], [type=checkbox], [type=radio])";
const [files, folder] = element.querySelectorAll("input");
const said = element.querySelector("[role=status]");

element.addEventListener("click", (event) => {
  const choose = event.target.closest("[data-choose]")?.dataset.choose;
  if (choose) (choose === "folder" ? folder : files).click();
});
files.addEventListener("change", () => take([...files.files].map((file) => ({ file, path: file.name }))));
folder.addEventListener("change", () => take([...folder.files].map((file) => ({ file, path: file.webkitRelativePath }))));

function say(words, kind = "refusal") {
  said.textContent = words;
  said.className = words ? kind : "";
}

// What is taken ------------------------------------------------------------------------------------------------------

// Returns {kind, parts, remark}, or words that say why nothing is taken.
function choose(found) {
  const results = found.filter(({ path }) => /(^|\/)soundscape\.json$/.test(path));
  if (results.length > 1) return `There are ${results.length} results in this folder. Choose one of them.`;
  if (results.length) {
    const top = results[0].path.slice(0, -"soundscape.json".length);
    return { kind: "result", parts: found.filter(({ file, path }) => path.startsWith(top) && PARTS.test(file.name.normalize())) };
  }
  const isResult = ({ path }) => BUNDLES.test(path);
  const single = found.filter((each) => !each.path.includes("/") || (found.length === 1 && isResult(each))); // not of a folder
  const isPicture = ({ file, path }) => PICTURES.test(path) || file.type.startsWith("image/");
  const first = single.find((each) => isResult(each) || isPicture(each)) ?? single[0];
  if (!first) return "There is no soundscape.json in it. Choose the ZIP that this app made, or the folder of one result.";
  const remark = found.length > 1 ? `Only ${first.file.name} was taken. Choose one picture or one result at a time.` : "";
  return { kind: isResult(first) ? "result" : "picture", parts: [first], remark };
}

let latest = 0; // number of the latest files that were taken
let isSending = false;
let remark = "";

async function take(found) {
  files.value = folder.value = "";
  const number = ++latest;
  const chosen = found.length ? choose(found) : "The folder is empty.";
  const { kind, parts } = chosen;
  const largest = Math.max(...(parts ?? []).map(({ file }) => file.size));
  if (!parts) return finish(chosen);
  if (largest > LIMITS_BYTES[kind]) {
    return finish(`The file is too large: it has ${Math.round(largest / 1e6)}\u00a0MB, and the limit is ${LIMITS_BYTES[kind] / 1e6}\u00a0MB.`);
  }
  remark = chosen.remark;
  isSending = true;
  document.body.dataset.sending = kind;
  say(parts.length === 1 ? `Sending ${parts[0].file.name} …` : `Sending ${parts.length} files …`, "quiet");
  try {
    const uploads = await Promise.all(parts.map(({ file }) => upload(file)));
    if (number !== latest) return;
    isSending = false;
    const paths = uploads.map(({ path }) => path);
    if (kind === "picture") trigger("upload", { path: paths[0] });
    else trigger("select", { paths });
  } catch (error) {
    if (number === latest) finish(words(error, parts));
  }
}

function words({ message = "" }, parts) {
  const name = parts.length === 1 ? parts[0].file.name : "The files";
  const why = /^[A-Z].*\.$/.test(message) ? message : "Check the connection, and try again."; // sentences are the server's
  return `${name} could not be sent. ${why}`;
}

// Ends what was taken last: with words that say why it was not, or with the remark on the files that were left.
function finish(words = "") {
  isSending = false;
  delete document.body.dataset.sending;
  if (words) say(words);
  else say(remark, "quiet");
  remark = "";
}
window.fileHasArrived = () => { if (!isSending) finish(); }; // the server has answered, maybe to the files before

// The picture's own input --------------------------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  if (!event.target.matches(PICTURE_INPUT)) return;
  event.stopImmediatePropagation();
  take([...event.target.files].map((file) => ({ file, path: file.name })));
  event.target.value = "";
}, true);
document.addEventListener("click", () => document.querySelector(PICTURE_INPUT)?.setAttribute("accept", CHOOSABLE), true);

// Pasted files -------------------------------------------------------------------------------------------------------

document.addEventListener("paste", (event) => {
  const pasted = [...event.clipboardData.files];
  const isText = event.target.closest?.(TYPED_INTO) && event.clipboardData.types.includes("text/plain");
  if (!pasted.length || isText) return;
  event.preventDefault();
  event.stopPropagation();
  take(pasted.map((file) => ({ file, path: file.name })));
}, true);

// Dropped files ------------------------------------------------------------------------------------------------------

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

let isFromHere = false; // a picture or a link of this page is dragged

// A file that the page does not take is opened by the browser in place of the page. Text is left to the text fields.
function isTaken({ target, dataTransfer: { types } }) {
  return types.includes("Files") || (types.includes("text/uri-list") && !target.closest?.(TYPED_INTO));
}

function drag(event) {
  if (!isTaken(event)) return;
  event.preventDefault();
  event.stopPropagation(); // Gradio's picture would go on waiting for the drop
  document.body.toggleAttribute("data-dragging", !isFromHere && event.type !== "dragleave" && event.type !== "drop");
  if (event.type === "drop" && !isFromHere) drop(event.dataTransfer);
}

function drop({ items, files: dropped }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length) {
    Promise.all(entries.map((entry) => read(entry))).then(
      (found) => take(found.flat()), () => finish("The files could not be read. Please try again."));
  } else if (dropped.length) take([...dropped].map((file) => ({ file, path: file.name })));
  else finish("This is a link, not a file. Save the picture first, and drop the file.");
}

for (const type of ["dragenter", "dragover", "dragleave", "drop"]) document.addEventListener(type, drag, true);
document.addEventListener("dragstart", () => { isFromHere = true; });
document.addEventListener("dragend", () => { isFromHere = false; });
