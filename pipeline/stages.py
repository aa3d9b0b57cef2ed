"""The two stages of work over many pictures: describe, then sound. Either can be broken off and taken up again.

They talk to each other through files in the result folders alone, so a stage may run in another process or on another
machine. What is finished is known by a key, a hash of everything that decides it, and is not made again.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from . import backends, storage
from .backends.embedded import revision_of
from .backends.instruction import TEMPLATE
from .describe import describe_batch
from .errors import Cancelled, SoundscapeError
from .job import SEED_LIMIT, Job, OnProgress, made_by, run
from .picture import load_picture
from .results import BEFORE, MANIFEST, MIX, PICTURE, SOUNDSCAPE, read_result, says, write_file, write_soundscape
from .soundscape import Soundscape
from .synthesize import Stem, check_duration, synthesize_batch

DESCRIPTIONS = ".descriptions"  # under the folder of all results: what each description was made from, and by whom
PICTURES_TOGETHER = 8  # in one call of a model that gains from it; their stems of 10 s take up to 220 MB
USUAL_DURATION_S = 10.0  # of longer ones fewer go together
DOCUMENTS = (".json", ".zip")

Row = dict[str, Any]  # JSON data; what is told of one picture on standard output

_log = logging.getLogger("pipeline")


@dataclass(frozen=True)
class Task:
    """One picture, soundscape (JSON) or bundle (ZIP), and the result that belongs to it."""

    path: Path
    source: str  # what reports call it: its path under the folder that was given
    name: str  # of its result, under the folder of all results

    def row(self) -> Row:
        return {"picture": str(self.path), "source": self.source, "name": self.name}


@dataclass(frozen=True)
class Plan:
    """What is wanted of every picture. Without a seed each gets one of its own, from its content."""

    out: Path
    vision: str = ""
    audio: str = ""
    duration_s: float = 10.0
    seed: int | None = None
    skip_vlm: bool = False
    skip_audio: bool = False
    again: bool = False  # make everything anew, whatever is finished

    def stages(self) -> list["Describer | Sounder"]:
        """Return the stages that this plan needs. Raises SoundscapeError when a backend cannot run here."""
        return [Describer(self)] if self.skip_audio else [Describer(self), Sounder(self)]


class Stage:
    """Takes rows and returns them with what came of each; a failure is told in its row and costs no other."""

    name: str
    together = 1  # rows that are best given in one call

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def folder(self, row: Row) -> Path:
        return self.plan.out / row["name"]

    def __call__(self, rows: Sequence[Row], on_progress: OnProgress | None = None) -> list[Row]:
        """Return the rows in their order; one that failed in an earlier stage passes untouched."""
        done = iter(self.work([row for row in rows if "error" not in row], on_progress or _silent))
        return [row if "error" in row else next(done) for row in rows]

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        raise NotImplementedError


# Describe ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """What a description was made from, and by whom. `key` stands for all that decided it."""

    key: str
    sha256: str  # of the picture file, or of the file that the description was read from
    vision: dict[str, Any] | None = None
    soundscape: str = ""  # hash of the description as it was made: a person may have edited it since
    seed: int | None = None  # that a bundle brought
    seconds: float = 0.0

    @classmethod
    def read(cls, out: Path, name: str) -> "Record | None":
        """Return the record of a result, None when there is none or it is torn."""
        try:
            return cls(**json.loads(storage.read_bytes(_record_path(out, name))))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def write(self, out: Path, name: str) -> None:
        storage.write_bytes(_record_path(out, name), json.dumps(vars(self), indent=2).encode())


class Describer(Stage):
    """Puts a soundscape.json into the folder of each result, unless the one there is of this picture and this model.

    What a person has edited in it since stays.
    """

    name = "describe"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._vision = ""
        if not plan.skip_vlm:
            self._vision, _ = backends.load_vision(plan.vision)
            self._card = made_by(self._vision)
            self._ground = [self._vision, self._card["model"], self._card["revision"], _instruction(self._vision)]
            if self._vision not in backends.EMBEDDED:
                self.together = PICTURES_TOGETHER

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        prepared = [_told(row, "picture", partial(self._prepared, row)) for row in rows]
        pictures = [each.picture for each in prepared if isinstance(each, _New) and each.picture]
        looked = iter(self._look(pictures, on_progress))
        done = []
        for row, each in zip(rows, prepared):
            if isinstance(each, _New):
                found, seconds = next(looked) if each.picture else (each.soundscape, 0.0)
                each = _told(row, "describe", partial(self._written, row, each.record, found, seconds))
            done.append(each)
        return done

    def _prepared(self, row: Row) -> "Row | _New":
        """Return the row when its description is there, else what is needed to write it."""
        path, document = storage.place(row["picture"]), self.folder(row) / SOUNDSCAPE
        told = row | {"soundscape": str(document)}
        if _is_at(path, document):
            return told
        is_picture = path.suffix.lower() not in DOCUMENTS
        if is_picture and self.plan.skip_vlm:
            if not document.is_file():
                raise _not_described(row)
            return told
        with storage.local_copy(path) as local:
            sha256 = _sha256(local)
            record = Record(_digest("description", sha256, self._ground if is_picture else ""), sha256)
            before = Record.read(self.plan.out, row["name"])
            if not self.plan.again and before and before.key == record.key and document.is_file():
                return told | {"unchanged": True} if self.plan.skip_audio else told
            if is_picture:
                return _New(replace(record, vision=self._card), picture=load_picture(local))
            soundscape, seed = read_document(local)
            return _New(replace(record, seed=seed), soundscape=soundscape)

    def _look(self, pictures: list[Image.Image], on_progress: OnProgress) -> list[tuple[Soundscape | Exception, float]]:
        """Return what each picture is described as, or why not, and the seconds it took."""
        if not pictures:
            return []
        start = time.perf_counter()
        on_progress("describe", 0, len(pictures))
        try:
            outcomes = describe_batch(pictures, self._vision, on_step=partial(on_progress, "describe"))
        except Cancelled:
            raise
        except Exception as error:
            if len(pictures) > 1:  # one of them must not cost the others
                return [found for picture in pictures for found in self._look([picture], on_progress)]
            outcomes = [error]
        seconds = round((time.perf_counter() - start) / len(pictures), 3)
        return [(outcome, seconds) for outcome in outcomes]

    def _written(self, row: Row, record: Record, found: Soundscape | Exception, seconds: float) -> Row:
        if isinstance(found, Exception):
            raise found
        folder = self.folder(row)
        document = folder / SOUNDSCAPE
        earlier = storage.read_bytes(document) if document.is_file() else found.to_json().encode()
        with storage.working_folder(folder) as local:
            write_soundscape(local, found)
        record = replace(record, soundscape=_digest(found.to_json()), seconds=seconds)
        record.write(self.plan.out, row["name"])  # last: without it the description is not finished
        told = row | {"soundscape": str(document)}
        return told if says(earlier, found) else told | {"earlier_soundscape": str(folder / BEFORE)}


@dataclass(frozen=True)
class _New:
    """A description that is to be written: of a picture, or as it was read from a file."""

    record: Record
    picture: Image.Image | None = None
    soundscape: Soundscape | None = None


def read_document(path: Path) -> tuple[Soundscape, int | None]:
    """Read a soundscape (JSON), or the one in a bundle (ZIP) with the seed of its sound."""
    if path.suffix.lower() == ".zip":
        finished = read_result(path)
        return finished.soundscape, finished.manifest.get("seed")
    return _soundscape_of(path.read_bytes(), path.name), None


# Sound ---------------------------------------------------------------------------------------------------------------


class Sounder(Stage):
    """Makes the sound of each soundscape.json, unless what is there was made from the same with the same wishes."""

    name = "sound"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._audio, self._model = backends.load_audio(plan.audio)
        check_duration(self._audio, plan.duration_s, self._model.max_duration_s)
        card = made_by(self._audio)
        mixing = revision_of("mix.py", "space.py", "loudness.py")
        self._ground = [self._audio, card["model"], card["revision"], mixing, plan.duration_s]
        if hasattr(self._model, "render"):
            self.together = max(1, round(PICTURES_TOGETHER * USUAL_DURATION_S / max(plan.duration_s, USUAL_DURATION_S)))

    def work(self, rows: list[Row], on_progress: OnProgress) -> list[Row]:
        prepared = [_told(row, "sound", partial(self._prepared, row)) for row in rows]
        jobs = [each for each in prepared if isinstance(each, Job)]
        stems = iter(self._stems(jobs, on_progress))
        done = []
        for row, each in zip(rows, prepared):
            if isinstance(each, Job):
                each = _told(row, "sound", partial(self._finish, row, each, next(stems), on_progress))
            done.append(each)
        return done

    def _prepared(self, row: Row) -> Row | Job:
        """Return the row when its sound is finished, else the job that makes it."""
        folder, path = self.folder(row), storage.place(row["picture"])
        if not (folder / SOUNDSCAPE).is_file():
            raise _not_described(row)
        soundscape = _soundscape_of(storage.read_bytes(folder / SOUNDSCAPE), SOUNDSCAPE)
        record = Record.read(self.plan.out, row["name"])
        manifest, is_own = _whole_manifest(folder), _is_at(path, folder / SOUNDSCAPE)
        was_looked_at = record is not None and (is_own or not self.plan.skip_vlm)
        sha256 = record.sha256 if was_looked_at else _sha256(path)
        seed = self._seed(sha256, record, manifest if is_own else None)
        # Prompt templates and settings of the model show in what it is asked for.
        requests = [self._model.request(soundscape, source, backends.SoundOptions()) for source in soundscape.sources]
        key = _digest("sound", sha256, soundscape.to_json(), requests, seed, self._ground)
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
        return int(sha256[:8], 16) % SEED_LIMIT

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


# Keys, files and failures ---------------------------------------------------------------------------------------------


def _told(row: Row, stage: str, work: Callable[[], Any]) -> Any:
    """Return what the work returns, or the row with what went wrong in it."""
    try:
        return work()
    except Cancelled:
        raise
    except SoundscapeError as error:
        return row | {"stage": stage, "error": str(error)}
    except OSError as error:
        return row | {"stage": stage, "error": f"The result could not be written: {error.strerror or error}."}
    except Exception as error:
        _log.exception("%s failed", row["picture"])
        return row | {"stage": stage, "error": f"{type(error).__name__}: {error}"}


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _sha256(path: Path) -> str:
    """Return the hash of a file. Raises SoundscapeError when it cannot be read."""
    try:
        return hashlib.sha256(storage.read_bytes(path)).hexdigest()
    except FileNotFoundError:
        raise SoundscapeError(f"There is no file {path.name}.") from None
    except OSError as error:
        raise SoundscapeError(f"{path.name} cannot be read: {error.strerror}.") from error


def _instruction(vision: str) -> str:
    """Return what a real model is asked, which anyone may edit; the tagger is asked nothing."""
    return "" if vision in backends.EMBEDDED else TEMPLATE.read_text(encoding="utf-8", errors="replace")


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _record_path(out: Path, name: str) -> Path:
    return out / DESCRIPTIONS / f"{name}.json"


def _is_at(path: Path, document: Path) -> bool:
    """True when both are one file, however they were written."""
    if path.name != document.name or not storage.is_local(path):
        return path == document
    return path.resolve() == document.resolve()


def _not_described(row: Row) -> SoundscapeError:
    return SoundscapeError(f"There is no {row['name']}/{SOUNDSCAPE}. Run without --skip-vlm first.")


def _soundscape_of(data: bytes, name: str) -> Soundscape:
    try:
        return Soundscape.from_json(data.decode("utf-8-sig"))  # with the mark that some editors begin with
    except UnicodeDecodeError as error:
        raise SoundscapeError(f"{name} cannot be read: {error}") from error


def _whole_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a result, None when it is torn or one of its files is not what it says."""
    try:
        manifest = json.loads(storage.read_bytes(folder / MANIFEST))
        files = {name: each["bytes"] for name, each in manifest["files"].items() if name != SOUNDSCAPE}
        _ = files[MIX], _facts(folder, manifest)  # what is told of a result must be there
        if storage.is_local(folder):  # elsewhere the manifest comes last
            return manifest if all((folder / name).stat().st_size == size for name, size in files.items()) else None
        return manifest
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


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
    return record.vision | {"edited": _digest(soundscape.to_json()) != record.soundscape}


def _facts(folder: Path, manifest: dict[str, Any]) -> Row:
    kept = ("seed", "loudness_lufs", "seconds", "warnings")
    return {
        "soundscape": str(folder / SOUNDSCAPE),
        "mix": str(folder / MIX),
        "vision": manifest["vision"] and manifest["vision"]["backend"],
        "audio": manifest["audio"]["backend"],
    } | {key: manifest[key] for key in kept}


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody watches."""
