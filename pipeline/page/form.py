"""The settings of a visitor, as a job, and the disk space that the job needs."""

import json
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SoundscapeError
from ..soundscape import Soundscape
from . import document, visitors
from .document import Origin

if TYPE_CHECKING:
    from ..backends import SoundOptions
    from ..job import Job

EXAMPLES = Path(__file__).parents[2] / "examples"
MIN_DURATION_S, USUAL_DURATION_S, MAX_DURATION_S = 2, 10, 60
MAX_STEPS, MAX_GUIDANCE, MAX_CANDIDATES = 200, 15, 4
MAX_SOURCES = 8
SAMPLE_RATE_HZ, CHANNELS, BYTES_PER_SAMPLE = 44_100, 2, 2  # of the mix and its stems
OTHER_BYTES = 2_000_000  # picture, documents and manifest of a result
PRECISIONS = ("float32", "float16", "bfloat16")
SEED_LIMIT = 2**32  # as in job.py, which is imported late
MAX_NUMBER = 10**300  # of what is sent as a number; a float holds it

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?(e[+-]?\d{1,3})?", re.IGNORECASE)


def job_of(picture: str | None, text: str | None = None, origin: Origin | None = None, **wishes: Any) -> "Job":
    """Return the job for a picture or for a document, as JSON text.

    The report names the model that described the picture if the document is still what it was at its origin. `wishes`
    are further fields of Job; None means the default. Raises SoundscapeError if picture and document are missing or
    cannot be read, or if a field is not valid.
    """
    from .. import backends
    from ..job import Job, made_by
    from ..picture import load_picture
    from .pictures import upload_of

    if text is not None and not text.strip():
        raise SoundscapeError("There is no soundscape yet. Describe a picture first, or add a sound yourself.")
    if text is None and not picture:
        raise SoundscapeError("There is no picture yet. Choose one, or start with an example.")
    soundscape, repairs = Soundscape.read(text) if text else (None, "")
    fields = {name: value for name, value in wishes.items() if value is not None}
    for name, read in (("duration_s", duration_s_of), ("seed", whole_seed_of)):
        if name in fields:
            fields[name] = read(fields[name])
    if origin and origin.vision in backends.VISION and not document.is_edited(text, origin):
        fields["provenance"] = {"vision": made_by(origin.vision)}
    picture_read = load_picture(upload_of(picture)) if picture else None
    return Job(picture=picture_read, soundscape=soundscape, repairs=repairs, **fields)


def seed_of(text: str | None, surprise: bool) -> int | None:
    """Return the seed that the visitor typed, or None for a random one."""
    return None if surprise else whole_seed_of(text)


def whole_seed_of(value: Any) -> int | None:
    """Return the seed that was typed or sent, None for an empty one. Raises SoundscapeError for any other value."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = _number(value)
    if number is None or number != number.to_integral_value() or not 0 <= number < SEED_LIMIT:
        raise SoundscapeError(f"The seed must be a whole number from 0 to {SEED_LIMIT - 1}, such as 7.")
    return int(number)


def duration_s_of(value: Any) -> float:
    """Return the duration in seconds that was sent. `run` checks the limits of the model."""
    number = _number(value)
    if number is None:
        limits = f"from {MIN_DURATION_S} to {MAX_DURATION_S}"
        raise SoundscapeError(f"The duration must be a number of seconds {limits}, such as {USUAL_DURATION_S}.")
    return float(number)


def _number(value: Any) -> Decimal | None:
    """Return the number that was sent as a number or as text, None for anything else. Nothing is rounded."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip() if isinstance(value, str | float) or abs(value) < MAX_NUMBER else ""
    return Decimal(text) if _NUMBER.fullmatch(text) and abs(Decimal(text)) < MAX_NUMBER else None


def options_of(
    steps: Any, guidance: Any, negative: Any, candidates: Any, precision: Any, prompts: Any, redo: Any = None
) -> "SoundOptions":
    """Return the advanced settings. 0, "" and None (a hidden control) mean the model's default.

    Line n of `prompts` is the prompt of source n. `redo` is the JSON text that `redo_text` returns.
    """
    from ..backends import SoundOptions

    return SoundOptions(
        steps=int(steps or 0) or None,
        guidance=guidance or None,
        negative_prompt=(negative or "").strip() or None,
        candidates=int(candidates or 1),
        precision=precision or "",
        prompts={place: line.strip() for place, line in enumerate((prompts or "").splitlines()) if line.strip()},
        redo=_redo_in(redo),
    )


def redo_text(spans: dict[int, tuple[float, float]]) -> str:
    """Return the spans to make again, by index of the source, as the page keeps them: JSON text, "" for none."""
    return json.dumps(spans) if spans else ""


def _redo_in(text: Any) -> dict[int, tuple[float, float]]:
    if not text:
        return {}
    try:
        spans = json.loads(text)
        return {int(place): (float(start_s), float(end_s)) for place, (start_s, end_s) in spans.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise SoundscapeError("The parts to make again cannot be read. Please reload the page.") from None


def wishes_of(
    audio: str, duration_s: float, seed: str | None, surprise: bool, *advanced: Any, is_new: bool = False
) -> dict[str, Any]:
    """Return the settings of the sound as fields of Job; `advanced` are the arguments of `options_of`.

    A new document (`is_new`) has no parts to make again: those of the page are of another one.
    """
    options = options_of(*advanced)
    return {
        "audio": audio,
        "duration_s": duration_s,
        "seed": seed_of(seed, surprise),
        "options": replace(options, redo={}) if is_new else options,
    }


def remembered(report: dict[str, Any]) -> list[Any]:
    """Return the values of the controls that make the same sound again; None for each unknown one.

    They are in the order of the parameters of `wishes_of` and `options_of`.
    """
    from .. import backends

    if not report["audio"]:
        return [None] * 11
    name, options = report["audio"]["backend"], report["options"]
    prompts = [options["prompts"].get(place, "") for place in range(max(options["prompts"], default=-1) + 1)]
    return [
        name if name in backends.AUDIO and not backends.card(name).reason else "",
        min(max(report["duration_s"] or USUAL_DURATION_S, MIN_DURATION_S), MAX_DURATION_S),
        "" if report["seed"] is None else str(report["seed"]),
        report["seed"] is None,
        min(options["steps"] or 0, MAX_STEPS),
        min(options["guidance"] or 0, MAX_GUIDANCE),
        options["negative_prompt"] or "",
        min(options["candidates"], MAX_CANDIDATES),
        options["precision"] if options["precision"] in PRECISIONS else "",
        "\n".join(prompts),
        redo_text(options.get("redo") or {}),
    ]


def prompts_of(text: str, audio: str) -> list[str]:
    """Return the prompt of the audio backend for each source of the document."""
    from .. import backends

    job = job_of(None, text)
    assert job.soundscape is not None  # always set, because `text` was given
    _, backend = backends.load_audio(audio)
    requests = [backend.request(job.soundscape, source, job.options) for source in job.soundscape.sources]
    return [str(request.get("prompt", "")) for request in requests]


def jobs_at_once() -> int:
    """Return 1 on a local GPU, which one job fills; 2 on a processor or on ZeroGPU, where each job has its own GPU."""
    from ..settings import accelerator, on_zero_gpu

    return 2 if accelerator() == "cpu" or on_zero_gpu() else 1


def describes_at_once(vision: str) -> bool:
    """True if the model that describes a picture is embedded, which takes less than a second."""
    from .. import backends

    return (vision or backends.default_vision()) in backends.EMBEDDED


def examples() -> list[Path]:
    """Return the example pictures. Each has its soundscape beside it."""
    return sorted(path.with_suffix(".jpg") for path in EXAMPLES.glob("*.json") if path.with_suffix(".jpg").is_file())


def example(index: Any) -> tuple[Path, Soundscape]:
    """Return picture and soundscape of the example with that index. Raises SoundscapeError if there is none."""
    path = {str(place): path for place, path in enumerate(examples())}.get(str(index))
    if path is None:
        raise SoundscapeError("There is no such example. Please reload the page.")
    return path, Soundscape.from_json(path.with_suffix(".json").read_text("utf-8"))


def titles(report: dict[str, Any]) -> dict[str, str]:
    """Return the readable names of the backends in a report, under "vision" and "audio"."""
    from .. import backends

    known = backends.VISION | backends.AUDIO
    names = {kind: report[kind]["backend"] for kind in ("vision", "audio") if report.get(kind)}
    return {kind: backends.card(name).title for kind, name in names.items() if name in known}


def warm_up() -> None:
    """Run a small job before the first visitor does, if the embedded pair is the default."""
    from .. import backends

    if {backends.default_vision(), backends.default_audio()} <= set(backends.EMBEDDED) and examples():
        from ..job import run

        first = visitors.new_result(None)
        run(job_of(str(examples()[0]), duration_s=2, seed=0), first)
        shutil.rmtree(first.parent, ignore_errors=True)


def bytes_of(job: "Job") -> int:
    """Return the most bytes that the job's result takes on the disk.

    That is the mix and the placed stems, as files and in the bundle, the mix to download, and the dry stems of the
    preview.
    """
    stems = len(job.soundscape.sources) if job.soundscape else MAX_SOURCES
    sounds = 2 * (1 + stems) + 1 + stems
    samples = min(max(job.duration_s, 0), MAX_DURATION_S) * SAMPLE_RATE_HZ * CHANNELS
    return round(sounds * samples * BYTES_PER_SAMPLE + 2 * OTHER_BYTES)
