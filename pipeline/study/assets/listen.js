"use strict";
// The blind listening page. Sounds have opaque names. Answers stay in localStorage until they are saved.

const HEARD_S = 2; // of each sound, before the listener may choose; of shorter sounds, HEARD_SHARE of the length
const HEARD_SHARE = 0.8;
const SIDES = ["A", "B"];
const CHOICES = { ArrowLeft: "A", ArrowRight: "B", " ": "equal" };

const dataNode = document.getElementById("study");
const study = JSON.parse(dataNode.textContent);
const folder = dataNode.dataset.folder;
const scale = [...document.querySelectorAll("[data-rate=A]")].map((button) => Number(button.dataset.value));
const find = (id) => document.getElementById(id);
const players = { A: find("sound-A"), B: find("sound-B") };

let session = null; // { listener, answers: [...], current: {...} }: everything that is stored
let trials = []; // of the session, in its order
let shownSince = null; // performance.now() when the picture came into view; null while the page is hidden

// ---- chance: random, but the same for the same listener -------------------------------------------------------------

function hash(text) { // FNV-1a, 32 bit
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

function chance(seed) { // mulberry32
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function plan(listener) { // the order of the pictures and which sound is A, for this listener
  const draw = chance(hash(`${study.seed} ${listener.toLowerCase()}`));
  const seating = study.seatings[Math.floor(draw() * study.seatings.length)];
  const order = study.trials.map((_, place) => place);
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(draw() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order.map((place) => {
    const { picture, image, sounds } = study.trials[place];
    const first = Number(seating[place]);
    return { picture, image, sounds: { A: sounds[first], B: sounds[1 - first] } };
  });
}

// ---- storage --------------------------------------------------------------------------------------------------------

const PREFIX = `listen:${study.id}:`;
const keyOf = (listener) => PREFIX + listener.toLowerCase();

function keeps() {
  try {
    localStorage.setItem(PREFIX, "1");
    localStorage.removeItem(PREFIX);
    return true;
  } catch {
    return false;
  }
}

const canKeep = keeps();

function keep() {
  if (canKeep) localStorage.setItem(keyOf(session.listener), JSON.stringify(session));
}

function kept() {
  if (!canKeep) return [];
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  return keys.sort().map((key) => JSON.parse(localStorage.getItem(key)));
}

const blank = () => ({ heard: { A: 0, B: 0 }, choice: null, ratings: { A: null, B: null }, seconds: 0 });

// ---- the three views ------------------------------------------------------------------------------------------------

function view(name) {
  for (const id of ["welcome", "trial", "end"]) find(id).hidden = id !== name;
  window.scrollTo(0, 0);
}

function welcome() {
  stop();
  session = null;
  find("unkept").hidden = canKeep;
  const sessions = kept();
  find("unfinished").hidden = sessions.length === 0;
  find("unfinished").querySelector("ul").replaceChildren(...sessions.map((each) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `Continue as ${each.listener} (${each.answers.length} of ${study.trials.length})`;
    button.addEventListener("click", () => begin(each.listener));
    item.append(button);
    return item;
  }));
  view("welcome");
  find("listener").focus();
}

function begin(listener) {
  const earlier = kept().find((each) => keyOf(each.listener) === keyOf(listener));
  session = earlier ?? { listener, answers: [], current: blank() };
  trials = plan(listener);
  keep();
  show();
}

const trial = () => trials[session.answers.length];

function show() {
  stop();
  if (session.answers.length >= trials.length) return end();
  const { picture, image, sounds } = trial();
  find("picture").hidden = !image;
  if (image) find("picture").src = `${folder}/${picture}.jpg`;
  find("broken").hidden = true;
  for (const side of SIDES) {
    players[side].src = `${folder}/${sounds[side]}.wav`;
    progressOf(side, 0);
  }
  const count = trials.length;
  find("place").textContent = `Picture ${session.answers.length + 1} of ${count}`;
  find("progress").max = count;
  find("progress").value = session.answers.length;
  shownSince = document.hidden ? null : performance.now();
  view("trial");
  paint();
}

function end() {
  find("summary").textContent =
    `${session.listener}, you have listened to ${session.answers.length} of ${trials.length} pictures.`;
  const isDone = session.answers.length >= trials.length;
  find("thanks").textContent = isDone ? "Thank you." : "You have paused.";
  find("save").disabled = session.answers.length === 0;
  view("end");
  find(session.answers.length ? "save" : "again").focus();
}

// ---- one picture ----------------------------------------------------------------------------------------------------

function heardEnough(side) {
  const length = players[side].duration;
  const needed = Number.isFinite(length) ? Math.min(HEARD_S, HEARD_SHARE * length) : HEARD_S;
  return session.current.heard[side] >= needed;
}

function step() {
  const { choice, ratings } = session.current;
  if (choice === null) return SIDES.every(heardEnough) ? "choose" : "listen";
  return ratings.A === null ? "rate-A" : ratings.B === null ? "rate-B" : "done";
}

const WORDS = {
  listen: `Listen to both sounds, at least ${HEARD_S} seconds of each.`,
  "listen-A": `Listen to A too, at least ${HEARD_S} seconds of it.`,
  "listen-B": `Listen to B too, at least ${HEARD_S} seconds of it.`,
  choose: "Which one fits the picture better?",
  "rate-A": "How well does A fit the picture, from 1 to 5?",
  "rate-B": "How well does B fit the picture, from 1 to 5?",
  done: "Finished. Go on to the next picture.",
};

function paint() {
  const now = step();
  const { choice, ratings } = session.current;
  const missing = SIDES.filter((side) => !heardEnough(side));
  const words = WORDS[now === "listen" && missing.length === 1 ? `listen-${missing[0]}` : now];
  if (find("step").textContent !== words) find("step").textContent = words;
  find("answers").dataset.step = now;
  for (const button of document.querySelectorAll("[data-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
    button.disabled = now === "listen";
  }
  for (const button of document.querySelectorAll("[data-rate]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.value) === ratings[button.dataset.rate]));
    button.disabled = choice === null;
  }
  find("next").disabled = now !== "done";
  find("undo").disabled = choice === null;
}

function changed() {
  count();
  keep();
  paint();
}

function choose(choice) {
  if (step() === "listen") return;
  session.current.choice = choice;
  changed();
}

function rate(side, value) {
  if (session.current.choice === null || !scale.includes(value)) return;
  session.current.ratings[side] = value;
  changed();
}

function undo() {
  const { ratings } = session.current;
  if (ratings.B !== null) ratings.B = null;
  else if (ratings.A !== null) ratings.A = null;
  else session.current.choice = null;
  changed();
}

function next() {
  if (step() !== "done") return;
  count();
  const { picture, sounds } = trial();
  const { choice, ratings, seconds } = session.current;
  advance({ picture, sounds, choice, ratings, seconds: Math.round(seconds * 10) / 10 });
}

function advance(answer) {
  session.answers.push(answer);
  session.current = blank();
  keep();
  show();
}

function count() { // adds the time for which the picture was in view
  const now = performance.now();
  if (shownSince !== null) session.current.seconds += (now - shownSince) / 1000;
  shownSince = document.hidden ? null : now;
}

// ---- sound ----------------------------------------------------------------------------------------------------------

function play(side) {
  const player = players[side];
  const goesOn = !player.paused;
  stop();
  if (goesOn) return;
  player.currentTime = 0; // always from the start, so that both sounds are heard alike
  player.play().catch((error) => {
    if (error.name !== "AbortError") find("broken").hidden = false;
  });
}

function stop() {
  for (const side of SIDES) players[side].pause();
}

function progressOf(side, share) {
  find(`play-${side}`).querySelector(".bar").style.inlineSize = `${100 * share}%`;
}

for (const side of SIDES) {
  const player = players[side];
  const state = find(`play-${side}`).querySelector(".state");
  player.addEventListener("timeupdate", () => {
    if (!session || player.paused) return;
    session.current.heard[side] = Math.max(session.current.heard[side], player.currentTime);
    progressOf(side, player.currentTime / player.duration || 0);
    paint();
  });
  player.addEventListener("ended", () => {
    if (!session) return;
    session.current.heard[side] = Math.max(session.current.heard[side], player.duration);
    changed();
    progressOf(side, 0);
  });
  player.addEventListener("play", () => { state.textContent = "Stop"; find(`play-${side}`).classList.add("playing"); });
  player.addEventListener("pause", () => { state.textContent = "Play"; find(`play-${side}`).classList.remove("playing"); });
  player.addEventListener("error", () => { find("broken").hidden = false; });
}

// ---- the answer file ------------------------------------------------------------------------------------------------

const COLUMNS = ["picture", "listener", "sound", "id", "rating", "preference", "seconds", "order"];

function cell(value) {
  let text = String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`; // a spreadsheet would run it as a formula
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function table() {
  const lines = [COLUMNS];
  session.answers.forEach(({ picture, sounds, choice, ratings, seconds }, place) => {
    if (choice === null) return; // skipped
    for (const side of SIDES) {
      const preference = choice === "equal" ? "equal" : choice === side ? "yes" : "no";
      lines.push([picture, session.listener, side, sounds[side], ratings[side], preference, seconds, place + 1]);
    }
  });
  return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.download = `ratings_${session.listener.replace(/[^\p{L}\p{N}]+/gu, "_")}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

// ---- keys and clicks ------------------------------------------------------------------------------------------------

function key(event) {
  if (find("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const focused = document.activeElement?.closest("button");
  if (focused && (event.key === " " || event.key === "Enter")) return; // the key is for the focused button
  const now = step();
  const letter = event.key.toUpperCase();
  const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
  if (SIDES.includes(letter)) play(letter);
  else if (event.key in CHOICES) choose(CHOICES[event.key]);
  else if (event.key === "Enter") next();
  else if (event.key === "Backspace") undo();
  else if (digit !== null && now.startsWith("rate-")) rate(now.slice(-1), digit);
  else if ((digit === 1 || digit === 2) && now !== "done") play(SIDES[digit - 1]);
  else return;
  event.preventDefault();
}

document.addEventListener("keydown", (event) => { if (!event.repeat) key(event); });
document.addEventListener("visibilitychange", () => { if (session && !find("trial").hidden) { count(); keep(); } });
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || find("trial").hidden) return;
  if (event.detail > 0) button.blur(); // after a mouse click, keys are for the page again
  if (button.dataset.play) play(button.dataset.play);
  else if (button.dataset.choice) choose(button.dataset.choice);
  else if (button.dataset.rate) rate(button.dataset.rate, Number(button.dataset.value));
});
find("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const listener = find("listener").value.trim().replace(/\s+/g, " ");
  if (listener) begin(listener);
});
find("next").addEventListener("click", next);
find("undo").addEventListener("click", undo);
find("skip").addEventListener("click", () => {
  const { picture, sounds } = trial();
  advance({ picture, sounds, choice: null, ratings: { A: null, B: null }, seconds: 0 });
});
find("pause").addEventListener("click", () => { count(); keep(); stop(); end(); });
find("save").addEventListener("click", save);
find("again").addEventListener("click", welcome);
welcome();
