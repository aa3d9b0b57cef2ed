// The one transport of the page. It plays the file of the result while the document is what the file was made of, and
// the preview when something has changed since or while the file is still being made.
(function (desk) {
  "use strict";

  // `makePreview(info, state, tell)` resolves to a preview; `file` is an audio element.
  desk.makeTransport = ({ state, file, makePreview }) => {
    const listeners = new Set();
    let info = null;
    let heard = ""; // the files of its stems
    let turn = 0; // number of the preview that is shown or is being made
    let preview = null;
    let isLoading = false;
    let hasFailed = false;
    let alone = null; // id of the only source to hear
    let loop = false;
    let isPlaying = false;
    let volume = 1;
    let at = 0; // position in seconds while nothing plays
    let mode = "file";
    let leaving = null; // the preview of the sound before, which goes on until the next one is there
    let stays = false; // the preview goes on although its file has come

    const tell = (kind) => { for (const listener of [...listeners]) listener({ kind }); };
    const sounding = { pause: () => { if (mode === "preview") pause(); } }; // what another player stops
    const duration = () => preview?.duration() || file.duration || 0;
    const stemOf = (id) => state.find(id)?.stem ?? null;

    function position() {
      if (!isPlaying) return at;
      return mode === "file" ? file.currentTime : (preview ?? leaving)?.position() ?? at;
    }

    const wanted = () => (info && !info.mix || preview && (state.isChanged() || alone !== null) ? "preview" : "file");

    function leave() {
      leaving?.close();
      leaving = null;
    }

    function sound() {
      if (mode === "file") {
        preview?.stop();
        leave();
        if (Math.abs(file.currentTime - at) > 0.01) file.currentTime = at;
        file.play().catch(() => { if (mode === "file" && file.paused) pause(); }); // the browser may not allow it yet
        preview?.wake();
      } else if (preview) { // else it begins when it is there
        const [from, started] = [at, preview];
        globalThis.soundBegins?.(sounding);
        if (!file.paused) file.pause();
        started.start(from).then(() => { if (!isPlaying || preview !== started || mode !== "preview") started.stop(); });
      }
    }

    function play() {
      if (!info) return;
      if (duration() && at >= duration() - 0.02) at = 0; // the length of a new file is not known yet
      mode = wanted();
      isPlaying = true;
      stays = false;
      sound();
      tell("play");
    }

    function pause() {
      if (!isPlaying) return;
      at = position();
      isPlaying = false;
      file.pause();
      preview?.stop();
      leave();
      leaveAlone();
      tell("pause");
    }

    function leaveAlone() {
      if (alone === null) return;
      alone = null;
      preview.setAlone(null);
      mode = wanted();
      tell("alone");
    }

    function seek(to) {
      at = Math.min(Math.max(to, 0), duration());
      leave();
      if (mode === "file") file.currentTime = at;
      else if (isPlaying && preview) {
        preview.stop();
        sound();
      }
      tell("seek");
    }

    // Go on with the other one, from the same place.
    function follow() {
      if (wanted() === "preview") stays = false;
      if (stays || mode === wanted()) return;
      at = position();
      mode = wanted();
      if (isPlaying) sound();
      tell("mode");
    }

    function ended() {
      if (!isPlaying) return;
      isPlaying = false;
      at = 0;
      preview?.stop();
      leaveAlone();
      tell("end");
    }

    file.addEventListener("ended", () => { if (mode === "file") ended(); });
    file.addEventListener("pause", () => { if (mode === "file" && isPlaying && file.paused && !file.ended) pause(); });
    file.addEventListener("loadedmetadata", () => tell("loaded"));
    state.subscribe((_, { kind } = {}) => {
      if (kind !== "rendered") preview?.changed();
      follow();
    });

    async function prepare() {
      const mine = turn;
      try {
        const made = await makePreview(info, state, (kind) => (kind === "end" ? ended() : tell(kind)));
        if (turn !== mine) { made.close(); return; }
        preview = made;
        preview.setLoop(loop);
        preview.setVolume(volume);
        if (isPlaying && mode === "preview") begin();
        else if (isPlaying) preview.wake();
        follow();
      } catch (error) {
        if (turn !== mine) return;
        hasFailed = true;
        console.warn("The preview is not available.", error);
        if (!info.mix) pause(); // until the file is there
      }
      isLoading = false;
      leave();
      tell("stems");
      preview?.loadSpaces();
    }

    // The preview is there, and is to sound. The sound before it goes on up to now.
    function begin() {
      at = leaving?.position() ?? at;
      sound();
    }

    // The files of the sound that is heard already.
    function finish(given) {
      stays = isPlaying && preview !== null;
      info = { ...given, stems: info.stems };
      file.src = given.mix.url;
      state.rendered(info);
      tell("loaded");
      follow(); // the preview may not be there yet
      if (hasFailed) play();
    }

    // The dry stems of an earlier result, which was shown with its file alone.
    function addStems(given) {
      if (info?.mix?.url !== given.mix?.url) return; // it is not shown any more
      [info, heard, isLoading, turn] = [given, filesOf(given), true, turn + 1];
      state.rendered(info);
      tell("loaded");
      prepare();
    }

    const filesOf = ({ stems }) => stems.map(({ file: stem }) => stem?.url).join();
    const isOf = (given) => Boolean(info && !info.mix && given.mix) && filesOf(given) === heard;

    return {
      // Show and play a new sound: the value of the server. It may come first without its file (`mix`), then with it.
      // `goesOn`: it replaces the one that plays, at the same position. `plays`: it begins although nothing plays.
      // Return true for a new sound, false for more of the one that is shown.
      load(given, { goesOn = false, plays = true } = {}) {
        if (isOf(given)) { finish(given); return false; }
        if (given.is_later) { addStems(given); return false; }
        turn += 1;
        const wasPlaying = isPlaying;
        const from = goesOn && (isPlaying || !plays) ? position() : 0;
        leave();
        if (goesOn && isPlaying && mode === "preview") leaving = preview;
        else preview?.close();
        file.pause();
        [preview, isLoading, hasFailed, alone, at, mode] = [null, false, false, null, from, "file"];
        isPlaying = false;
        heard = filesOf(given);
        info = desk.withEarlierStems(given, info);
        state.rendered(info);
        if (given.mix) file.src = given.mix.url;
        file.loop = loop;
        tell("loaded");
        if (plays || wasPlaying) play();
        isLoading = info.stems.length > 0;
        if (isLoading) prepare();
        else leave();
        return true;
      },
      play,
      pause,
      toggle: () => (isPlaying ? pause() : play()),
      seek,
      position,
      duration,
      isPlaying: () => isPlaying,
      mode: () => wanted(),
      isLoop: () => loop,
      setLoop(on) {
        loop = on;
        file.loop = on;
        preview?.setLoop(on);
        tell("loop");
      },
      setVolume(share) {
        volume = share;
        file.volume = share;
        preview?.setVolume(share);
      },
      // Hear only this source, in step with the rest; again: stop. Return false if there is no stem of it.
      playAlone(id) {
        const stem = stemOf(id);
        if (!preview || stem === null) return false;
        if (isPlaying && alone === id) { pause(); return true; }
        at = position();
        alone = id;
        preview.setAlone(stem);
        tell("alone");
        if (isPlaying) follow();
        else play();
        return true;
      },
      alone: () => alone,
      audible: (id) => !state.find(id)?.source.mute && (alone === null || alone === id),
      // The lowest and highest values of a dry stem in each of `columns` parts, as pairs; null until it is there.
      peaks(id, columns) {
        const stem = stemOf(id);
        return preview && stem !== null ? preview.peaks(stem, columns) : null;
      },
      levels: () => preview?.levels() ?? null,
      info: () => info,
      // Whether changes can be heard: "none" (no dry stems), "loading", "failed" or "ready".
      preview: () => (preview ? "ready" : isLoading ? "loading" : hasFailed ? "failed" : "none"),
      subscribe: (listener) => { listeners.add(listener); return () => listeners.delete(listener); },
    };
  };

  if (globalThis.Audio) desk.transport = desk.makeTransport({ state: desk.state, file: new Audio(), makePreview: desk.makePreview });
})(globalThis.desk ??= {});
