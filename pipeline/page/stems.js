// One small player per stem. props.value = [{name, words, file: {url, orig_name}}]
const playing = new Audio();
let current = null;

function show(button, on) {
  button.setAttribute("aria-pressed", on);
  button.closest("li").classList.toggle("playing", on);
}

function stop() {
  playing.pause();
  if (current) {
    show(current, false);
    current.closest("li").querySelector(".progress").style.width = 0;
  }
  current = null;
}

function toggle(button, url) {
  const again = button === current;
  stop();
  if (again) return;
  playing.src = url;
  current = button;
  show(button, true);
  playing.play();
}

function row({ name, words, file }) {
  const item = document.createElement("li");
  item.innerHTML = `<button type="button" class="play"></button><div class="what"><p class="name"></p><p class="words"></p></div>
    <a class="link">Download</a><div class="progress"></div>`;
  const [button, link] = [item.querySelector("button"), item.querySelector("a")];
  button.setAttribute("aria-label", `Play ${name} alone`);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => toggle(button, file.url));
  item.querySelector(".name").textContent = name;
  item.querySelector(".words").textContent = words;
  link.href = file.url;
  link.download = file.orig_name;
  link.setAttribute("aria-label", `Download ${name}`);
  return item;
}

function draw() {
  stop();
  element.querySelector("ul").replaceChildren(...(props.value ?? []).map(row));
}

playing.addEventListener("timeupdate", () => {
  const bar = current?.closest("li").querySelector(".progress");
  if (bar) bar.style.width = `${(100 * playing.currentTime) / (playing.duration || 1)}%`;
});
playing.addEventListener("ended", stop);
playing.addEventListener("pause", () => { if (playing.paused) stop(); }); // also when another player takes over
draw();
watch("value", draw);
