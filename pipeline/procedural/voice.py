"""What a sound model is asked for: the words of one source, as numbers a model can use."""

from dataclasses import dataclass, field

import numpy as np

from ..audio import SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Voice:
    """One request to one sound model.

    The words of the source arrive here as `material` (a row of the materials table) and as four qualities that the
    timbre words set; 0 is what the kind sounds like by itself, -1 and 1 are the ends that still sound natural.
    `params` are the settings of the kind from the catalogue.
    """

    duration_s: float
    rng: np.random.Generator
    role: str = "bed"  # bed | recurring | one-shot
    material: str = ""  # a name in the materials table, "" where the words name none
    brightness: float = 0.0  # dark .. bright: spectral tilt and filter corners
    roughness: float = 0.0  # soft, smooth .. harsh, rough: noise share, attack, non-linearity
    density: float = 0.0  # sparse .. dense: events a second, voices at once
    speed: float = 0.0  # slow .. fast: rates and lengths of events
    params: dict[str, float] = field(default_factory=dict)
    sample_rate: int = SAMPLE_RATE_HZ

    @property
    def length(self) -> int:
        """Number of samples to make."""
        return round(self.duration_s * self.sample_rate)

    def setting(self, name: str, default: float) -> float:
        """Return a setting of the kind, or the model's own default."""
        return self.params.get(name, default)


def generator(seed: int) -> np.random.Generator:
    """Return the source of all chance for one seed; any integer will do."""
    return np.random.default_rng(seed % 2**63)
