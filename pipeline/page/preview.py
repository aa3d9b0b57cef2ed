"""What the page needs to preview a changed mix: the dry stems of the shown sound, the spaces, and the law of the mix.

The dry stems lie beside the result folder, so they are deleted with it and are in no bundle. Their names are numbers.
"""

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio import SAMPLE_RATE_HZ, Clip, Samples, fit_length, gain_to_db
from ..checkpoint import Pool, checkpoint
from ..errors import SoundscapeError
from ..files import write_file
from ..results.manifest import EDITED
from ..results.result import places_of
from ..soundscape import Soundscape
from ..stems.events import onsets_of
from . import scratch

if TYPE_CHECKING:
    from ..job import Job, Result
    from ..mixing.mix import DryStems

FOLDER = "dry"
FACTS = "facts.json"
PEAK = 0.9  # of a sound file; the page knows the loudness of the stem at this level


def prepare(folder: Path) -> Path:
    """Ask for the dry stems of the result that will be written to `folder`. Return the folder for them."""
    place = folder.parent / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    return place


def writer(folder: Path) -> "Callable[[Soundscape, DryStems], None] | None":
    """Return what writes the dry stems beside `folder`; None if nobody asked for them."""
    place = folder.parent / FOLDER
    return (lambda soundscape, dry: write(place, soundscape, dry)) if place.is_dir() else None


def write(place: Path, soundscape: Soundscape, dry: "DryStems") -> None:
    """Write the dry stems, all of one length, and what the law of the mix must know of them."""
    from ..mixing.mix import usual_level

    places = places_of(soundscape, dry.stems)
    with Pool(2) as pool:
        clips = [stem.clip for stem in dry.stems]
        stems = list(pool.map(lambda *each: _stem(place, dry.length, *each), places, clips, dry.lufs))
    for fact, stem in zip(stems, dry.stems):
        fact["onsets_s"] = [] if stem.source.role == "bed" else [round(onset_s, 3) for onset_s in onsets_of(stem.clip)]
    usual = [dict(zip(("level_db", "distance_m"), usual_level(source))) for source in soundscape.sources]
    facts = {"document": soundscape.model_dump(mode="json"), "usual": usual, "stems": stems, "gain_db": dry.gain_db}
    write_file(place / FACTS, json.dumps(facts).encode())


def _stem(place: Path, length: int, number: int, clip: Clip, lufs: float) -> dict[str, Any]:
    from ..mixing.law import facts_of

    checkpoint()
    gain = PEAK / max(float(np.abs(clip.samples).max()), 1e-6)
    louder = Clip(fit_length(clip.samples * np.float32(gain), length))
    file = f"{number + 1}.wav"
    (place / file).write_bytes(_wav(louder.samples))
    return {"file": file, "source": number, "lufs": round(lufs + gain_to_db(gain), 4), **facts_of(louder)}


def is_ready(folder: Path) -> bool:
    """True if the dry stems of the result that is written to `folder` can be played."""
    return (folder.parent / FOLDER / FACTS).is_file()


def unfinished(job: "Job", folder: Path) -> "Result":
    """Return the result of a job whose dry stems are there and whose other files are still being made."""
    from .. import backends
    from ..job import Result, made_by

    soundscape = Soundscape.model_validate(json.loads((folder.parent / FOLDER / FACTS).read_text("utf-8"))["document"])
    audio, _ = backends.load_audio(job.audio)
    wishes = {"duration_s": job.duration_s, "seed": job.seed, "options": asdict(job.options)}
    return Result(folder, soundscape, {"audio": made_by(audio), **wishes})


def info(result: "Result", *, is_finished: bool = True) -> dict[str, Any]:
    """Return the value of the player: the file of the mix and, if there are dry stems, all that a preview needs.

    A result that is not finished has no mix yet, which the page expects as null.
    """
    document = result.soundscape.model_dump(mode="json")
    is_edited = EDITED in result.report.get("warnings", [])
    mix = _file(result.mix_path) if is_finished else None
    shown: dict[str, Any] = {"mix": mix, "document": document, "is_edited": is_edited, "stems": []}
    shown |= {"redo": (result.report.get("options") or {}).get("redo") or {}, "can_redo": can_redo(result)}
    facts = result.folder.parent / FOLDER / FACTS
    if not facts.is_file():
        return shown
    from ..mixing.law import law

    found: dict[str, Any] = json.loads(facts.read_text("utf-8"))
    stems = [stem | {"file": _file(facts.with_name(stem["file"]))} for stem in found["stems"]]
    spaces = {name: _file(path) for name, path in spaces_here().items()}
    more = {"law": law(), "spaces": spaces, "place_limits_m": place_limits_m(result), "wishes": _wishes(result.report)}
    return shown | found | {"stems": stems} | more


def _wishes(report: dict[str, Any]) -> str:
    """Return what the stems depend on besides the document, as a text to compare."""
    return json.dumps([report.get(name) for name in ("audio", "duration_s", "seed", "options")], sort_keys=True)


def can_redo(result: "Result") -> bool:
    """True if the model that made the result can make a part of a sound again."""
    from .. import backends

    name = (result.report.get("audio") or {}).get("backend", "")
    try:
        return name in backends.AUDIO and getattr(backends.load_audio(name)[1], "can_redo", False)
    except SoundscapeError:  # it cannot run here
        return False


def place_limits_m(result: "Result") -> list[float] | None:
    """Return the distances beyond which the model makes another sound, because its prompts name distance and space.

    None for a model to which the place of a source does not matter.
    """
    from .. import backends, prompting
    from ..backends import SoundOptions

    name, soundscape = (result.report.get("audio") or {}).get("backend", ""), result.soundscape
    if name not in backends.AUDIO:
        return None
    try:
        _, model = backends.load_audio(name)
        others = [soundscape.model_copy(update={"space": space}) for space in ("open", "cave")]
        first, second = ([model.request(each, source, SoundOptions()) for source in each.sources] for each in others)
        return prompting.distance_limits_m() if first != second else None
    except SoundscapeError:  # the model cannot run here any more, or a template is not valid by now
        return None


def spaces_here() -> dict[str, Path]:
    """Return the sound file of each space's impulse response, written when one is missing."""
    from ..mixing.space import SPACES, impulse_response

    paths = {name: scratch.own().folder / scratch.SPACES / f"{name}.wav" for name in SPACES}
    for name, path in paths.items():
        if not path.is_file():
            response = impulse_response(name)
            write_file(path, _wav(response * np.float32(PEAK / np.abs(response).max())))
    return paths


def _file(path: Path) -> dict[str, Any]:
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def _wav(samples: Samples) -> bytes:
    """Return a 16-bit WAV file without dither, because it is no file to keep."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples.T, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()
