"""Values of the parts of the page: what they show of a soundscape, of a result, and of the models.

Gradio is handed in as `gr`, as in parts.py. The order of the values is that of the outputs in app.py.
"""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .. import backends
from ..results.result import SOUNDSCAPE
from ..soundscape import Soundscape
from . import document, fit, fragments
from .document import Origin
from .form import remembered, titles
from .opening import Opened

if TYPE_CHECKING:
    from ..job import Result

OPENED = 28  # values of `opened`


def replaced(
    gr: ModuleType, soundscape: Soundscape, picture: str | None, text: str | None, origin: Origin
) -> list[Any]:
    """Values of a document that takes the place of another, whose edits by hand are kept for one step back."""
    values = document.views(soundscape)
    kept = [(text, origin), gr.Button(visible=True)] if document.is_edited(text, origin) else [gr.skip()] * 2
    return [*values, Origin(document.fingerprint(picture), values[0]), *kept, ""]


def opened(gr: ModuleType, found: Opened, text: str | None, origin: Origin) -> list[Any]:
    """Values of picture, document, sound, and the wishes that make the same sound again."""
    result, picture = found.result, found.picture
    shown = [*[gr.skip()] * 5, gr.Column(visible=True), gr.Column(visible=False), *[gr.skip()] * 3]
    if found.has_sound:
        result.write_bundle()
        shown = sound(gr, result)
    wishes = [gr.skip() if each is None else each for each in remembered(result.report)]
    return [picture, *replaced(gr, result.soundscape, picture, text, origin), *shown, *wishes]


def sound(gr: ModuleType, result: "Result") -> list[Any]:
    """Values of everything that shows the sound."""
    mix, bundle = str(result.mix_path), str(result.bundle_path)
    listed = fragments.stems(result.soundscape, result.stem_paths)
    facts = fragments.report(result.report, titles(result.report))
    visible = [gr.Column(visible=False), gr.Column(visible=True)]
    return [mix, mix, bundle, listed, facts, *visible, result.folder, *fitting(gr, result.folder, result.report)]


def files(result: "Result") -> list[Any]:
    """Values of the end points for programs: mix, bundle and report."""
    return [str(result.mix_path), str(result.bundle_path), result.report]


def fitting(gr: ModuleType, folder: Path, report: dict[str, Any], *, is_open: bool = False) -> list[Any]:
    """Values of the card that tells how well the result fits, and of the button that lets models say more."""
    coherence, models = fit.read_coherence(folder), fit.models_here()
    button = gr.Button(f"Measure with {models}", visible=bool(models) and coherence is None)
    soundscape = Soundscape.from_json((folder / SOUNDSCAPE).read_text("utf-8"))
    return [fit.card(soundscape, report, coherence, fit.reasons(), is_open=is_open), button]


def made(gr: ModuleType, result: "Result") -> list[Any]:
    """Values of the sound that was made now, with its seed; prompts of the visitor are for one run."""
    return [*sound(gr, result), str(result.report["seed"]), ""]


def models(gr: ModuleType) -> list[Any]:
    """Choices and notes of the backends: only what can run here can be chosen, the rest says why not."""
    values, names = [], []
    for registry, default in ((backends.VISION, backends.default_vision()), (backends.AUDIO, backends.default_audio())):
        cards = {name: backends.card(name) for name in registry}
        best = cards[default].title if default in cards else default
        ready = [(card.title, name) for name, card in cards.items() if not card.reason]
        values += [gr.Dropdown(choices=[(f"Automatic: {best}", ""), *ready]), fragments.models(cards)]
        names = [name for _, name in ready]  # in the end, of what makes sound
    return [*values, gr.Accordion(visible=not set(names) <= set(backends.EMBEDDED))]
