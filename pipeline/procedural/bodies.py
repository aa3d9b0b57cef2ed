"""Struck bodies: a few distinct modes, and above them many dense modes that sound like coloured, decaying noise.

Frequencies, decays and hardness come from the table of materials. A plate has a constant number of modes per hertz, so
beyond the first modes only their density and damping are audible (van den Doel & Pai 1998; Klatzky, Pai & Krotkov
2000).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..audio import Floats
from ..kinds.attributes import Material, material
from . import signal
from .signal import RATE, seconds
from .voice import Voice

SOLID = ("wood", "metal", "glass", "ceramic", "stone", "plastic", "ice")

_BANDS_HZ = np.geomspace(250, 12_000, 7)  # centres of the bands of noise, each an octave wide
_TOP_HZ = 15_000


def body_of(voice: Voice, usual: str) -> str:
    """Return the material that the words name if it rings when struck, else the usual one."""
    return voice.material if voice.material in SOLID else usual


@dataclass(frozen=True)
class Body:
    """An object that can be struck repeatedly: the blows differ, the object stays the same."""

    stuff: Material
    frequencies_hz: Floats
    decays_s: Floats
    rough_share: float  # of the decaying noise
    hardness: float
    ring: float
    lowest_hz: float

    @classmethod
    def of(
        cls, voice: Voice, name: str, *, pitch: float = 1.0, ring: float = 1.0, modes: int = 14, noise: float = 1.0
    ) -> "Body":
        """Return an object of a material; `pitch` and `ring` are relative to an object that fits in two hands."""
        stuff, rng = material(name), voice.rng
        lowest = stuff.frequency_hz * pitch * 1.2**voice.brightness
        ratios = np.array(stuff.ratios)
        extra = ratios[-1] * np.cumprod(1 + rng.uniform(0.04, 0.22, max(modes - len(ratios), 0)))
        ratios = np.concatenate([ratios, extra])[:modes] * (1 + 0.03 * rng.standard_normal(modes))
        ratios = ratios[ratios * lowest < _TOP_HZ]
        decays = stuff.decay_s * ring * np.maximum(ratios, 0.3) ** -stuff.damping
        decays *= np.exp(0.3 * rng.standard_normal(len(ratios)))
        hardness = float(np.clip(stuff.hardness + 0.25 * voice.roughness + 0.2 * voice.brightness, 0.05, 1.3))
        share = float(np.clip(stuff.noise * noise * 1.5**voice.roughness, 0.0, 3.0))
        return cls(stuff, ratios * lowest, decays, share, hardness, ring, lowest)

    def blow(self, rng: np.random.Generator, force: float = 1.0, *, attack_s: float = 0.0) -> Floats:
        """Return one blow with a peak of `force`. Its random place selects the modes; force excites higher ones."""
        reach_hz = 700 + 6500 * self.hardness**1.5 * (0.5 + 0.5 * force)
        tilt = 1 / (1 + (self.frequencies_hz / reach_hz) ** 2)
        gains = tilt * np.abs(rng.standard_normal(len(self.frequencies_hz))) ** 0.7
        soft_s = attack_s + 0.0001 + 0.0012 * (1.1 - min(self.hardness, 1.0))
        out = signal.modes(self.frequencies_hz, self.decays_s, gains, rng=rng, attack_s=soft_s)
        if self.rough_share:
            rest = self._rest(rng, reach_hz, soft_s)
            if len(rest) > len(out):
                out = np.pad(out, (0, len(rest) - len(out)))
            out[: len(rest)] += np.float32(1.4 * self.rough_share) * rest
        return signal.peak(out) * np.float32(force)

    @cached_property
    def _bands(self) -> list[tuple[float, float]]:
        """Return centre (Hz) and decay (s) of each band of the decaying noise."""
        centres = _BANDS_HZ[np.searchsorted(_BANDS_HZ, max(0.6 * self.lowest_hz, 120)) :]
        decays = self.ring * self.stuff.decay_s * np.maximum(centres / self.lowest_hz, 0.3) ** -self.stuff.damping
        return list(zip(centres, np.clip(0.6 * decays, 0.0009, 0.12), strict=True))

    def _rest(self, rng: np.random.Generator, reach_hz: float, soft_s: float) -> Floats:
        size = seconds(7 * max(decay for _, decay in self._bands))
        time = np.arange(size, dtype=np.float32) / RATE
        raw, out = rng.standard_normal(size, dtype=np.float32), np.zeros(size, np.float32)
        for centre, decay in self._bands:
            gain = 1 / (1 + (centre / reach_hz) ** 2)
            out += signal.bandpass(raw * np.exp(-time / np.float32(decay)), centre / 1.4, centre * 1.4) * np.float32(
                gain
            )
        return signal.peak(out * (1 - np.exp(-time / np.float32(soft_s))))


def sole_press(voice: Voice, high: float) -> Floats:
    """Return the contact of a soft sole with the ground, with a peak of 1: a dull burst whose highs decay first."""
    rng, size = voice.rng, seconds(0.12)
    time = np.arange(size, dtype=np.float32) / RATE
    raw, out = rng.standard_normal(size, dtype=np.float32), np.zeros(size, np.float32)
    low_hz, top_hz = 110 * high, rng.uniform(2000, 4500) * 1.4**voice.brightness
    slope = -0.9 + 0.25 * voice.roughness + 0.25 * voice.brightness  # of the level, per factor of frequency
    for centre in np.geomspace(low_hz, top_hz, 6):
        decay_s = 0.02 * (centre / low_hz) ** -0.4
        grain = raw * np.exp(-time / np.float32(decay_s)) * (1 - np.exp(-time / np.float32(0.004)))
        out += signal.bandpass(grain, centre / 1.35, centre * 1.35) * np.float32((centre / low_hz) ** slope)
    return signal.peak(out)
