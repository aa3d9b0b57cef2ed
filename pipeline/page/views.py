"""Values for the components of the page: what they show of a soundscape, a result and the models.

As in parts.py, the functions take Gradio as `gr`. The order of the values is that of the component lists in `desk`.
"""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import backends
from ..errors import SoundscapeError
from ..results.result import SOUNDSCAPE
from ..soundscape import Soundscape
from . import document, downloads, fit, fragments, opening, preview, scratch, visitors
from .document import Origin
from .form import OTHER_BYTES, remembered, titles
from .opening import Opened
from .pictures import shown

if TYPE_CHECKING:
    from ..job import Result

DESCRIPTION, EXAMPLE, RESULT = "a new description", "an example", "an earlier result"  # what a document is
REPLACED = 2  # number of values of `replaced`
OPENED = 25  # number of values of `opened`


def picture(upload: Path, otherwise: Any) -> list[Any]:
    """Values for the picture and its refusal. `otherwise` is the value of the picture if the upload cannot be read."""
    try:
        return [str(shown(upload)), ""]
    except SoundscapeError as error:
        return [otherwise, fragments.notice(str(error), "refusal")]


def replaced(soundscape: Soundscape, picture: str | None, what: str, vision: str = "", redo: str = "") -> list[Any]:
    """Values for a new document and for the note above it. The page keeps the previous document for undo."""
    text = soundscape.to_json()
    return [document.shown(Origin(document.fingerprint(picture), text, vision), what, redo), ""]


def described(soundscape: Soundscape, picture: str | None, vision: str) -> list[Any]:
    """Values for a description by the backend; "" means the default one."""
    return replaced(soundscape, picture, DESCRIPTION, vision or backends.default_vision())


def example(gr: ModuleType, path: Path, soundscape: Soundscape) -> list[Any]:
    """Values for a chosen example. It has no sound yet."""
    document_values = replaced(soundscape, str(path), EXAMPLE)
    return [str(path), *document_values, "", gr.Column(visible=True), gr.Column(visible=False)]


def open_files(gr: ModuleType, given: Iterable[str | Path], session: str | None) -> list[Any]:
    """Copy the files of an earlier result into a folder of the visitor, and return the values that show it."""
    files = list(given)
    with scratch.own().room_for(2 * opening.bytes_of(files) + OTHER_BYTES):  # the files and their bundle
        return opened(gr, opening.open_result(files, visitors.new_result(session)))


def opened(gr: ModuleType, found: Opened) -> list[Any]:
    """Values for an earlier result: picture, document, sound, and the settings that make the same sound again."""
    result, picture = found.result, found.picture
    shown = [*[gr.skip()] * 5, gr.Column(visible=True), gr.Column(visible=False), *[gr.skip()] * 4]
    if found.has_sound:
        downloads.pack(result.folder)
        shown = sound(gr, result)
    wishes = [gr.skip() if each is None else each for each in remembered(result.report)]
    vision = (result.report["vision"] or {}).get("backend", "")
    *_, redo = remembered(result.report)
    return [picture, *replaced(result.soundscape, picture, RESULT, vision, redo or ""), *shown, *wishes]


def sound(gr: ModuleType, result: "Result") -> list[Any]:
    """Values for everything that shows the sound."""
    mix, bundle, _ = files(result)
    listed = fragments.stems(result.soundscape, result.stem_paths)
    names = titles(result.report)
    facts, terms = fragments.report(result.report, names), fragments.terms(result.report, names)
    visible = [gr.Column(visible=False), gr.Column(visible=True)]
    return [
        preview.info(result),
        mix,
        bundle,
        listed,
        facts,
        *visible,
        result.folder,
        *fitting(gr, result.folder, result.report),
        terms,
    ]


def files(result: "Result") -> list[Any]:
    """Values for the end points: mix, bundle and report."""
    return [str(downloads.mix_of(result.folder)), str(downloads.bundle_of(result.folder)), result.report]


def fitting(gr: ModuleType, folder: Path, report: dict[str, Any], *, is_open: bool = False) -> list[Any]:
    """Values for the card "How well does it fit?" and for the button that scores the result with models."""
    coherence, models = fit.read_coherence(folder), fit.models_here()
    button = gr.Button(f"Measure with {models}", visible=bool(models) and coherence is None)
    soundscape = Soundscape.from_json((folder / SOUNDSCAPE).read_bytes())
    return [fit.card(soundscape, report, coherence, fit.reasons(), is_open=is_open), button]


def made(gr: ModuleType, result: "Result", is_finished: bool = True) -> list[Any]:
    """Values for a sound that was just made. Shows its seed, and clears the prompts, which are for one run.

    Of a result that is not finished, only the player shows something.
    """
    if not is_finished:
        visible = [gr.Column(visible=False), gr.Column(visible=True)]
        return [preview.info(result, is_finished=False), *[gr.skip()] * 4, *visible, *[gr.skip()] * 6]
    return [*sound(gr, result), str(result.report["seed"]), ""]


def models(gr: ModuleType) -> list[Any]:
    """Choices and notes of the backends. Only those that can run here are choices; the notes explain the others."""
    values, names = [], []
    for registry, default in ((backends.VISION, backends.default_vision()), (backends.AUDIO, backends.default_audio())):
        cards = {name: backends.card(name) for name in registry}
        best = cards[default].title if default in cards else default
        ready = [(card.title, name) for name, card in cards.items() if not card.reason]
        values += [gr.Dropdown(choices=[(f"Automatic: {best}", ""), *ready]), fragments.models(cards)]
        names = [name for _, name in ready]
    has_sound_model = not set(names) <= set(backends.EMBEDDED)  # after the loop, `names` holds the audio backends
    return [*values, gr.Accordion(visible=has_sound_model)]
