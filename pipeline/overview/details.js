// The details of one result, beside the list.
const SECTIONS = {
  coherence: "How well it fits, judged by models",
  checks: "Sound checks",
  "senses.sound": "What is heard",
  "senses.picture": "What is seen",
  level: "Level",
  document: "The description",
};
const STAGES = { describe: "description", sound: "sounds", mix: "mix", files: "files" };

function details(result) {
  const close = make("button", { type: "button", className: "close", ariaLabel: "Close", title: "Close (Esc)", text: "×" });
  close.addEventListener("click", closeResult);
  return [
    make("div", { className: "head" }, make("p", { className: "quiet", text: result.name }), close),
    result.has_picture && withBoxes(result),
    make("h2", { text: result.scene || result.name }),
    make("p", { className: "quiet", text: [result.mood, result.space].filter(Boolean).join(" · ") }),
    sound(fileOf(result, "mix.wav"), "the mix", result.duration_s, result.spectrogram),
    notes("Problems", "alarm", result.problems),
    notes("Warnings", "warning", result.warnings),
    make("h4", { text: "Sounds" }),
    make("ol", { className: "stems" }, ...result.sources.map((source, place) => stem(result, source, place))),
    ...figures(result),
    ...made(result),
    files(result),
  ].filter(Boolean);
}

function withBoxes(result) {
  const boxes = result.sources.map(({ box }, place) => {
    if (!box) return null;
    const [x0, y0, x1, y1] = box.map((share) => `${100 * share}%`);
    const node = make("span", { className: "box" }, make("b", { text: String(place + 1) }));
    node.dataset.source = place;
    Object.assign(node.style, { left: x0, top: y0, right: `calc(100% - ${x1})`, bottom: `calc(100% - ${y1})` });
    return node;
  });
  return make("div", { className: "whole" }, picture(result, fileOf(result, "picture.jpg")), ...boxes);
}

function notes(title, kind, texts) {
  if (!texts.length) return null;
  return make("ul", { className: `notes ${kind}`, ariaLabel: title }, ...texts.map((text) => make("li", { text })));
}

const ROLES = { bed: "all the time", recurring: "now and then", "one-shot": "once or twice" }; // as in the app

// The request to a backend that takes no prompt.
const asWords = ({ name, material, action, timbre }) => [name, material, action, ...(timbre ?? [])].filter(Boolean).join(", ");

function stem(result, source, place) {
  const words = [source.material, source.action, (source.timbre ?? []).join(", ")].filter(Boolean).join(" · ");
  const seen = source.evidence === "visible" ? "in the picture" : "inferred";
  const facts = [`${seen}, ${percent(source.confidence)} sure`, `heard ${ROLES[source.role] ?? source.role}`, `${rounded(source.distance_m)} m away`];
  if (source.gain_db) facts.push(`${rounded(source.gain_db)} dB`);
  if (source.mute) facts.push("muted");
  if (source.stem_percentile !== undefined) facts.push(`its words fit better than ${rounded(source.stem_percentile)} % of other words`);
  const node = make("li", {},
    make("p", { className: "name", text: source.name }),
    words && make("p", { text: words }),
    make("p", { className: "quiet", text: facts.join(" · ") }),
    source.prompt && source.prompt !== asWords(source) && make("p", { className: "quiet prompt", text: `prompt: ${source.prompt}` }),
    source.stem && sound(fileOf(result, `stems/${source.stem}`), `${source.name} alone`));
  const frame = (on) => document.querySelector(`.whole .box[data-source="${place}"]`)?.classList.toggle("on", on);
  for (const [event, on] of [["mouseenter", true], ["mouseleave", false], ["focusin", true], ["focusout", false]]) {
    node.addEventListener(event, () => frame(on));
  }
  return node;
}

function figures(result) {
  const sections = new Map();
  library.figures.forEach((figure, place) => {
    if (result.figures[place] === null) return;
    if (!sections.has(figure.section)) sections.set(figure.section, []);
    sections.get(figure.section).push(row(figure, result.figures[place], standing(place, result.figures[place])));
  });
  return [...sections].flatMap(([section, rows]) => [
    make("h4", { text: SECTIONS[section] ?? section }),
    make("dl", { className: "figures" }, ...rows.flat()),
  ]);
}

function row({ title, meaning, unit }, value, share) {
  const among = share === null ? "" : ` Higher than ${percent(share)} of the results here.`;
  const strip = share === null
    ? make("span", { className: "strip none" })
    : make("span", { className: "strip", role: "img", ariaLabel: among.trim(), title: among.trim() }, make("i"));
  strip.style.setProperty("--share", share ?? 0);
  return [
    make("dt", { text: title, title: meaning }),
    make("dd", { title: meaning + among }, make("span", { text: measured(value, unit) }), strip),
    make("dd", { className: "meaning quiet", text: meaning }),
  ];
}

function made({ vision, audio, seconds, seed, duration_s }) {
  const model = ({ backend, model }) => backend && [backend, model].filter(Boolean).join(" · ");
  const times = Object.entries(seconds).map(([stage, value]) => `${STAGES[stage] ?? stage} ${rounded(value)} s`);
  const rows = [
    ["Described by", model(vision) || "a person"],
    ["Sounds by", model(audio)],
    ["Time", times.join(" · ")],
    ["Length", duration_s && `${rounded(duration_s)} s`],
    ["Seed", seed === undefined ? "" : String(seed)],
  ].filter(([, text]) => text);
  return [
    make("h4", { text: "How it was made" }),
    make("dl", { className: "made" }, ...rows.flatMap(([title, text]) => [make("dt", { text: title }), make("dd", { text })])),
  ];
}

function files(result) {
  const names = ["mix.wav", "soundscape.json", "prompts.json", "manifest.json"];
  const links = names.map((name) => make("a", { href: fileOf(result, name), target: "_blank", rel: "noopener", text: name }));
  return make("p", { className: "files" }, ...links);
}
