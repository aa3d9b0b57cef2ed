"""What the page needs to preview a changed mix: the dry stems of the shown sound, the spaces, and the law of the mix.

The dry stems lie beside the result folder, so they are deleted with it and are in no bundle. Their names are numbers.
"""

import io
import json
from collections.abc import Callable
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
    from ..job import Result
    from ..mixing.mix import Mixdown

FOLDER = "dry"
FACTS = "facts.json"
PEAK = 0.9  # of a sound file; the page knows the loudness of the stem at this level


def prepare(folder: Path, dry: bool = True) -> None:
    """Ask for the dry stems of the result that will be written to `folder`, if they are wanted."""
    if dry:
        (folder.parent / FOLDER).mkdir(parents=True, exist_ok=True)


def writer(folder: Path) -> "Callable[[Soundscape, Mixdown], None] | None":
    """Return what writes the dry stems beside `folder`; None if nobody asked for them."""
    place = folder.parent / FOLDER
    return (lambda soundscape, mixed: write(place, soundscape, mixed)) if place.is_dir() else None


def write(place: Path, soundscape: Soundscape, mixed: "Mixdown") -> None:
    """Write the dry stems, all of one length, and what the law of the mix must know of them."""
    from ..mixing.mix import usual_level

    length = mixed.clip.samples.shape[1]
    places = places_of(soundscape, mixed.dry)
    with Pool(2) as pool:
        clips = [stem.clip for stem in mixed.dry]
        stems = list(pool.map(lambda *each: _stem(place, length, *each), places, clips, mixed.dry_lufs))
    for fact, stem in zip(stems, mixed.dry):
        fact["onsets_s"] = [] if stem.source.role == "bed" else [round(onset_s, 3) for onset_s in onsets_of(stem.clip)]
    usual = [dict(zip(("level_db", "distance_m"), usual_level(source))) for source in soundscape.sources]
    facts = {"document": soundscape.model_dump(mode="json"), "usual": usual, "stems": stems, "gain_db": mixed.gain_db}
    write_file(place / FACTS, json.dumps(facts).encode())


def _stem(place: Path, length: int, number: int, clip: Clip, lufs: float) -> dict[str, Any]:
    from ..mixing.law import facts_of

    checkpoint()
    gain = PEAK / max(float(np.abs(clip.samples).max()), 1e-6)
    louder = Clip(fit_length(clip.samples * np.float32(gain), length))
    file = f"{number + 1}.wav"
    (place / file).write_bytes(_wav(louder.samples))
    return {"file": file, "source": number, "lufs": round(lufs + gain_to_db(gain), 4), **facts_of(louder)}


def info(result: "Result") -> dict[str, Any]:
    """Return the value of the player: the file of the mix and, if there are dry stems, all that a preview needs."""
    document = result.soundscape.model_dump(mode="json")
    is_edited = EDITED in result.report.get("warnings", [])
    shown = {"mix": _file(result.mix_path), "document": document, "is_edited": is_edited, "stems": []}
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
