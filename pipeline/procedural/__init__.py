"""The embedded audio model: seeded physical and statistical models turn each source into sound, without recordings.

The words of a source select a kind in the catalogue (`catalogue.py`). Its timbre words set four qualities and its
material selects a body (`words.py`). The model of the kind makes the signal (`liquids.py`, `air.py` ...), and this
module finishes it. A source that matches no kind is made from its material and action (`generic.py`).

To hear all kinds: `python -m pipeline.procedural --gallery FOLDER`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from . import words
from .catalogue import Kind, all_kinds, kind_of

if TYPE_CHECKING:  # numpy and scipy are imported with the first sound, so that the page starts fast
    from ..audio import Floats, Samples
    from ..soundscape import Source
    from .voice import Voice

__all__ = ["Kind", "all_kinds", "describe_choice", "kind_of", "synthesize_kind", "synthesize_source"]


def synthesize_source(
    source: Source, duration_s: float, seed: int, *, on_block: Callable[[float], None] | None = None
) -> Samples:
    """Return the sound of a source at 44,100 Hz: float32, shape (1 or 2, samples), round(duration * rate) samples long.

    The loudest part is at -23 dBFS (K-weighted) and no sample exceeds 0.9. The same seed gives the same bits.
    `on_block` receives the share that is done (0 .. 1); it may raise to stop.
    """
    return _synthesize(kind_of(source), source, duration_s, seed, on_block or (lambda share: None))


def synthesize_kind(kind: Kind, duration_s: float, seed: int, **fields: Any) -> Samples:
    """Return the sound of a kind in its usual role; `fields` are further fields of its `Source`."""
    from ..soundscape import Source

    source = Source(**({"name": kind.name, "role": kind.role} | fields))
    return _synthesize(kind, source, duration_s, seed, lambda share: None)


def _synthesize(
    kind: Kind | None, source: Source, duration_s: float, seed: int, tell: Callable[[float], None]
) -> Samples:
    from . import finish, generic
    from .voice import Voice, generator

    tell(0.0)
    qualities = words.qualities_of(source)
    voice = Voice(
        duration_s=duration_s,
        rng=generator(seed),
        role=source.role,
        material=words.material_of(source),
        brightness=qualities.brightness,
        roughness=qualities.roughness,
        density=qualities.density,
        speed=qualities.speed,
        params=kind.params if kind else {},
    )
    raw = _model(kind)(voice) if kind else generic.from_words(voice, words.action_of(source))
    tell(0.8)
    sound = finish.finish(raw, voice, comes_and_goes=kind.continuous if kind else False)
    tell(1.0)
    return sound


def describe_choice(source: Source) -> str:
    """Return which model makes the sound of a source, for reports: "rain (liquids)" or "generic (scrape, metal)"."""
    kind = kind_of(source)
    if kind:
        return f"{kind.name} ({kind.family})"
    known = [word for word in (words.action_of(source), words.material_of(source)) if word]
    return f"generic ({', '.join(known) or 'soft texture'})"


def _model(kind: Kind) -> Callable[[Voice], Floats]:
    module, function = kind.model.split(".")
    return cast("Callable[[Voice], Floats]", getattr(import_module(f".{module}", __package__), function))
