// Helpers. Text of results only ever becomes textContent, so it cannot become markup.
const byId = (id) => document.getElementById(id);

function make(tag, { text, ...properties } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.startsWith("aria")) node.setAttribute(`aria-${name.slice(4).toLowerCase()}`, value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  if (text !== undefined) node.textContent = text;
  node.append(...children.filter(Boolean));
  return node;
}

const press = (node, on) => node.setAttribute("aria-pressed", on);

// Lower case without accents, so that "cafe" finds "Café".
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const percent = (share) => `${Math.round(100 * share)} %`;

function rounded(value) {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return text.replace(/^-(?=[0.]+$)/, "").replace("-", "−"); // no minus before zero
}

// A figure with its unit. The unit may also be the range of a scale, or "share" for a percentage.
function measured(value, unit = "") {
  if (unit === "share") return percent(value);
  return unit.includes(" to ") ? `${rounded(value)} (${unit})` : `${rounded(value)} ${unit}`.trim();
}

function clock(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.floor(seconds + 0.05);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const pathOf = (result) => (result.path ?? result.name).split("/").map(encodeURIComponent).join("/");
const fileOf = (result, name) => `${pathOf(result)}/${name.split("/").map(encodeURIComponent).join("/")}`;
const drawingOf = (name) => `${document.body.dataset.index}/${name}`;

function notify(words) {
  byId("message").textContent = words;
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => (byId("message").textContent = ""), 5000);
}
