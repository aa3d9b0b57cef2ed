// The results, and how they are searched, grouped and sorted.
const library = { count: 0, results: [], figures: [], failures: { count: 0, shown: [] } };
const collator = new Intl.Collator("en", { numeric: true });

const GROUPS = {
  none: ["none", () => [""]],
  folder: ["folder", ({ name }) => [name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "(top)"]],
  scene: ["scene", ({ scene }) => [scene || "(no scene)"]],
  sound: ["sound", ({ sources }) => sources.map(({ name }) => name.toLowerCase())],
  prompt: ["prompt", ({ sources }) => sources.map(({ prompt }) => prompt ?? "(no prompt)")],
  backend: ["models", ({ vision, audio }) => [[vision.backend || "a person", audio.backend || "unknown"].join(" → ")]],
  space: ["space", ({ space }) => [space]],
};

// Sort orders besides the figures.
const ORDERS = {
  name: { title: "name", of: null },
  sources: { title: "number of sounds", of: ({ sources }) => sources.length },
  problems: { title: "problems", of: ({ problems, warnings }) => problems.length + warnings.length / 1000 },
  duration: { title: "duration", unit: "s", of: ({ duration_s }) => duration_s },
  seconds: { title: "time taken", unit: "s", of: ({ seconds }) => Object.values(seconds).reduce((sum, each) => sum + each, 0) },
};

// Called by the data scripts.
function take(data) {
  if (data.figures) Object.assign(library, data);
  for (const result of data.results ?? []) {
    for (const key of ["warnings", "problems"]) result[key] ??= [];
    for (const key of ["seconds", "vision", "audio"]) result[key] ??= {};
    for (const key of ["scene", "mood", "picture"]) result[key] ??= "";
    result.words = fold(wordsOf(result).filter(Boolean).join("\n"));
    library.results.push(result);
  }
}

function wordsOf({ name, scene, mood, space, picture, sources, vision, audio, warnings, problems }) {
  const ofSources = sources.flatMap((each) => [each.name, each.material, each.action, ...(each.timbre ?? []), each.role, each.prompt]);
  const made = [vision.backend, vision.model, audio.backend, audio.model];
  return [name, picture, scene, mood, space, ...ofSources, ...made, ...warnings, ...problems];
}

function orderOf(sort) {
  const place = library.figures.findIndex(({ key }) => key === sort);
  if (place < 0) return ORDERS[sort] ?? ORDERS.name;
  return { ...library.figures[place], of: ({ figures }) => figures[place] };
}

// Return the groups with their results: [{ label, results }].
function found({ q, group, sort, down, only }) {
  const words = fold(q).split(/\s+/).filter(Boolean);
  const wanted = library.results.filter((result) =>
    words.every((word) => result.words.includes(word)) && (!only || result.problems.length > 0));
  const { of } = orderOf(sort);
  const sign = down ? -1 : 1;
  if (!of && down) wanted.reverse();
  // Results without the figure come last in both directions; equal ones stay in the order of their names.
  if (of) wanted.sort((a, b) => ((of(a) ?? null) === null) - ((of(b) ?? null) === null) || sign * (of(a) - of(b)) || 0);
  const groups = new Map();
  for (const result of wanted) {
    for (const label of new Set(GROUPS[group][1](result))) {
      if (!groups.has(label)) groups.set(label, []);
      groups.get(label).push(result);
    }
  }
  return [...groups].map(([label, results]) => ({ label, results })).sort((a, b) => collator.compare(a.label, b.label));
}

// Return the share of results whose figure is below this value; null when fewer than ten results have the figure.
const sorted = new Map();
function standing(place, value) {
  if (!sorted.has(place)) {
    sorted.set(place, library.results.map(({ figures }) => figures[place]).filter((each) => each !== null).sort((a, b) => a - b));
  }
  const values = sorted.get(place);
  if (values.length < 10 || values[0] === values.at(-1)) return null;
  const below = values.findLastIndex((each) => each < value) + 1;
  const equal = values.findLastIndex((each) => each <= value) + 1 - below;
  return (below + equal / 2) / values.length;
}
