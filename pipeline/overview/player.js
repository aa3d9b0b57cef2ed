// One player for the whole page: only one sound plays at a time, and a thousand results need no memory.
const SKIP_S = 2;
const player = new Audio();
player.preload = "none";
let sounding = ""; // the file in the player

// Return the controls of a file: a play button and a seek bar, on top of the drawing if there is one.
function sound(file, title, duration, drawing) {
  const play = make("button", { type: "button", className: "play", ariaLabel: `Play ${title}`, ariaPressed: "false" });
  const seek = make("input", { type: "range", min: 0, max: 1, step: "any", value: 0, ariaLabel: `Position in ${title}` });
  const picture = drawing && make("img", { loading: "lazy", decoding: "async", alt: `Spectrogram of ${title}`, src: drawingOf(drawing) });
  const line = make("span", { className: "line" }, picture, make("i"), seek);
  const node = make("div", { className: "sound" }, play, line, make("span", { className: "time", text: clock(duration) }));
  Object.assign(node.dataset, { file, duration: duration ?? "" });
  play.addEventListener("click", () => toggle(file));
  seek.addEventListener("input", () => seekTo(file, Number(seek.value)));
  show(node);
  return node;
}

function toggle(file) {
  if (file === sounding && !player.paused) return player.pause();
  start(file);
}

function start(file) {
  if (file !== sounding) {
    sounding = file;
    player.src = file;
  }
  player.play().catch((error) => {
    if (error.name !== "AbortError") notify("This sound cannot be played. Its file may have been moved or deleted."); // aborted by the next sound
  });
}

function seekTo(file, share) {
  const go = () => (player.currentTime = share * player.duration);
  if (file === sounding && player.duration) return go();
  start(file);
  player.addEventListener("loadedmetadata", () => file === sounding && go(), { once: true });
}

function skip(seconds) {
  if (player.duration) player.currentTime = Math.min(Math.max(player.currentTime + seconds, 0), player.duration);
}

function show(node) {
  const mine = node.dataset.file === sounding;
  const share = mine && player.duration ? player.currentTime / player.duration : 0;
  node.classList.toggle("playing", mine && !player.paused);
  press(node.querySelector(".play"), mine && !player.paused);
  node.querySelector("input").value = share;
  node.style.setProperty("--share", share);
  const time = clock(share ? player.currentTime : Number(node.dataset.duration || NaN)); // constant width, so that nothing moves
  if (node.lastChild.textContent !== time) node.lastChild.textContent = time;
}

const showAll = () => document.querySelectorAll(".sound").forEach(show);

function follow() {
  showAll();
  if (!player.paused) requestAnimationFrame(follow);
}

player.addEventListener("play", follow);
for (const event of ["pause", "seeked", "loadedmetadata", "emptied"]) player.addEventListener(event, showAll);
player.addEventListener("ended", () => ((player.currentTime = 0), showAll()));
