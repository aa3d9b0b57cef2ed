"""Fire after Farnell (2010): lapping flames, hissing gas and crackling wood, each at its own rate."""

import numpy as np

from ..audio import Floats
from . import schedule, signal
from .voice import Voice


def fire(voice: Voice) -> Floats:
    """A fire. Settings: `size`, 0 (candle) .. 1 (blaze); `crackle`, the share of the snapping wood."""
    rng, length = voice.rng, voice.length
    size = voice.setting("size", 0.4)
    pace = schedule.pace(voice)
    heat = 0.75 + 0.35 * signal.drift(rng, length, 0.4 * pace)
    # Flames puff a few times per second, slower in a larger fire: f = 1.5 / sqrt(diameter in m).
    puffs = np.clip(1.0 + 0.3 * signal.wander(rng, length, (8.0 - 5.0 * size) * pace), 0.2, 2.5)
    top = 140.0 + 260.0 * size
    curve = [(20, -12), (45, 0), (top, -2), (2 * top, -16), (5 * top, -27), (4000, -32), (16000, -44)]
    lapping = signal.noise(rng, length, curve, channels=2) * puffs * heat
    bright = [(400, -26), (1500, -9), (5000, -3), (9000, 0), (14000, -1), (18000, -8)]
    hissing = signal.noise(rng, length, bright, channels=2)
    hissing *= np.clip(0.8 + 0.15 * signal.wander(rng, length, 3.0), 0.2, 2.0)
    return signal.mixed(
        np.float32(0.35 + 0.8 * size) * lapping,
        np.float32(0.10 + 0.10 * size) * hissing,
        np.float32(voice.setting("crackle", 1.0)) * _crackles(voice, heat * (0.6 + 0.8 * size)),
    )


def _crackles(voice: Voice, heat: Floats) -> Floats:
    """Return snaps of wood in small avalanches: gas bursts through fibres with a sharp attack and a very short ring."""
    rng, length = voice.rng, voice.length
    rate = 9.0 * 2.0 ** (1.3 * voice.density + 0.6 * voice.speed) * heat * np.exp(0.9 * signal.wander(rng, length, 1.2))
    seeds = signal.times_following(rng, rate)
    sizes = 1 + rng.geometric(0.45, len(seeds))
    times = np.repeat(seeds, sizes) + rng.exponential(0.03, sizes.sum())
    strength = np.minimum(rng.pareto(1.6, len(times)) + 0.08, 9.0)
    out = np.zeros((2, length), np.float32)
    # Weak snaps are short and bright; strong ones have some lows.
    for low, high, decay, first, last in (
        (3000, 13000, 0.0005, 0.0, 0.5),
        (1400, 9000, 0.0011, 0.5, 2.0),
        (500, 5000, 0.0028, 2.0, 99.0),
    ):
        mine = (strength >= first) & (strength < last)
        side = rng.random(mine.sum())
        for channel, share in enumerate((side, 1.0 - side)):
            gains = strength[mine] * np.sqrt(share)
            out[channel] += signal.noise_bursts(rng, length, times[mine], gains, decay, signal.band(low, high, 9))
    ember = signal.damped_tones(
        length,
        times,
        rng.uniform(700, 4200, len(times)),
        0.003,
        0.35 * strength,
        pans=rng.uniform(-0.6, 0.6, len(times)),
    )
    return 2.0 * (out + ember)


def sizzling(voice: Voice) -> Floats:
    """Fat in a pan or water on something hot: a dense hiss of tiny steam bursts, and some spitting."""
    rng, length = voice.rng, voice.length
    heat = np.clip(1.0 + 0.15 * signal.wander(rng, length, 2.0), 0.3, 2.0)
    hiss = signal.noise(
        rng, length, [(400, -24), (1500, -10), (4000, -2), (8000, 0), (14000, -4), (19000, -12)], channels=2
    )
    spits = []
    for _ in range(2):
        times = signal.times_following(rng, 260.0 * 2.0**voice.density * heat)
        gains = np.minimum(rng.pareto(1.8, len(times)) + 0.1, 8.0)
        spits.append(signal.noise_bursts(rng, length, times, gains, 0.0012, signal.band(2200, 12000, 9)))
    return signal.mixed(hiss * heat, np.float32(voice.setting("spits", 0.6)) * signal.unit(np.stack(spits)))
