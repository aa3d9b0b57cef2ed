// The list. The position of every row is computed; only rows in or near the window are drawn.
const NEAR_PX = 900;
const HEADING_PX = 64;
const MIN_CARD_PX = 280;
const GAP_PX = 26;
const list = { groups: [], rows: [], places: [], drawn: new Map(), columns: 1, current: -1 };

function arrange() {
  const node = byId("list");
  const width = node.clientWidth;
  list.columns = Math.max(1, Math.floor((width + GAP_PX) / (MIN_CARD_PX + GAP_PX)));
  const height = cardHeight(node, (width - (list.columns - 1) * GAP_PX) / list.columns);
  list.rows = [];
  list.places = [];
  let y = 0;
  for (const group of list.groups) {
    group.y = y;
    if (group.label) {
      list.rows.push({ y, height: HEADING_PX, group });
      y += HEADING_PX;
    }
    for (let from = 0; from < group.results.length; from += list.columns) {
      const row = { y, height, group, first: list.places.length };
      row.results = group.results.slice(from, from + list.columns);
      for (const result of row.results) list.places.push({ result, row });
      list.rows.push(row);
      y += height + GAP_PX;
    }
  }
  node.style.height = `${y}px`;
  node.style.setProperty("--columns", list.columns);
  node.replaceChildren();
  list.drawn.clear();
  draw();
}

// Measured on a hidden card, so that the reader's fonts and font sizes count.
function cardHeight(node, width) {
  const [result] = library.results;
  if (!result) return 0;
  const probe = card(result, { place: -1, total: 0, sort: state.sort });
  probe.classList.add("probe");
  probe.style.width = `${width}px`;
  node.append(probe);
  const height = Math.ceil(probe.getBoundingClientRect().height);
  probe.remove();
  return height;
}

function draw() {
  const node = byId("list");
  const top = -node.getBoundingClientRect().top - NEAR_PX;
  const bottom = top + innerHeight + 2 * NEAR_PX;
  let first = 0;
  let end = list.rows.length;
  while (first < end) { // the first row that ends below the top
    const middle = (first + end) >> 1;
    if (list.rows[middle].y + list.rows[middle].height < top) first = middle + 1;
    else end = middle;
  }
  let last = first;
  while (last < list.rows.length && list.rows[last].y < bottom) last += 1;
  for (const [place, drawn] of list.drawn) {
    if (place >= first && place < last) continue;
    drawn.remove();
    list.drawn.delete(place);
  }
  let before = null;
  for (let place = first; place < last; place += 1) {
    let drawn = list.drawn.get(place);
    if (!drawn) {
      drawn = drawRow(list.rows[place]);
      list.drawn.set(place, drawn);
      if (before) before.after(drawn);
      else node.prepend(drawn);
    }
    before = drawn;
  }
}

function drawRow({ y, height, group, results, first }) {
  const node = results ? make("div", { className: "row" }) : heading(group);
  const { sort } = state;
  const cards = (results ?? []).map((result, offset) => card(result, { place: first + offset, total: list.places.length, sort }));
  node.append(...cards);
  cards[list.current - first]?.classList.add("current");
  node.style.top = `${y}px`;
  node.style.height = `${height}px`;
  return node;
}

function heading({ label, results }) {
  const link = make("a", { href: linkTo(label), text: "#", title: "Link to this group", ariaLabel: `Link to the group ${label}` });
  return make("div", { className: "heading" }, make("h2", { text: label, title: label }), make("small", { text: String(results.length) }), link);
}

// Make a result the current one. Its card need not be drawn.
function mark(place) {
  list.current = place;
  for (const node of document.querySelectorAll(".card")) node.classList.toggle("current", Number(node.dataset.place) === place);
}

// Go `step` results forward or back, and scroll to the result.
function go(step) {
  if (!list.places.length) return;
  const place = list.current < 0 ? 0 : Math.min(Math.max(list.current + step, 0), list.places.length - 1);
  mark(place);
  reveal(place);
  document.querySelector(`.card[data-place="${place}"]`)?.focus({ preventScroll: true });
}

function reveal(place) {
  const { row } = list.places[place];
  const bar = document.querySelector(".bar").getBoundingClientRect().height + 14;
  const top = byId("list").getBoundingClientRect().top + row.y;
  if (top < bar) scrollBy(0, top - bar);
  else if (top + row.height > innerHeight) scrollBy(0, Math.min(top - bar, top + row.height + 14 - innerHeight));
  draw();
}

addEventListener("scroll", draw, { passive: true });
