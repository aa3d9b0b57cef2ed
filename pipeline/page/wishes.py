"""What a visitor asks for -> the job, and what it needs of the machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SoundscapeError
from ..soundscape import Soundscape

if TYPE_CHECKING:
    from ..backends import SoundOptions
    from ..job import Job

EXAMPLES = Path(__file__).parents[2] / "examples"


def job_of(picture: str | None, text: str | None = None, **wishes: Any) -> "Job":
    """Return the job for a picture, or for a document, which the visitor may have edited.

    `wishes` are other fields of Job. Raises SoundscapeError when there is nothing to work on, or it cannot be read.
    """
    from ..job import Job
    from ..picture import load_picture

    if text is not None and not text.strip():
        raise SoundscapeError("There is no soundscape yet. Describe a picture first, or add a sound of your own.")
    if text is None and not picture:
        raise SoundscapeError("There is no picture yet. Drop one on the left, or choose one below.")
    soundscape = Soundscape.from_json(text) if text else None
    return Job(picture=load_picture(picture) if picture else None, soundscape=soundscape, **wishes)


def seed_of(text: str | None, surprise: bool) -> int | None:
    """Return the seed that the visitor typed, or None for a random one."""
    if surprise or not (text or "").strip():
        return None
    if not text.strip().isdecimal():
        raise SoundscapeError("The seed must be a whole number, such as 7.")
    return int(text)


def options_of(
    steps: Any, guidance: Any, negative: Any, candidates: Any, precision: Any, prompts: Any
) -> "SoundOptions":
    """Return the advanced wishes; 0, empty and None (a control that is not shown) leave the model's own.

    Line n of `prompts` is for source n.
    """
    from ..backends import SoundOptions

    return SoundOptions(
        steps=int(steps or 0) or None,
        guidance=guidance or None,
        negative_prompt=(negative or "").strip() or None,
        candidates=int(candidates or 1),
        precision=precision or "",
        prompts={place: line.strip() for place, line in enumerate((prompts or "").splitlines()) if line.strip()},
    )


def prompts_of(text: str, audio: str) -> list[str]:
    """Return what the audio backend would be asked for each source of the document."""
    from .. import backends

    job = job_of(None, text)
    _, backend = backends.load_audio(audio)
    requests = [backend.request(job.soundscape, source, job.options) for source in job.soundscape.sources]
    return [str(request.get("prompt", "")) for request in requests]


def needs_gpu(job: "Job", only_look: bool) -> bool:
    """True when a model of the job runs on the GPU that ZeroGPU lends: the embedded pair costs nobody's quota."""
    from .. import backends, settings

    names = [] if job.soundscape else [job.vision or backends.default_vision()]
    names += [] if only_look else [job.audio or backends.default_audio()]
    known = backends.VISION | backends.AUDIO
    return settings.on_zero_gpu() and any(backends.card(name).device == "cuda" for name in names if name in known)


def gpu_seconds(job: "Job", *_: Any) -> int:
    """Return how long the job may hold a borrowed GPU: looking, and some steps for every second of sound."""
    sources = len(job.soundscape.sources) if job.soundscape else 5
    return round((15 if job.picture else 0) + 5 + sources * (2 + 0.1 * job.duration_s))


def jobs_at_once() -> int:
    """One job at a time on a GPU, which it fills; two on a processor."""
    from ..settings import accelerator

    return 2 if accelerator() == "cpu" else 1


def examples() -> list[Path]:
    """The pictures that have their soundscape beside them."""
    return sorted(path.with_suffix(".jpg") for path in EXAMPLES.glob("*.json") if path.with_suffix(".jpg").is_file())
