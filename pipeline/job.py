"""One job: picture or soundscape -> result folder. The app, the command line and batch runs all call `run`."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from . import backends, logs
from .audio import Clip
from .backends import OnStep, SoundOptions, Steps
from .checkpoint import Pool
from .describe import describe
from .errors import SoundscapeError
from .mixing.mix import DryStems, dry_stems, mixdown_of
from .picture import warnings_of
from .quality.checks import check
from .quality.features import of_picture, of_sound
from .results.result import files_of, write_bundle, write_files
from .soundscape import Soundscape
from .synthesize import Stem, check_duration, seeds_of, synthesize
from .versions import versions

OnProgress = Callable[[str, int, int], None]  # (stage, done, total); raises Cancelled to stop
OnStems = Callable[[Soundscape, DryStems], None]

STAGES = ("describe", "sound", "mix", "files")
SEED_LIMIT = 2**32


@dataclass(frozen=True)
class Job:
    """What to make. Without a soundscape, the picture is described first. Without a seed, a random one is drawn.

    `repairs` says what was understood differently when the soundscape was read, and becomes a warning in the report.
    `stems`, if given, are mixed as they are; they must be made with the same backend, duration and seed. `provenance`
    is added to the report: where the picture and the soundscape come from.
    """

    picture: Image.Image | None = None
    soundscape: Soundscape | None = None
    repairs: str = ""
    vision: str = ""
    audio: str = ""
    duration_s: float = 10.0
    seed: int | None = None
    options: SoundOptions = field(default_factory=SoundOptions)
    stems: tuple[Stem, ...] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # spent on earlier stages, by stage


@dataclass(frozen=True)
class Result:
    """The result of a job. `report` is the manifest: everything needed to reproduce it."""

    folder: Path
    soundscape: Soundscape
    report: dict[str, Any]

    @property
    def mix_path(self) -> Path:
        return self.folder / "mix.wav"

    @property
    def bundle_path(self) -> Path:
        """Path of the ZIP file that `write_bundle` writes: next to the folder, with the same name."""
        return self.folder.with_name(f"{self.folder.name}.zip")

    def write_bundle(self) -> Path:
        """Write the whole result into one ZIP file and return its path."""
        return write_bundle(self.folder, self.bundle_path)

    @property
    def stem_paths(self) -> list[Path]:
        return sorted((self.folder / "stems").glob("*.wav"))


def run(job: Job, folder: Path, on_progress: OnProgress | None = None, on_stems: OnStems | None = None) -> Result:
    """Run the job and write its result to `folder`. `on_stems` gets the dry stems before they are mixed.

    Raises SoundscapeError with a message for the user, and any exception that `on_progress` or `on_stems` raises. In
    all cases nothing is written.
    """
    # Two threads, because numpy and Pillow release Python's lock. They end with the job, so a fork finds none.
    with Pool(2) as pool:
        return _run(job, folder, on_progress or _no_progress, on_stems or _no_stems, pool)


def _run(job: Job, folder: Path, progress: OnProgress, on_stems: OnStems, pool: Executor) -> Result:
    clock = _Clock(job.seconds)
    seed = _checked_seed(job.seed)
    audio, model = backends.load_audio(job.audio)  # fails early: describing the picture may take minutes
    check_duration(audio, job.duration_s, model.max_duration_s)
    soundscape, vision_card = job.soundscape, None
    if soundscape is None:
        vision = job.vision or backends.default_vision()
        with clock.stage("describe"):
            soundscape = describe_picture(job.picture, vision, progress)
        vision_card = made_by(vision)
    with clock.stage("sound"):
        stems = job.stems or synthesize(
            soundscape,
            audio,
            duration_s=job.duration_s,
            seed=seed,
            options=job.options,
            on_step=steps_of("sound", progress),
            writer=pool,
        )
    with clock.stage("mix"):
        progress("mix", 0, 1)
        dry = dry_stems(soundscape, stems)
        on_stems(soundscape, dry)
        mixed = mixdown_of(soundscape, dry)
    with clock.stage("files"):
        progress("files", 0, 1)
        checks = pool.submit(check, mixed.clip)
        senses = pool.submit(_senses, job.picture, mixed.clip)
        files = files_of(
            soundscape=soundscape,
            clip=mixed.clip,
            stems=mixed.stems,
            prompts=_prompts(soundscape, model, job.options, seed),
            picture=job.picture,
        )
        report = {
            "format": 1,
            "vision": vision_card,
            "audio": made_by(audio),
            "duration_s": job.duration_s,
            "seed": seed,
            "options": asdict(job.options),
            "loudness_lufs": round(mixed.loudness_lufs, 2),
            "true_peak_dbtp": round(mixed.true_peak_dbtp, 2),
            "warnings": [*warnings_of(job.picture), *([job.repairs] if job.repairs else []), *mixed.warnings],
            "stems": [{"source": stem.source.name, "origin": stem.origin} for stem in stems],
            "checks": checks.result(),
            "senses": senses.result(),
            "seconds": clock.seconds,
            "versions": dict(versions()),
        } | job.provenance
        report = write_files(folder, soundscape, files, report)
    progress("files", 1, 1)
    return Result(folder, soundscape, report | {"seconds": clock.seconds})


def describe_picture(picture: Image.Image | None, vision: str, progress: OnProgress) -> Soundscape:
    """Describe a picture, and report progress as the stages "load" and "describe".

    Raises SoundscapeError without a picture.
    """
    if picture is None:
        raise SoundscapeError("There is no picture yet. Choose one first.")
    progress("describe", 0, 1)
    return describe(picture, vision, on_step=steps_of("describe", progress))


def _senses(picture: Image.Image | None, clip: Clip) -> dict[str, Any]:
    """Return the figures of picture and sound that need no model."""
    return {"picture": picture and of_picture(picture), "sound": of_sound(clip)}


def _prompts(
    soundscape: Soundscape, model: backends.AudioBackend, options: SoundOptions, seed: int
) -> list[dict[str, Any]]:
    """Return the request for each source (muted ones too), with its seed."""
    sources, seeds = soundscape.sources, seeds_of(soundscape, seed)
    return [
        {"source": source.name, "seed": own} | model.request(soundscape, source, options.only(place))
        for place, (source, own) in enumerate(zip(sources, seeds))
    ]


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbelow(SEED_LIMIT)
    if not 0 <= seed < SEED_LIMIT:
        raise SoundscapeError(f"The seed must be a whole number from 0 to {SEED_LIMIT - 1}.")
    return seed


def made_by(name: str) -> dict[str, Any]:
    """Return what the manifest says about a backend."""
    card = backends.card(name)
    return {
        "backend": name,
        "model": card.model,
        "revision": card.revision,
        "licence": card.licence,
        "device": card.device,
    }


class _Clock:
    """Measures the seconds spent in each stage."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = dict(seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        with logs.stage(name):
            yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


def steps_of(stage: str, progress: OnProgress) -> OnStep:
    """Return what reports the steps of a model as this stage, and its download and loading as the stage "load"."""
    return Steps(partial(progress, stage), loading=partial(progress, "load"))


def _no_stems(soundscape: Soundscape, dry: DryStems) -> None:
    """Ignore the dry stems."""


def _no_progress(stage: str, done: int, total: int) -> None:
    """Ignore progress."""
