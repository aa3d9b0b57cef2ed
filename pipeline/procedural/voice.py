"""The request to a sound model: the words of one source as numbers."""

from dataclasses import dataclass, field

import numpy as np

from ..audio import SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Voice:
    """One request to one sound model.

    `material` names a row of the materials table. The timbre words set the four qualities: 0 is how the kind usually
    sounds, -1 and 1 are the limits within which it still sounds natural. `params` are the settings of the kind from
    the catalogue.
    """

    duration_s: float
    rng: np.random.Generator
    role: str = "bed"  # bed | recurring | one-shot
    material: str = ""  # a name in the materials table; "" when the words name none
    brightness: float = 0.0  # dark .. bright: spectral tilt and cut-off frequencies
    roughness: float = 0.0  # soft, smooth .. harsh, rough: share of noise, attack, non-linearity
    density: float = 0.0  # sparse .. dense: events per second, simultaneous voices
    speed: float = 0.0  # slow .. fast: rates and lengths of events
    params: dict[str, float] = field(default_factory=dict)
    sample_rate: int = SAMPLE_RATE_HZ

    @property
    def length(self) -> int:
        """The number of samples to make."""
        return round(self.duration_s * self.sample_rate)

    def setting(self, name: str, default: float) -> float:
        """Return a setting of the kind, or the default of the model."""
        return self.params.get(name, default)


def generator(seed: int) -> np.random.Generator:
    """Return the random generator for a seed, which may be any integer."""
    return np.random.default_rng(seed % 2**63)
