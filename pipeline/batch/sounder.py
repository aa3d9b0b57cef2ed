"""The second stage: the sound of each description, made again only if something that decides it has changed."""

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
from ..files import read_file, sha256_of, write_file
from ..job import Job, OnProgress, made_by, run, steps_of
from ..picture import MAX_FILE_BYTES, load_picture
from ..results.result import BEFORE, MANIFEST, MIX, PICTURE, SOUNDSCAPE
from ..soundscape import Soundscape
from ..stems.cache import fill_once
from ..synthesize import Stem, check_duration, limit_remembered_stems, synthesize_batch
from . import storage
from .inputs import DOCUMENTS, is_same_file, missing_description, seed_from
from .record import Record, digest
from .stage import PICTURES_TOGETHER, Plan, Row, Stage, attempt
from .storage import Place

REMEMBERED_BYTES = 64 * 1024 * 1024  # of the stem cache; a run processes each picture once, so it needs little
USUAL_DURATION_S = 10.0  # fewer longer sounds are made together
# The code that shapes the mix, part of the cache key. `kinds` holds the usual level of each kind of sound.
MIXING = ("audio.py", "mixing", "kinds", "stems")

_log = logging.getLogger("pipeline")


class Sounder(Stage):
    """Makes the sound of each soundscape.json, unless the existing one was made from the same inputs and options."""

    name = "sound"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        limit_remembered_stems(REMEMBERED_BYTES)
        fill_once()
        self._audio, self._model = backends.load_audio(plan.audio)
        check_duration(self._audio, plan.duration_s, self._model.max_duration_s)
        card = made_by(self._audio)
        mixing = revision_of(*MIXING)
        self._key_parts = [self._audio, card["model"], card["revision"], mixing, plan.duration_s]
        if hasattr(self._model, "render"):
            self.together = max(1, round(PICTURES_TOGETHER * USUAL_DURATION_S / max(plan.duration_s, USUAL_DURATION_S)))

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        prepared = [attempt(row, "sound", partial(self._prepare, row)) for row in rows]
        jobs = [each for each in prepared if isinstance(each, Job)]
        if jobs:
            self.load(self._model, on_progress)
        stems = iter(self._stems(jobs, on_progress))
        done = []
        for row, each in zip(rows, prepared):
            if isinstance(each, Job):
                each = attempt(row, "sound", partial(self._finish, row, each, next(stems), on_progress))
            done.append(each)
        return done

    def _prepare(self, row: Row) -> Row | Job:
        """Return the row if its sound is finished, else the job that makes it."""
        folder, path = self.folder(row), storage.place(row["picture"])
        if not (folder / SOUNDSCAPE).is_file():
            raise missing_description(row)
        soundscape, repairs = Soundscape.read(storage.read_bytes(folder / SOUNDSCAPE))
        record = Record.read(self.plan.out, row["name"])
        manifest, is_own = _intact_manifest(folder), is_same_file(path, folder / SOUNDSCAPE)
        is_hashed = is_own or not self.plan.skip_vlm  # by the first stage
        sha256 = record.sha256 if record and is_hashed else storage.sha256(path)
        seed = self._seed(sha256, record, manifest if is_own else None)
        # The requests contain the effects of prompt templates and settings of the model.
        requests = [self._model.request(soundscape, source, backends.SoundOptions()) for source in soundscape.sources]
        key = digest("sound", sha256, soundscape.to_json(), requests, seed, self._key_parts)
        if manifest and manifest.get("keys") == {"sound": key} and not self.plan.again:
            return row | _summary(folder, manifest) | {"unchanged": True}
        return Job(
            _picture_of(path, folder),
            soundscape,
            repairs,
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
        """Return the seed of the plan, of the bundle, or of a result that was made elsewhere; else derive one."""
        if self.plan.seed is not None:
            return self.plan.seed
        if record and record.seed is not None:
            return record.seed
        if record is None and own:
            seed: int = own["seed"]
            return seed
        return seed_from(sha256)

    def _stems(self, jobs: list[Job], on_progress: OnProgress) -> list[tuple[Stem, ...] | None]:
        """Return the stems of each job, made together; None for a job that must be done alone."""
        if len(jobs) < 2:
            return [None] * len(jobs)
        start = time.perf_counter()
        try:
            made = synthesize_batch(
                [job.soundscape for job in jobs if job.soundscape],  # set in every job, and so is the seed
                self._audio,
                duration_s=self.plan.duration_s,
                seeds=[job.seed for job in jobs if job.seed is not None],
                on_step=steps_of("sound", on_progress),
            )
        except Cancelled:
            raise
        except Exception as error:  # find the one that fails; the others must not fail with it
            _log.info("A batch of %d pictures failed and is repeated one by one: %s", len(jobs), error)
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
            if edited != before:  # while the sound was made: keep the edit for the next run
                write_file(local / SOUNDSCAPE, edited)
                warning = "%s/%s was edited while its sound was made. Run the same command again to hear the edit."
                _log.warning(warning, row["name"], SOUNDSCAPE)
        return row | _summary(folder, result.report)


def _read(path: Path) -> bytes:
    return read_file(path) if path.is_file() else b""


def _intact_manifest(folder: Place) -> dict[str, Any] | None:
    """Return the manifest of a result, None if it is missing or damaged or does not match the files."""
    try:
        manifest: dict[str, Any] = json.loads(storage.read_bytes(folder / MANIFEST))
        files = {name: each for name, each in manifest["files"].items() if name != SOUNDSCAPE}
        _ = files[MIX], _summary(folder, manifest)  # both must be complete
        if storage.is_local(folder):  # a remote manifest is written last
            return manifest if all(_is_unchanged(folder / name, each) for name, each in files.items()) else None
        return manifest
    except (SoundscapeError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_unchanged(path: Path, written: dict[str, Any]) -> bool:
    """Return whether the file is unchanged. The size alone does not tell: a disk may flip bits."""
    return path.stat().st_size == int(written["bytes"]) and sha256_of(path) == str(written["sha256"])


def _picture_of(path: Place, folder: Place) -> Image.Image | None:
    """Return the picture of a task. For a soundscape, that is the picture in its result folder, if any."""
    if path.suffix.lower() in DOCUMENTS:
        path = folder / PICTURE
        if not path.is_file():
            return None
    with storage.local_copy(path, MAX_FILE_BYTES) as local:
        return load_picture(local)


def _vision(soundscape: Soundscape, record: Record | None) -> dict[str, Any] | None:
    """Return the model that described the picture, and whether the user has edited the description."""
    if record is None or record.vision is None:
        return None
    return record.vision | {"edited": not record.is_of(soundscape)}


def _summary(folder: Place, manifest: dict[str, Any]) -> Row:
    kept = ("seed", "loudness_lufs", "seconds", "warnings")
    return {
        "soundscape": str(folder / SOUNDSCAPE),
        "mix": str(folder / MIX),
        "vision": manifest["vision"] and manifest["vision"]["backend"],
        "audio": manifest["audio"]["backend"],
    } | {key: manifest[key] for key in kept}
