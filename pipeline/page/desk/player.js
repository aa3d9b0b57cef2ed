// The player: the controls of the transport, the drawing of the mix, and what one hears: the file or a preview.
(function (desk) {
  "use strict";

  const STEP_S = 1; // of the arrow keys
  const COLUMN_PX = 3;
  const COLUMNS = 600;

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const LONGEST_NAME = 20;
  const short = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1).trim()}…` : name);
  const newSounds = (all) => {
    if (all.length > 3) return `${all.length} new sounds`;
    const names = all.map(short);
    return `a new sound for ${names.slice(0, -1).join(", ")}${names.length > 1 ? " and " : ""}${names.at(-1)}`;
  };

  const FILE = "This is the finished sound.";
  const PRESSED = "a, button, input, textarea, select, summary, audio, [contenteditable], [role=slider], [role=tab], [role=option]"; // have their own use of the space bar

  // What is heard, in words. `pending`: names of the sounds that only Render makes. `isUnfinished`: it has no file yet.
  function inWords({ isChanged, isUnfinished, isRunning, preview, isEmpty, isSilent, pending }) {
    if (!isChanged && isUnfinished) return isRunning ? "Preview. The file is being made …" : "Preview. Its file was not finished. Render makes it.";
    if (!isChanged) return preview === "none" ? `${FILE} Render it once to hear changes as you make them.` : FILE;
    if (isEmpty) return "The soundscape is empty. Add a sound, or undo.";
    if (preview === "loading") return "Preparing the preview of your changes …";
    if (preview !== "ready") return "The soundscape was changed after this sound was made. Render to hear it.";
    const more = pending.length ? `, with ${newSounds(pending)}` : "";
    return isSilent ? "Every sound is muted. Unmute one to render." : `Preview. Render writes the file${more}.`;
  }

  desk.mountPlayer = (element) => {
    const { state, transport } = desk;
    const find = (query) => element.querySelector(query);
    const [play, repeat, position, canvas] = [".play-pause-button", ".repeat", ".wave input", "canvas"].map(find);
    const [bar, small, barTime] = [".bar", ".bar button", ".bar .time"].map(find);
    const [time, volume, note, words, render] = [".time", ".volume input", ".what", ".what p", ".render"].map(find);
    let drawn = null; // peaks of the mix
    let onCanvas = []; // what the drawing depends on
    let isDragging = false;
    let isRendering = false;

    play.addEventListener("click", transport.toggle);
    small.addEventListener("click", transport.toggle);
    globalThis.document.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (!transport.info() || event.target.closest?.(PRESSED) || !element.checkVisibility()) return;
      event.preventDefault(); // else the page scrolls
      transport.toggle();
    });
    repeat.addEventListener("click", () => transport.setLoop(!transport.isLoop()));
    volume.addEventListener("input", () => { transport.setVolume(Number(volume.value)); showVolume(); });
    position.addEventListener("pointerdown", () => { isDragging = true; });
    position.addEventListener("input", () => { if (isDragging) show(); else transport.seek(Number(position.value)); });
    position.addEventListener("change", () => { if (isDragging) transport.seek(Number(position.value)); isDragging = false; });
    position.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: -STEP_S, ArrowRight: STEP_S, ArrowDown: -STEP_S, ArrowUp: STEP_S }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      transport.seek(transport.position() + to);
    });
    render.addEventListener("click", async () => {
      isRendering = true;
      showState();
      await desk.render();
      isRendering = false;
      showState();
    });

    function showVolume() {
      volume.style.setProperty("--share", `${100 * volume.value}%`);
      volume.setAttribute("aria-valuetext", `${Math.round(100 * volume.value)}\u00a0%`);
    }

    function show() {
      const [now, all] = [isDragging ? Number(position.value) : transport.position(), transport.duration()];
      position.max = all || 1;
      if (!isDragging) position.value = now;
      position.setAttribute("aria-valuetext", `${clock(now)} of ${clock(all)}`);
      time.textContent = barTime.textContent = `${clock(now)} / ${clock(all)}`;
      bar.style.setProperty("--share", `${all ? (100 * now) / all : 0}%`);
      draw(all ? now / all : 0);
    }

    function showState() {
      const isPlaying = transport.isPlaying();
      play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
      play.title = `${isPlaying ? "Pause" : "Play"} (space bar)`;
      for (const button of [play, small]) button.classList.toggle("playing", isPlaying);
      small.setAttribute("aria-label", isPlaying ? "Pause the sound" : "Play the sound");
      repeat.setAttribute("aria-pressed", transport.isLoop());
      const info = transport.info();
      bar.hidden = !info;
      const isElsewhere = ({ source, stem }) => desk.isElsewhere(info, info.document, info.stems[stem].source, state.document(), source);
      const sources = state.sources().filter(({ source }) => !source.mute);
      const isChanged = state.isChanged() || Boolean(info?.is_edited); // edited before it was opened
      const isUnfinished = Boolean(info) && !info.mix;
      const isRunning = desk.job.isRunning();
      const said = inWords({
        isChanged,
        isUnfinished,
        isRunning,
        preview: transport.preview(),
        isEmpty: !state.document(),
        isSilent: !sources.length,
        pending: sources.filter((each) => !state.isHeard(each.id) || isElsewhere(each)).map(({ source }) => source.name),
      });
      note.classList.toggle("changed", isChanged);
      const isBare = transport.preview() === "none"; // without stems, as an earlier result is
      render.hidden = !state.document() || !isChanged && !isBare && (!isUnfinished || isRunning);
      render.disabled = isRendering || !sources.length;
      element.closest("#result")?.toggleAttribute("data-unfinished", isUnfinished && !isRunning); // what is below is of the sound before
      if (words.textContent !== said) words.textContent = words.title = said;
    }

    function draw(share) {
      const { clientWidth: width, clientHeight: height } = canvas;
      if (!width) return;
      const scale = devicePixelRatio || 1;
      const count = Math.floor(width / COLUMN_PX);
      const isPlayed = (column) => (column + 0.5) / count <= share;
      const now = [width, scale, Math.round(share * count), document.body.className, drawn];
      if (now.every((each, index) => each === onCanvas[index])) return; // most frames of an animation
      onCanvas = now;
      if (canvas.width !== Math.round(width * scale)) [canvas.width, canvas.height] = [width * scale, height * scale];
      const style = getComputedStyle(canvas);
      const [played, ahead] = ["--accent", "--line-strong"].map((name) => style.getPropertyValue(name));
      const pen = canvas.getContext("2d");
      pen.setTransform(scale, 0, 0, scale, 0, 0);
      pen.clearRect(0, 0, width, height);
      const loudest = drawn ? Math.max(...drawn.map(Math.abs), 1e-6) : 1;
      for (let column = 0; column < count; column += 1) {
        let size = 0;
        if (drawn) {
          const [from, to] = [column, column + 1].map((each) => 2 * Math.floor((each * drawn.length) / 2 / count));
          for (let each = from; each < Math.max(to, from + 2); each += 1) size = Math.max(size, Math.abs(drawn[each]));
        }
        const tall = Math.max(2, (size / loudest) * (height - 2));
        pen.fillStyle = isPlayed(column) ? played : ahead;
        pen.beginPath();
        pen.roundRect(column * COLUMN_PX, (height - tall) / 2, COLUMN_PX - 1, tall, 1);
        pen.fill();
      }
    }

    // A result without dry stems is drawn from its file.
    async function drawFile(info) {
      const rate = desk.rate_hz;
      try {
        const buffer = await desk.decodeSound(info.mix, rate);
        if (transport.info() !== info) return;
        drawn = desk.measure.peaks([0, buffer.numberOfChannels - 1].map((channel) => buffer.getChannelData(channel)), COLUMNS);
        show();
      } catch { /* it is played anyway */ }
    }

    let isMoving = false;
    function move() {
      show();
      isMoving = transport.isPlaying() && element.isConnected;
      if (isMoving) requestAnimationFrame(move);
    }

    let shown = null;
    transport.subscribe(({ kind }) => {
      const info = transport.info();
      if (kind === "loaded" && info !== shown) {
        shown = info; // the former drawing stays until the next one is there
        if (info && !info.stems.length) drawFile(info);
      }
      if (["levels", "stems"].includes(kind)) drawn = transport.levels()?.peaks ?? drawn;
      if (kind === "stems" && transport.preview() === "failed") drawFile(info);
      showState();
      if (!isMoving) move();
    });
    // The place of the player is hidden when there is no sound of the new document.
    state.subscribe((_, { kind }) => {
      showState();
      if (kind === "server") setTimeout(() => { if (!element.checkVisibility()) transport.pause(); }, 300);
    });
    desk.job.mount(globalThis.document.querySelector("#desk"));
    desk.job.subscribe(showState);
    new IntersectionObserver(([seen]) => { bar.classList.toggle("away", !seen.isIntersecting); }).observe(play); // the bar is for when the player is out of sight
    new ResizeObserver(show).observe(canvas);
    new MutationObserver(show).observe(document.body, { attributeFilter: ["class"] }); // day and night
    showVolume();
    showState();
    show();
  };

  desk.player = { inWords, clock };
})(globalThis.desk ??= {});
