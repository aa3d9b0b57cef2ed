// The state of the page (also kept in its address), the toolbar, the keys, and loading the data.
const START = { q: "", group: "none", sort: "name", down: false, only: false, at: "", open: "" };
const state = { ...START };

function addressOf(changes) {
  const wanted = { ...state, ...changes };
  const parts = Object.keys(START).filter((key) => wanted[key] !== START[key]).map((key) => [key, wanted[key] === true ? "1" : wanted[key]]);
  return `#${new URLSearchParams(parts)}`;
}

const linkTo = (label) => addressOf({ at: label, open: "" });

// Not at every keystroke: Safari allows a hundred changes in 30 seconds.
function keepAddress() {
  clearTimeout(keepAddress.timer);
  keepAddress.timer = setTimeout(() => history.replaceState(null, "", addressOf({})), 200);
}

function readAddress(address) {
  const given = new URLSearchParams(new URL(address).hash.slice(1));
  for (const [key, start] of Object.entries(START)) {
    state[key] = typeof start === "boolean" ? given.has(key) : given.get(key) ?? start;
  }
  if (!(state.group in GROUPS)) state.group = "none";
}

// Show the state; `hold` keeps the current result.
function refresh({ hold = false } = {}) {
  const current = hold ? list.places[list.current]?.result : null;
  byId("search").value === state.q || (byId("search").value = state.q);
  byId("group").value = state.group;
  byId("sort").value = state.sort;
  press(byId("down"), state.down);
  byId("down").textContent = state.down ? "↓" : "↑";
  byId("down").title = state.down ? "Highest first" : "Lowest first";
  press(byId("only"), state.only);
  list.groups = found(state);
  list.current = -1;
  arrange();
  if (current) mark(list.places.findIndex(({ result }) => result === current));
  tellCount();
  showContents();
  showNothing();
}

function tellCount() {
  const shown = new Set(list.places.map(({ result }) => result)).size;
  const { length } = library.results;
  const all = counted(library.count, "result");
  if (length < library.count) byId("count").textContent = `${length.toLocaleString("en")} of ${all}…`;
  else byId("count").textContent = shown === length ? all : `${shown.toLocaleString("en")} of ${all}`;
}

function showContents() {
  const contents = byId("contents");
  contents.hidden = state.group === "none" || !list.groups.length;
  contents.querySelector("summary").textContent = counted(list.groups.length, "group");
  const links = contents.open ? list.groups.map(({ label, results }) =>
    make("a", { href: linkTo(label), text: label }, make("small", { text: ` ${results.length}` }))) : [];
  contents.querySelector("nav").replaceChildren(...links);
}

function showNothing() {
  const words = library.results.length ? `No result matches “${state.q}”.` : "There are no results here yet.";
  byId("nothing").hidden = list.places.length > 0 || library.results.length < library.count;
  byId("nothing").textContent = state.only && !state.q ? "No result has a problem." : words;
}

function showFailures() {
  const { count, shown } = library.failures;
  const box = byId("failures");
  box.hidden = !count;
  box.querySelector("summary").textContent = `${counted(count, "picture")} could not be processed`;
  const rows = shown.map(({ picture, stage, error }) => make("li", {}, make("b", { text: picture }), ` ${stage}: ${error}`));
  if (count > shown.length) rows.push(make("li", { text: `and ${counted(count - shown.length, "more", "more")}, in failures.jsonl` }));
  box.querySelector("ul").replaceChildren(...rows);
}

function change(changes, options) {
  Object.assign(state, { at: "" }, changes);
  keepAddress();
  refresh(options);
  scrollTo(0, Math.min(scrollY, document.querySelector("main").offsetTop));
  draw();
}

// Show the group or the open result that the address names.
function goToAddress() {
  const group = state.at && list.groups.find(({ label }) => label === state.at);
  if (group) {
    const bar = document.querySelector(".bar").offsetHeight + 8;
    scrollTo(0, byId("list").getBoundingClientRect().top + scrollY + group.y - bar);
    draw();
  }
  const place = state.open ? list.places.findIndex(({ result }) => result.name === state.open) : -1;
  if (place >= 0) openResult(place, { focus: false });
  else closeResult();
}

function openResult(place, { focus = true } = {}) {
  const { result } = list.places[place];
  const wasOpen = !byId("details").hidden;
  mark(place);
  state.open = result.name;
  keepAddress();
  byId("details").replaceChildren(...details(result));
  byId("details").scrollTop = 0;
  byId("details").hidden = false;
  document.body.classList.add("open");
  if (!wasOpen) arrange();
  reveal(place);
  if (focus) byId("details").focus({ preventScroll: true });
}

function closeResult() {
  if (byId("details").hidden) return;
  byId("details").hidden = true;
  document.body.classList.remove("open");
  state.open = "";
  keepAddress();
  arrange();
  if (list.current >= 0) go(0);
}

function fillBar() {
  const options = (entries) => entries.map(([value, text]) => make("option", { value, text }));
  byId("group").replaceChildren(...options(Object.entries(GROUPS).map(([value, [title]]) => [value, title])));
  const sections = Map.groupBy ? Map.groupBy(library.figures, ({ section }) => section) : new Map([["", library.figures]]);
  const groups = [...sections].map(([section, figures]) =>
    make("optgroup", { label: SECTIONS[section] ?? "Figures" }, ...options(figures.map(({ key, title }) => [key, title]))));
  byId("sort").replaceChildren(...options(Object.entries(ORDERS).map(([value, { title }]) => [value, title])), ...groups);
}

function showProblems() {
  const count = library.results.filter(({ problems }) => problems.length).length;
  byId("only").hidden = !count && !state.only;
  byId("only").textContent = `${count.toLocaleString("en")} with problems`;
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  " ": () => playCurrent(),
  ArrowLeft: () => skip(-SKIP_S),
  ArrowRight: () => skip(SKIP_S),
  "/": () => byId("search").focus(),
  o: () => list.places.length && openResult(Math.max(list.current, 0)),
  Enter: () => list.places.length && openResult(Math.max(list.current, 0)),
  "?": () => byId("help").click(),
};

function step(by) {
  go(by);
  if (!byId("details").hidden && list.current >= 0) openResult(list.current, { focus: false });
}

function playCurrent() {
  if (list.current < 0) go(0);
  const { result } = list.places[list.current] ?? {};
  if (result) toggle(fileOf(result, "mix.wav"));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  if (key === "Escape") {
    if (target === byId("search")) target.blur();
    else closeResult();
    return;
  }
  const typing = target.matches("input:not([type=range]), select, textarea");
  const pressing = target.matches("button, a, summary") && (key === " " || key === "Enter");
  const seeking = target.matches("input[type=range]") && key.startsWith("Arrow");
  if (typing || pressing || seeking || !(key in KEYS)) return;
  event.preventDefault();
  KEYS[key]();
});

byId("search").addEventListener("input", ({ target }) => change({ q: target.value }));
byId("group").addEventListener("change", ({ target }) => change({ group: target.value }));
byId("sort").addEventListener("change", ({ target }) => change({ sort: target.value, down: orderOf(target.value).of !== null }));
byId("down").addEventListener("click", () => change({ down: !state.down }));
byId("only").addEventListener("click", () => change({ only: !state.only }));
byId("contents").addEventListener("toggle", showContents);
byId("help").addEventListener("click", ({ currentTarget }) => {
  byId("keys").hidden = !byId("keys").hidden;
  currentTarget.setAttribute("aria-expanded", !byId("keys").hidden);
});
addEventListener("hashchange", ({ newURL }) => (readAddress(newURL), refresh(), goToAddress()));
let lastWidth = 0;
new ResizeObserver(() => {
  if (byId("list").clientWidth === lastWidth) return;
  lastWidth = byId("list").clientWidth;
  arrange();
}).observe(byId("list"));

// The data is loaded as scripts, one after the other: the first results are shown while the others load.
function load([name, ...rest], number = 0) {
  const script = make("script", { src: drawingOf(name) });
  script.addEventListener("load", () => {
    if (number === 0) (fillBar(), showFailures());
    if (number === 1 || !rest.length) (showProblems(), refresh({ hold: true }));
    if (rest.length) return load(rest, number + 1);
    if (state.at || state.open) goToAddress();
    document.body.dataset.ready = "";
  });
  script.addEventListener("error", () => (byId("count").textContent = "A part of the index is missing. To create it again, run: python -m pipeline index"));
  document.body.append(script);
}

readAddress(location.href);
load(document.body.dataset.scripts.split(" "));
