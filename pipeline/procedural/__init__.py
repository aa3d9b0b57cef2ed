"""The embedded audio model: seeded physical and statistical models turn each source into sound, without recordings.

The words of a source select a kind of `pipeline.kinds`. Its timbre words set four qualities and its material selects a
body. The model of the kind (`models.py`) makes the signal (`liquids.py`, `air.py` ...), and this module finishes it. A
source that matches no kind is made from its material and action (`generic.py`).

To hear all kinds: `python -m pipeline.procedural --gallery FOLDER`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..kinds import attributes
from ..kinds.catalogue import Kind, kind_of
from .models import Model, model_of

if TYPE_CHECKING:  # numpy and scipy are imported with the first sound, so that the page starts fast
    from ..audio import Samples
    from ..soundscape import Source

__all__ = ["describe_choice", "synthesize_kind", "synthesize_source"]


def synthesize_source(
    source: Source, duration_s: float, seed: int, *, on_block: Callable[[float], None] | None = None
) -> Samples:
    """Return the sound of a source at 44,100 Hz: float32, shape (1 or 2, samples), round(duration * rate) samples long.

    The loudest part is at -23 dBFS (K-weighted) and no sample exceeds 0.9. The same seed gives the same bits.
    `on_block` receives the share that is done (0 .. 1); it may raise to stop.
    """
    kind = kind_of(source)
    return _synthesize(model_of(kind) if kind else None, source, duration_s, seed, on_block or (lambda share: None))


def synthesize_kind(kind: Kind, duration_s: float, seed: int, *, model: Model | None = None, **fields: Any) -> Samples:
    """Return the sound of a kind in its usual role, made by `model` in place of its own if given.

    `fields` are further fields of its `Source`.
    """
    from ..soundscape import Source

    source = Source(**({"name": kind.name, "role": kind.role} | fields))
    return _synthesize(model or model_of(kind), source, duration_s, seed, lambda share: None)


def _synthesize(
    model: Model | None, source: Source, duration_s: float, seed: int, tell: Callable[[float], None]
) -> Samples:
    from . import generic, mastering
    from .voice import Voice, generator

    tell(0.0)
    qualities = attributes.qualities_of(source)
    voice = Voice(
        duration_s=duration_s,
        rng=generator(seed),
        role=source.role,
        material=attributes.material_of(source),
        brightness=qualities.brightness,
        roughness=qualities.roughness,
        density=qualities.density,
        speed=qualities.speed,
        params=model.params if model else {},
    )
    raw = model(voice) if model else generic.from_words(voice, attributes.action_of(source))
    tell(0.8)
    sound = mastering.finish(raw, voice, comes_and_goes=model.continuous if model else False)
    tell(1.0)
    return sound


def describe_choice(source: Source) -> str:
    """Return which model makes the sound of a source, for reports: "rain (liquids)" or "generic (scrape, metal)"."""
    kind = kind_of(source)
    if kind:
        return f"{kind.name} ({model_of(kind).family})"
    known = [word for word in (attributes.action_of(source), attributes.material_of(source)) if word]
    return f"generic ({', '.join(known) or 'soft texture'})"
