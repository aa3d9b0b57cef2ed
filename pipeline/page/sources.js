// The list of sounds. The document is the JSON in the editor, and every edit here is written to it.
// props.value = {json: the document as text, "" for none; broken: true while the text in the editor has problems}
const LIMITS = {
  sources: 8, scene: 300, mood: 120, text: 60, timbre: 30, timbres: 5,
  gain_db: [-40, 12], pan: [-1, 1], distance_m: [0.5, 1000],
};
const SPACES = ["open", "forest", "street", "courtyard", "room", "hall", "cave", "underwater"];
const ROLES = { bed: "all the time", recurring: "now and then", "one-shot": "once or twice" };
const NEW_SOURCE = {
  name: "new sound", material: "", action: "", timbre: [], role: "recurring", box: null, distance_m: 5, gain_db: 0,
  pan: null, mute: false, evidence: "inferred", confidence: 1, instrument: "none",
};

let soundscape = null;
let mutedBeforeSolo = null;
const newSources = new WeakSet(); // added sources: their name sets role and distance until the visitor does
const open = new Set(); // indices of the unfolded cards

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) node.setAttribute(name, value); // with the value "true" or "false"; other booleans are set or not
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function commit() {
  props.value = { json: soundscape ? JSON.stringify(soundscape) : "", broken: false };
  trigger("input");
}

// Fields ---------------------------------------------------------------------------------------------------------

function textField(label, value, maxLength, write, attributes = {}) {
  const input = make(attributes.rows ? "textarea" : "input", {
    value, maxlength: maxLength, "aria-label": label, autocomplete: "off", spellcheck: "true", ...attributes,
    oninput: () => { write(input.value); commit(); fitTexts(); },
  });
  if (attributes.rows) input.value = value;
  return input;
}

function fitTexts() {
  for (const text of element.querySelectorAll("textarea")) {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight + 2}px`;
  }
}

function slider(label, [low, high], step, value, shown, write, attributes = {}) {
  const output = make("output", {}, shown(value));
  const input = make("input", {
    type: "range", min: low, max: high, step, value, "aria-label": label, "aria-valuetext": shown(value), ...attributes,
    oninput: () => {
      const number = Number(input.value);
      const words = shown(number);
      output.textContent = words;
      input.setAttribute("aria-valuetext", words);
      fill();
      write(number);
      commit();
    },
  });
  const fill = () => input.style.setProperty("--share", `${(100 * (input.value - low)) / (high - low)}%`);
  fill();
  return [input, output];
}

const inDecibels = (gain) => {
  const rounded = Math.round(gain * 10) / 10;
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded).toFixed(rounded % 1 ? 1 : 0)} dB`;
};
const inMetres = (distance) => `${distance < 10 ? distance.toFixed(1).replace(/\.0$/, "") : Math.round(distance)} m`;
const inWords = (pan) => (Math.abs(pan) < 0.02 ? "centre" : `${Math.round(Math.abs(pan) * 100)} % ${pan < 0 ? "left" : "right"}`);
const panOf = (source) => source.pan ?? (source.box ? source.box[0] + source.box[2] - 1 : 0);

function toggle(text, label, pressed, press) {
  return make("button", { type: "button", class: "toggle", "aria-pressed": pressed, "aria-label": label, title: label,
    onclick: press }, text);
}

// A source ---------------------------------------------------------------------------------------------------------

function words(source) {
  return [source.material, source.action, source.timbre.join(", ")].filter(Boolean).join(" · ") || "no description yet";
}

function facts(source) {
  const muted = source.mute ? "muted · " : "";
  const seen = source.evidence === "visible" ? "in the picture" : "inferred";
  return `${muted}${seen}, ${Math.round(source.confidence * 100)} % sure · heard ${ROLES[source.role]}, ${inMetres(source.distance_m)} away`;
}

function isSolo(index) {
  return soundscape.sources.length > 1 && soundscape.sources.every((source, each) => source.mute === (each !== index));
}

function solo(index) {
  if (isSolo(index)) {
    soundscape.sources.forEach((source, each) => { source.mute = mutedBeforeSolo?.[each] ?? false; });
  } else {
    if (!soundscape.sources.some((_, each) => isSolo(each))) mutedBeforeSolo = soundscape.sources.map((source) => source.mute);
    soundscape.sources.forEach((source, each) => { source.mute = each !== index; });
  }
  commit();
  draw();
}

function card(source, index) {
  const name = source.name;
  const summary = make("p", { class: "words" }, words(source));
  const quiet = make("p", { class: "facts" }, facts(source));
  const refresh = () => { summary.textContent = words(source); quiet.textContent = facts(source); };

  const nameless = make("p", { class: "nameless", id: `source-nameless-${index}`, role: "alert" });
  const checkName = () => {
    const missing = !source.name.trim();
    nameless.textContent = missing ? "A sound needs a name." : "";
    title.toggleAttribute("aria-invalid", missing);
  };
  const title = textField("Name of the sound", name, LIMITS.text, (text) => { source.name = text; checkName(); },
    { class: "name", title: name, "aria-describedby": nameless.id, onchange: () => { if (newSources.has(source)) setUsual(source); } });
  checkName();
  const [gain, gainShown] = slider(`Gain of ${name}`, LIMITS.gain_db, 0.5, source.gain_db, inDecibels,
    (value) => { source.gain_db = value; });
  const details = make("div", { class: "details", id: `source-details-${index}`, hidden: !open.has(index) });
  const unfold = make("button", { type: "button", class: "unfold", "aria-expanded": open.has(index),
    "aria-controls": details.id, "aria-label": `More about ${name}`, title: "More",
    onclick: () => {
      if (!open.delete(index)) open.add(index);
      unfold.setAttribute("aria-expanded", open.has(index));
      details.hidden = !open.has(index);
    } });

  const rest = [
    labelled("Material", textField("Material", source.material, LIMITS.text, (text) => { source.material = text; refresh(); },
      { placeholder: "what it is made of" })),
    labelled("Action", textField("Action", source.action, LIMITS.text, (text) => { source.action = text; refresh(); },
      { placeholder: "what it does" })),
    labelled("Timbre", textField("Timbre, words separated by commas", source.timbre.join(", "), 160, (text) => {
      source.timbre = text.split(",").map((word) => word.trim().slice(0, LIMITS.timbre)).filter(Boolean).slice(0, LIMITS.timbres);
      refresh();
    }, { placeholder: "how it sounds, in a few words" })),
    labelled("Heard", choice("Heard", Object.entries(ROLES), source.role, (role) => {
      source.role = role;
      newSources.delete(source);
      refresh();
    })),
    distanceField(source, refresh),
    panField(source),
  ];
  details.append(...rest, make("button", { type: "button", class: "remove", onclick: () => remove(index) }, "Remove this sound"));

  return make("li", {
    class: `source${source.mute ? " muted" : ""}${isSolo(index) ? " alone" : ""}`,
    onmouseenter: () => showBox(source, index), onmouseleave: hideBox,
    onfocusin: () => showBox(source, index), onfocusout: hideBox,
  },
  make("span", { class: "number", "aria-hidden": "true" }, String(index + 1)),
  title,
  nameless,
  make("div", { class: "level" }, gain, gainShown),
  make("div", { class: "switches" },
    toggle("S", `Solo ${name}: hear only this`, isSolo(index), () => solo(index)),
    toggle("M", `Mute ${name}`, source.mute, () => { source.mute = !source.mute; commit(); draw(); }),
    unfold),
  make("div", { class: "what" }, summary, quiet),
  details);
}

const labelled = (text, ...fields) => make("label", {}, make("span", {}, text), ...fields);

function choice(label, options, value, write) {
  const select = make("select", { "aria-label": label, onchange: () => { write(select.value); commit(); } },
    ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
  return select;
}

function distanceField(source, refresh) {
  const toShare = (distance) => Math.log(distance / 0.5) / Math.log(2000); // 0.5 m .. 1000 m on a logarithmic slider
  const toDistance = (share) => Number((0.5 * 2000 ** share).toPrecision(2));
  return labelled("Distance", ...slider("Distance", [0, 1], 0.01, toShare(source.distance_m), (share) => inMetres(toDistance(share)),
    (share) => { source.distance_m = toDistance(share); newSources.delete(source); refresh(); }));
}

function panField(source) {
  const shown = (pan) => inWords(pan);
  const [input, output] = slider("Position from left to right", LIMITS.pan, 0.05, panOf(source), shown, (pan) => {
    source.pan = pan;
    back.hidden = !source.box;
  });
  const back = make("button", { type: "button", class: "link", hidden: source.pan === null || !source.box, onclick: () => {
    source.pan = null;
    input.value = panOf(source);
    input.style.setProperty("--share", `${50 + 50 * panOf(source)}%`);
    output.textContent = shown(panOf(source));
    back.hidden = true;
    commit();
  } }, "as in the picture");
  return labelled("Position", input, output, back);
}

function remove(index) {
  soundscape.sources.splice(index, 1);
  if (!soundscape.sources.length) soundscape = null; // a soundscape must have at least one sound
  open.clear();
  commit();
  draw();
  element.querySelector(".add")?.focus();
}

function add() {
  soundscape ??= { version: 1, scene: "", mood: "", space: "open", sources: [] };
  soundscape.sources.push({ ...NEW_SOURCE });
  newSources.add(soundscape.sources.at(-1));
  open.add(soundscape.sources.length - 1);
  commit();
  draw();
  const names = element.querySelectorAll(".name");
  names[names.length - 1].select();
}

async function setUsual(source) {
  const usual = await server.usual(source.name);
  if (!usual?.role || !newSources.has(source) || !soundscape?.sources.includes(source)) return;
  Object.assign(source, usual);
  commit();
  draw();
}

// The box of a source on the picture -------------------------------------------------------------------------------

function showBox(source, index) {
  hideBox();
  const picture = document.querySelector("#picture img");
  if (!source.box || !picture?.naturalWidth || document.querySelector(".another-picture")) return;
  const [x0, y0, x1, y1] = source.box;
  const frame = picture.parentElement;
  frame.style.position = "relative";
  const [outer, inner] = [frame.getBoundingClientRect(), picture.getBoundingClientRect()];
  const scale = Math.min(inner.width / picture.naturalWidth, inner.height / picture.naturalHeight); // object-fit: contain
  const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
  const left = inner.left - outer.left + (inner.width - width) / 2;
  const top = inner.top - outer.top + (inner.height - height) / 2;
  const box = make("div", { class: "source-box", "aria-hidden": "true" }, make("span", {}, `${index + 1} ${source.name}`));
  box.style.cssText = `left:${left + x0 * width}px;top:${top + y0 * height}px;width:${(x1 - x0) * width}px;height:${(y1 - y0) * height}px`;
  frame.append(box);
}

function hideBox() {
  document.querySelectorAll(".source-box").forEach((box) => box.remove());
}

// Drawing ------------------------------------------------------------------------------------------------------------

function empty() {
  return make("div", { class: "empty" },
    make("p", {}, "The soundscape of your picture appears here: the place, its mood and every sound."),
    make("p", { class: "quiet" }, "You can change everything before the sound is made."),
    make("button", { type: "button", class: "add", onclick: add }, "Or add a sound yourself"));
}

function draw() {
  hideBox();
  const view = element.querySelector(".view");
  const controls = () => [...view.querySelectorAll("button, input, select, textarea")];
  const focused = controls().indexOf(document.activeElement); // restored below, so that keyboard users keep their place
  if (!soundscape) {
    view.replaceChildren(empty());
    return;
  }
  const full = soundscape.sources.length >= LIMITS.sources;
  const place = make("div", { class: "place" },
    textField("Scene", soundscape.scene, LIMITS.scene, (text) => { soundscape.scene = text; },
      { class: "scene", rows: 1, placeholder: "Describe the place" }),
    labelled("Mood", textField("Mood", soundscape.mood, LIMITS.mood, (text) => { soundscape.mood = text; }, { placeholder: "calm, fresh" })),
    labelled("Space", choice("Space", SPACES.map((space) => [space, space]), soundscape.space, (space) => { soundscape.space = space; })));
  const list = make("ul", { class: "sources", "aria-label": "Sounds" }, ...soundscape.sources.map(card));
  const more = make("button", { type: "button", class: "add", disabled: full, onclick: add },
    full ? "A soundscape holds at most eight sounds" : "Add a sound");
  view.replaceChildren(place, list, more);
  if (focused >= 0) controls()[focused]?.focus();
  fitTexts();
}

function read() {
  const { json, broken } = props.value ?? { json: "", broken: false };
  element.querySelector(".view").toggleAttribute("inert", broken);
  element.classList.toggle("broken", broken);
  if (broken) return;
  const next = json ? JSON.parse(json) : null;
  if (JSON.stringify(next) === JSON.stringify(soundscape)) return;
  soundscape = next;
  if (open.size && Math.max(...open) >= (soundscape?.sources.length ?? 0)) open.clear();
  draw();
}

draw();
read();
watch("value", read);
new ResizeObserver(fitTexts).observe(element); // also runs when the tab is shown
