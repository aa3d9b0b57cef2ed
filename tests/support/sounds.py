"""Measurements for the tests of the synthesiser: levels, spectra and events of a sound, shape (channels, samples)."""

import numpy as np

RATE = 44_100
BANDS_HZ = np.geomspace(50, 16_000, 25)


def db(power: float | np.ndarray) -> float | np.ndarray:
    return 10 * np.log10(np.asarray(power) + 1e-15)


def block_levels_db(samples: np.ndarray, block_s: float = 0.1) -> np.ndarray:
    """Return the level of each block, over all channels."""
    size = round(block_s * RATE)
    count = max(samples.shape[1] // size, 1)
    blocks = samples[:, : count * size].reshape(samples.shape[0], count, -1).astype(float)
    return db(np.mean(blocks**2, axis=(0, 2)))


def power_spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    power = np.abs(np.fft.rfft(samples.mean(axis=0))) ** 2
    return np.fft.rfftfreq(samples.shape[1], 1 / RATE), power


def centroid_hz(samples: np.ndarray) -> float:
    """Return the mean frequency on a logarithmic scale, so that a little hiss does not dominate."""
    frequencies, power = power_spectrum(samples)
    heard = (frequencies > 40) & (frequencies < 18_000)
    weight = power[heard] / frequencies[heard]
    return float(2 ** (np.sum(np.log2(frequencies[heard]) * weight) / weight.sum()))


def band_levels_db(samples: np.ndarray) -> np.ndarray:
    """Return the levels of 24 bands minus their mean."""
    frequencies, power = power_spectrum(samples)
    sums = np.histogram(frequencies, BANDS_HZ, weights=power)[0]
    levels = np.maximum(db(sums / sums.sum()), -70.0)
    return levels - levels.mean()


def active_share(samples: np.ndarray, below_db: float = 20.0) -> float:
    """Return the share of blocks that are less than `below_db` below the loudest ones."""
    levels = block_levels_db(samples)
    return float(np.mean(levels > np.percentile(levels, 98) - below_db))


def crest_db(samples: np.ndarray) -> float:
    """Return the crest factor: peak over RMS."""
    return float(db(np.max(samples**2) / np.mean(samples**2)))


def unevenness_db(samples: np.ndarray) -> float:
    """Return the spread of the level over blocks of 20 ms: small for a steady sound, large for separate events."""
    levels = block_levels_db(samples, 0.02)
    return float(np.percentile(levels, 95) - np.percentile(levels, 20))


def decay_s(samples: np.ndarray) -> float:
    """Return the median time in which the level falls by 15 dB after the loudest onsets."""
    levels = block_levels_db(samples, 0.005)
    peaks = [i for i in np.argsort(levels)[::-1][:40] if levels[i] > levels.max() - 8]
    falls = []
    for peak in peaks:
        below = np.flatnonzero(levels[peak:] < levels[peak] - 15)
        falls.append(below[0] * 0.005 if len(below) else 1.0)
    return float(np.median(falls))


def fingerprint(samples: np.ndarray) -> np.ndarray:
    """Return a sound as 28 numbers in decibels: its spectrum, and the spread of its level on four time scales."""
    moves = [np.std(block_levels_db(samples, pace_s)) for pace_s in (0.005, 0.02, 0.1, 0.4)]
    return np.concatenate([band_levels_db(samples), 2.0 * np.array(moves)])


def distance_db(one: np.ndarray, other: np.ndarray) -> float:
    """Return the root mean square difference of two fingerprints."""
    return float(np.sqrt(np.mean((fingerprint(one) - fingerprint(other)) ** 2)))
