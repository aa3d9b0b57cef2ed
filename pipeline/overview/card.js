// One result in the list. All cards have the same height: the list relies on it.
function card(result, { place, total, sort }) {
  const title = result.scene || result.name;
  const open = make("button", { type: "button", className: "picture", ariaLabel: `Details of ${result.name}`, tabIndex: 0 });
  open.append(result.thumbnail ? picture(result, drawingOf(result.thumbnail)) : make("span", { text: "no picture" }));
  open.addEventListener("click", () => openResult(place));
  const node = make(
    "article",
    { className: "card", tabIndex: -1, ariaPosInSet: String(place + 1), ariaSetSize: String(total), ariaLabel: title },
    open,
    sound(fileOf(result, "mix.wav"), result.name, result.duration_s, result.spectrogram),
    make("h3", { text: title, title }),
    make("p", { className: "quiet one", text: [result.mood, result.space].filter(Boolean).join(" · ") }),
    make("ul", { className: "sources", title: "● in the picture   ○ inferred" }, ...result.sources.map(chip)),
    foot(result, sort),
  );
  node.dataset.place = place;
  node.addEventListener("focusin", () => mark(place));
  return node;
}

function picture(result, src) {
  const image = make("img", { loading: "lazy", decoding: "async", alt: `The picture ${result.picture || result.name}`, src });
  image.addEventListener("error", () => image.replaceWith(make("span", { text: "no picture" })));
  return image;
}

function chip(source) {
  const seen = source.evidence === "visible";
  const facts = `${seen ? "in the picture" : "inferred"}, ${percent(source.confidence)} sure${source.mute ? ", muted" : ""}`;
  const node = make("li", { className: [seen ? "seen" : "inferred", source.mute && "mute"].filter(Boolean).join(" "), text: source.name },
    make("small", { text: ` ${percent(source.confidence)}` }));
  node.title = `${source.name}: ${facts}`;
  return node;
}

// The figure on a card when results are not sorted by a figure: the first score by a model, if there is one.
function headline() {
  const first = library.figures.find(({ section }) => section === "coherence");
  return first ? orderOf(first.key) : ORDERS.name;
}

function foot(result, sort) {
  const marks = [];
  if (result.problems.length) marks.push(make("em", { className: "alarm", text: counted(result.problems.length, "problem"), title: result.problems.join("\n") }));
  if (result.warnings.length) marks.push(make("em", { text: counted(result.warnings.length, "warning"), title: result.warnings.join("\n") }));
  const name = make("p", {}, make("span", { text: result.name, title: result.name }), ...marks);
  return make("footer", {}, figureOf(result, sort), name);
}

// The figure that the results are sorted by, on all cards or on none: they have the same height.
function figureOf(result, sort) {
  const { title, unit, of, meaning } = sort === "name" ? headline() : orderOf(sort);
  if (!of || sort === "problems") return null;
  const value = of(result) ?? null;
  const words = value === null ? "–" : measured(value, unit);
  return make("p", { className: "figure", title: meaning ?? "" }, make("span", { text: title }), make("b", { text: words }));
}
