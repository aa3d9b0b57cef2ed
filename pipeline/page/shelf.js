// The list of the results on this machine. It loads more items as the visitor scrolls, and can be searched.
const [search, count, gallery, more] = ["input", ".count", ".gallery", ".more"].map((each) => element.querySelector(each));
let latest = 0; // number of the latest search
let shown = 0;
let total = 0;

function tile({ name, scene, thumbnail }) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.name = name;
  button.title = scene ? `${name}: ${scene}` : name;
  const picture = document.createElement(thumbnail ? "img" : "span");
  if (thumbnail) Object.assign(picture, { src: thumbnail, alt: scene || name, loading: "lazy" });
  else {
    picture.className = "no-picture";
    picture.append(Object.assign(document.createElement("span"), { textContent: scene }));
  }
  const label = document.createElement("span");
  label.className = "label";
  label.textContent = name;
  button.append(picture, label);
  return button;
}

async function add(number) {
  const page = await server.look({ query: search.value, start: shown });
  if (number !== latest) return; // a newer search has started
  if (!shown) gallery.replaceChildren();
  gallery.append(...page.items.map(tile));
  [shown, total] = [shown + page.items.length, page.total];
  const all = `${total.toLocaleString()} ${total === 1 ? "result" : "results"}`;
  count.textContent = total ? all : search.value.trim() ? "No results found" : "No results yet";
  if (shown < total) observer.observe(more);
}

const observer = new IntersectionObserver((entries) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  observer.unobserve(more);
  add(latest);
}, { rootMargin: "600px" });

function begin() {
  observer.unobserve(more);
  shown = 0;
  add(++latest);
}

let waiting = null;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(begin, 150);
});
gallery.addEventListener("click", (event) => {
  const name = event.target.closest("button")?.dataset.name;
  if (name === undefined) return;
  trigger("select", { name });
  const desk = document.getElementById("desk");
  if (desk.getBoundingClientRect().bottom < innerHeight / 3) desk.scrollIntoView(); // the list was scrolled far down
  window.bringIntoView?.("picture-column");
});
count.textContent = "Loading …";
begin();
