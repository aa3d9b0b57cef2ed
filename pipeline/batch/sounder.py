"""The second stage: the sound of every description, made anew only when something that decides it has changed."""

import json
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from .. import backends
from ..backends.revision import revision_of
from ..errors import Cancelled, SoundscapeError
from ..files import sha256_of
from ..job import Job, OnProgress, made_by, run
from ..picture import load_picture
from ..results.result import BEFORE, MANIFEST, MIX, PICTURE, SOUNDSCAPE, write_file
from ..soundscape import Soundscape
from ..synthesize import Stem, check_duration, limit_remembered_stems, synthesize_batch
from . import storage
from .inputs import DOCUMENTS, is_at, not_described, seed_from, soundscape_of
from .record import Record, digest
from .stage import PICTURES_TOGETHER, Plan, Row, Stage, told

REMEMBERED_BYTES = 64 * 1024 * 1024  # of stems; nobody comes back to a picture, so more would only fill the memory
USUAL_DURATION_S = 10.0  # of longer ones fewer go together
# What shapes the mix besides the stems; the catalogue knows how loud each kind is.
MIXING = ("audio.py", "mixing", "kinds")

_log = logging.getLogger("pipeline")


class Sounder(Stage):
    """Makes the sound of each soundscape.json, unless what is there was made from the same with the same wishes."""

    name = "sound"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        limit_remembered_stems(REMEMBERED_BYTES)
        self._audio, self._model = backends.load_audio(plan.audio)
        check_duration(self._audio, plan.duration_s, self._model.max_duration_s)
        card = made_by(self._audio)
        mixing = revision_of(*MIXING)
        self._ground = [self._audio, card["model"], card["revision"], mixing, plan.duration_s]
        if hasattr(self._model, "render"):
            self.together = max(1, round(PICTURES_TOGETHER * USUAL_DURATION_S / max(plan.duration_s, USUAL_DURATION_S)))

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        prepared = [told(row, "sound", partial(self._prepared, row)) for row in rows]
        jobs = [each for each in prepared if isinstance(each, Job)]
        if jobs:
            self.load(self._model)
        stems = iter(self._stems(jobs, on_progress))
        done = []
        for row, each in zip(rows, prepared):
            if isinstance(each, Job):
                each = told(row, "sound", partial(self._finish, row, each, next(stems), on_progress))
            done.append(each)
        return done

    def _prepared(self, row: Row) -> Row | Job:
        """Return the row when its sound is finished, else the job that makes it."""
        folder, path = self.folder(row), storage.place(row["picture"])
        if not (folder / SOUNDSCAPE).is_file():
            raise not_described(row)
        soundscape = soundscape_of(storage.read_bytes(folder / SOUNDSCAPE), SOUNDSCAPE)
        record = Record.read(self.plan.out, row["name"])
        manifest, is_own = _whole_manifest(folder), is_at(path, folder / SOUNDSCAPE)
        was_looked_at = record is not None and (is_own or not self.plan.skip_vlm)
        sha256 = record.sha256 if was_looked_at else storage.sha256(path)
        seed = self._seed(sha256, record, manifest if is_own else None)
        # Prompt templates and settings of the model show in what it is asked for.
        requests = [self._model.request(soundscape, source, backends.SoundOptions()) for source in soundscape.sources]
        key = digest("sound", sha256, soundscape.to_json(), requests, seed, self._ground)
        if manifest and manifest.get("keys") == {"sound": key} and not self.plan.again:
            return row | _facts(folder, manifest) | {"unchanged": True}
        return Job(
            _picture_of(path, folder),
            soundscape,
            audio=self._audio,
            duration_s=self.plan.duration_s,
            seed=seed,
            provenance={
                "input": {"path": row["source"], "sha256": sha256},
                "vision": _vision(soundscape, record),
                "keys": {"sound": key},
            },
            seconds={"describe": record.seconds} if record and record.vision else {},
        )

    def _seed(self, sha256: str, record: Record | None, own: dict[str, Any] | None) -> int:
        """Return the seed that is wished for, or that a bundle or a result of somebody else's brought."""
        if self.plan.seed is not None:
            return self.plan.seed
        if record and record.seed is not None:
            return record.seed
        if record is None and own:
            return own["seed"]
        return seed_from(sha256)

    def _stems(self, jobs: list[Job], on_progress: OnProgress) -> list[tuple[Stem, ...] | None]:
        """Return the stems of several jobs made together; None for one that is better done alone."""
        if len(jobs) < 2:
            return [None] * len(jobs)
        start = time.perf_counter()
        try:
            made = synthesize_batch(
                [job.soundscape for job in jobs],
                self._audio,
                duration_s=self.plan.duration_s,
                seeds=[job.seed for job in jobs],
                on_step=partial(on_progress, "sound"),
            )
        except Cancelled:
            raise
        except Exception as error:  # one of them must not cost the others
            _log.info("%d pictures are sounded one at a time: %s", len(jobs), error)
            return [None] * len(jobs)
        seconds = round((time.perf_counter() - start) / len(jobs), 3)
        for job in jobs:
            job.seconds["sound"] = seconds
        return list(made)

    def _finish(self, row: Row, job: Job, stems: tuple[Stem, ...] | None, on_progress: OnProgress) -> Row:
        folder = self.folder(row)
        with storage.working_folder(folder) as local:
            before = _read(local / BEFORE)
            result = run(replace(job, stems=stems), local, on_progress)
            edited = _read(local / BEFORE)
            if edited != before:  # while the sound was made: that stays, and the next run sounds it
                write_file(local / SOUNDSCAPE, edited)
                _log.warning("%s/%s was edited meanwhile. Run again to hear that.", row["name"], SOUNDSCAPE)
        return row | _facts(folder, result.report)


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _whole_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a result, None when it is torn or one of its files is not what it says."""
    try:
        manifest = json.loads(storage.read_bytes(folder / MANIFEST))
        files = {name: each for name, each in manifest["files"].items() if name != SOUNDSCAPE}
        _ = files[MIX], _facts(folder, manifest)  # what is told of a result must be there
        if storage.is_local(folder):  # elsewhere the manifest comes last
            return manifest if all(_is_as_written(folder / name, each) for name, each in files.items()) else None
        return manifest
    except (SoundscapeError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_as_written(path: Path, told: dict[str, Any]) -> bool:
    """True when the file still holds what was written: a disk may lose bits, and an editor may keep the size."""
    return path.stat().st_size == told["bytes"] and sha256_of(path) == told["sha256"]


def _picture_of(path: Path, folder: Path) -> Image.Image | None:
    """Return the picture of a task; that of a soundscape is the one beside it, if any."""
    if path.suffix.lower() in DOCUMENTS:
        path = folder / PICTURE
        if not path.is_file():
            return None
    with storage.local_copy(path) as local:
        return load_picture(local)


def _vision(soundscape: Soundscape, record: Record | None) -> dict[str, Any] | None:
    """Return who described the picture, and whether a person has edited that since."""
    if record is None or record.vision is None:
        return None
    return record.vision | {"edited": not record.is_of(soundscape)}


def _facts(folder: Path, manifest: dict[str, Any]) -> Row:
    kept = ("seed", "loudness_lufs", "seconds", "warnings")
    return {
        "soundscape": str(folder / SOUNDSCAPE),
        "mix": str(folder / MIX),
        "vision": manifest["vision"] and manifest["vision"]["backend"],
        "audio": manifest["audio"]["backend"],
    } | {key: manifest[key] for key in kept}
