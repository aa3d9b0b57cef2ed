"""The embedded audio model: every source becomes sound by physical and statistical models, seeded, without samples.

The words of a source choose a kind of `pipeline.kinds`, its timbre words four qualities and its material
a body; the model of the kind (`models.py`) makes the signal (`liquids.py`, `air.py` ...), and this module finishes it.
What is not in the catalogue is made from its material and action (`generic.py`).

Listen to all of it: `python -m pipeline.procedural --gallery FOLDER`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..kinds import attributes
from ..kinds.catalogue import Kind, kind_of
from .models import Model, model_of

if TYPE_CHECKING:  # numpy and scipy are imported on the first sound, not with the page
    import numpy as np

    from ..soundscape import Source

__all__ = ["describe_choice", "synthesize_kind", "synthesize_source"]


def synthesize_source(
    source: Source, duration_s: float, seed: int, *, on_block: Callable[[float], None] | None = None
) -> np.ndarray:
    """Return the sound of a source at 44,100 Hz: float32, shape (1 or 2, samples), exactly round(duration * rate) long.

    The loudest part lies at -23 dBFS (K-weighted), no sample above 0.9. The same seed gives the same bits.
    `on_block` is called with the share that is done (0 .. 1); it may raise to stop.
    """
    kind = kind_of(source)
    return _synthesize(kind and model_of(kind), source, duration_s, seed, on_block or (lambda share: None))


def synthesize_kind(
    kind: Kind, duration_s: float, seed: int, *, model: Model | None = None, **fields: object
) -> np.ndarray:
    """Return the sound of a kind of the catalogue in its usual role; `model` makes it otherwise than usual.

    Further fields of `Source` may be given.
    """
    from ..soundscape import Source

    source = Source(**{"name": kind.name, "role": kind.role} | fields)
    return _synthesize(model or model_of(kind), source, duration_s, seed, lambda share: None)


def _synthesize(
    model: Model | None, source: Source, duration_s: float, seed: int, tell: Callable[[float], None]
) -> np.ndarray:
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
    """Return what would make the sound of a source, for reports: "rain (liquids)" or "generic (scrape, metal)"."""
    kind = kind_of(source)
    if kind:
        return f"{kind.name} ({model_of(kind).family})"
    told = [word for word in (attributes.action_of(source), attributes.material_of(source)) if word]
    return f"generic ({', '.join(told) or 'soft texture'})"
