"""The acoustic space that all sources of a picture share: echoes, reverberation tail and air absorption."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..audio import SAMPLE_RATE_HZ, Floats, Samples


@dataclass(frozen=True)
class Acoustics:
    """What a space does to sound.

    `tail_s` is the reverberation time (decay by 60 dB) at low frequencies; at `damping_hz` it is half as long, above
    it shorter still. The reflected share of the energy grows with distance from 0 to `most_wet`, and reaches half of
    that at `balance_m`. `cutoff_hz` is the corner of a lowpass on everything heard there; 0 means none.
    """

    tail_s: float
    damping_hz: float
    first_echo_s: float
    last_echo_s: float
    balance_m: float
    most_wet: float
    cutoff_hz: float = 0.0


# Reverberation times of typical places (Kuttruff, Room Acoustics; outdoors: scattering by trunks, flutter between
# facades).
SPACES = {
    "forest": Acoustics(1.0, 2000, 0.018, 0.120, 40.0, 0.30),
    "street": Acoustics(0.9, 4000, 0.012, 0.070, 20.0, 0.35),
    "courtyard": Acoustics(1.4, 4000, 0.014, 0.060, 10.0, 0.45),
    "room": Acoustics(0.45, 4000, 0.003, 0.020, 3.0, 0.45),
    "hall": Acoustics(2.3, 3000, 0.012, 0.080, 8.0, 0.60),
    "cave": Acoustics(3.2, 2500, 0.010, 0.140, 6.0, 0.65),
    "underwater": Acoustics(1.2, 900, 0.004, 0.060, 3.0, 0.60, cutoff_hz=900),
}
EARLY_SHARE = 0.35  # of the reflected energy
N_ECHOES = 9
EAR_DELAY_S = 0.0007  # the longest path around a head


def wet_share(space: str, distance_m: float) -> float:
    """Return the share of reflected energy, 0 to 1, of a source at this distance; 0 in the open."""
    if space not in SPACES:
        return 0.0
    acoustics = SPACES[space]
    ratio = (distance_m / acoustics.balance_m) ** 2
    return acoustics.most_wet * ratio / (1.0 + ratio)


@cache
def impulse_response(space: str) -> Samples:
    """Return the impulse response of a space without the direct sound: float32, shape (2, samples).

    Each channel has unit energy. The channels are independent, as at two ears in a diffuse field. The random seed
    depends on the space alone, so a space always sounds the same.
    """
    acoustics = SPACES[space]
    rng = np.random.default_rng(list(space.encode()))
    length = round((acoustics.last_echo_s + acoustics.tail_s) * SAMPLE_RATE_HZ)
    tail = _tail(acoustics, length, rng)
    early = _echoes(acoustics, length, rng)
    response = np.sqrt(1 - EARLY_SHARE) * _unit(tail) + np.sqrt(EARLY_SHARE) * _unit(early)
    return _unit(response).astype(np.float32)


def _tail(acoustics: Acoustics, length: int, rng: np.random.Generator) -> Floats:
    """Return noise in octave bands that decay at different rates (Moorer 1979)."""
    time_s = np.arange(length) / SAMPLE_RATE_HZ
    frequency_hz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ)
    octave = np.log2(np.maximum(frequency_hz, 1.0))
    tail: Floats = np.zeros((2, length))
    for centre_hz in 62.5 * 2.0 ** np.arange(9):
        band = np.clip(1 - np.abs(octave - np.log2(centre_hz)), 0, 1)
        noise = np.fft.irfft(np.fft.rfft(rng.standard_normal((2, length))) * np.sqrt(band), length)
        decay_s = acoustics.tail_s / (1 + (centre_hz / acoustics.damping_hz) ** 1.5)
        tail += noise * 10 ** (-3 * time_s / decay_s)
    rise_s = max(acoustics.last_echo_s / 2, 0.004)  # the tail fades in under the echoes
    tail *= np.clip((time_s - acoustics.first_echo_s) / rise_s, 0, 1)
    return tail


def _echoes(acoustics: Acoustics, length: int, rng: np.random.Generator) -> Floats:
    """Return single echoes from all sides that become denser and weaker."""
    echoes = np.zeros((2, length))
    span = acoustics.last_echo_s - acoustics.first_echo_s
    shares = np.sort(rng.random(N_ECHOES)) ** 0.7
    shares[0] = 0.0
    for share in shares:
        angle = rng.uniform(0, np.pi / 2)
        strength = (1 - 0.7 * share) * rng.choice([-1.0, 1.0])
        for channel, gain in enumerate((np.cos(angle), np.sin(angle))):
            at_s = acoustics.first_echo_s + span * share + rng.uniform(0, EAR_DELAY_S)
            echoes[channel, round(at_s * SAMPLE_RATE_HZ)] += strength * gain
    return echoes


def _unit(response: Floats) -> Floats:
    unit: Floats = response / np.sqrt(np.square(response).sum(axis=1, keepdims=True))
    return unit


def transmission(space: str, distance_m: float, frequency_hz: Floats, air_db_per_m: Floats | None = None) -> Samples:
    """Return the gain at each frequency along the path from the source: air absorption, and the lowpass of water.

    `air_db_per_m` is the absorption at these frequencies, if it is known.
    """
    absorption = air_absorption_db_per_m(frequency_hz) if air_db_per_m is None else air_db_per_m
    gain = np.exp((absorption * (-distance_m * math.log(10) / 20)).astype(np.float32))
    cutoff_hz = SPACES[space].cutoff_hz if space in SPACES else 0.0
    if cutoff_hz:
        gain /= 1 + (frequency_hz / cutoff_hz) ** 2
    return gain


def air_absorption_db_per_m(
    frequency_hz: Floats, *, temperature_k: float = 288.15, humidity_percent: float = 60.0
) -> Floats:
    """Return the absorption of still air at sea level in dB/m (ISO 9613-1:1993, equations 3 to 5)."""
    relative = temperature_k / 293.15
    saturation = 10 ** (-6.8346 * (273.16 / temperature_k) ** 1.261 + 4.6151)
    water_percent = humidity_percent * saturation
    oxygen_hz = 24 + 4.04e4 * water_percent * (0.02 + water_percent) / (0.391 + water_percent)
    nitrogen_hz = relative**-0.5 * (9 + 280 * water_percent * np.exp(-4.170 * (relative ** (-1 / 3) - 1)))
    squared = np.square(frequency_hz)
    classical = 1.84e-11 * relative**0.5
    oxygen = 0.01275 * np.exp(-2239.1 / temperature_k) / (oxygen_hz + squared / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / temperature_k) / (nitrogen_hz + squared / nitrogen_hz)
    absorption: Floats = 8.686 * squared * (classical + relative**-2.5 * (oxygen + nitrogen))
    return absorption
