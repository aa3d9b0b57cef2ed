"""Powered aircraft: jets, propeller planes, helicopters and rockets."""

import numpy as np

from ..audio import Floats
from . import schedule, signal
from .engines import SOUND_M_S, exhaust
from .signal import RATE
from .voice import Voice


def jet(voice: Voice) -> Floats:
    """An airliner overhead: the roar of the jets and the whine of their fans, comb-filtered by the ground echo.

    The delay of the echo changes as the aircraft moves, so the comb filter sweeps.
    """
    rng, length = voice.rng, voice.length
    flight = _flight(voice)
    curve = [(25, -8), (70, 0), (250, 0), (600, -2), (1500, -7), (3500, -13), (9000, -26), (16000, -42)]
    roar = signal.noise(rng, length, curve, channels=2)
    roar *= np.clip(1.0 + voice.setting("gust", 0.15) * signal.wander(rng, length, 2.0), 0.3, 2.0)
    whine = np.zeros(length, np.float32)
    doppler = 1.0 - 0.16 * np.tanh(2.2 * flight)
    for harmonic, gain in ((1.0, 1.0), (2.0, 0.5), (3.0, 0.2)):
        band = signal.swept_band(signal.noise(rng, length), harmonic * voice.setting("fan_hz", 1250.0) * doppler, 0.05)
        whine += np.float32(gain) * signal.unit(band)
    mix = roar + np.float32(voice.setting("whine", 0.22)) * whine
    # At an ear height h of 1.7 m, the echo is late by 2 h sin(elevation) / c.
    delay = 2 * 1.7 * np.sin(np.pi / 2 * (0.25 + 0.75 * np.exp(-(flight**2)))) / SOUND_M_S
    return signal.mixed(mix, 0.55 * _delayed(mix, delay)) * _fly_over(voice, flight)


def _flight(voice: Voice) -> Floats:
    """Return the position along the path in units of the height; 0 is overhead."""
    rng = voice.rng
    pace = schedule.pace(voice)
    if voice.role == "bed":  # one long pass, never far away
        return np.linspace(-0.9, 0.9, voice.length, dtype=np.float32) * np.float32(rng.choice([-1, 1]))
    pass_s = max(0.18 * voice.duration_s, 1.0) / pace
    middles = np.array([voice.duration_s * rng.uniform(0.4, 0.6)])
    if voice.role == "recurring":
        pass_s = min(pass_s, 1.6 / pace)
        middles = schedule.events(voice, 5.0 / pace, length_s=2.0, evenness=6.0)
    time = np.arange(voice.length // 2205 + 2) / 20.0
    nearest = middles[np.argmin(np.abs(time[:, None] - middles), axis=1)]
    flight = (time - nearest) / pass_s
    # The position jumps from one aircraft to the next. A second of smoothing hides that, as both are far away then.
    window = np.hanning(21) / np.hanning(21).sum()
    blended = np.convolve(np.pad(flight, 10, mode="edge"), window, "valid")
    return signal.stretch(blended if len(middles) > 1 else flight, voice.length)


def _fly_over(voice: Voice, flight: Floats) -> Floats:
    return (1.0 / (1.0 + flight**2)).astype(np.float32)


def _delayed(samples: Floats, delay_s: Floats) -> Floats:
    """Return the signal with a delay that changes over time; shape (..., samples)."""
    at = np.arange(samples.shape[-1]) - delay_s * RATE
    base = np.clip(np.floor(at).astype(np.int64), 0, samples.shape[-1] - 2)
    part = np.clip(at - base, 0.0, 1.0).astype(np.float32)
    return samples[..., base] * (1 - part) + samples[..., base + 1] * part


def propeller(voice: Voice) -> Floats:
    """A light aeroplane: the blade tone with many harmonics, the firing of the engine below it, slow beats."""
    rng, length = voice.rng, voice.length
    flight = _flight(voice)
    doppler = 1.0 - 0.10 * np.tanh(1.6 * flight)
    blade_hz = voice.setting("blade_hz", 78.0) * 2.0 ** (0.3 * voice.speed)
    steady = blade_hz * doppler * (1.0 + 0.004 * signal.wander(rng, length, 1.0))
    partials = np.exp(-np.arange(24) / 7.0) * rng.uniform(0.6, 1.0, 24)
    blades = signal.tone(steady, length, partials)
    settings = {"cylinders": 4, "muffler": 0.3, "pipe_m": 0.7, "rattle": 0.05}
    motor = exhaust(Voice(voice.duration_s, rng, params=settings), steady * 30.0 / 1.0)
    wash = signal.noise(rng, length, [(40, -6), (120, 0), (400, -5), (1200, -14), (4000, -28)])
    mix = signal.unit(blades) + 0.6 * signal.unit(motor) + 0.35 * wash
    mix = mix * np.clip(1.0 + 0.18 * signal.wander(rng, length, 2.2), 0.3, 2.0)
    delay = 2 * 1.7 * np.sin(np.pi / 2 * (0.2 + 0.6 * np.exp(-(flight**2)))) / SOUND_M_S
    return signal.airy((mix + 0.5 * _delayed(mix, delay)) * _fly_over(voice, flight), rng, 0.4, 0.36)


def helicopter(voice: Voice) -> Floats:
    """A helicopter: slap of the main rotor, hum of the tail rotor, turbine, and a wash that the blades chop.

    Setting: `blade_hz`, the rate of passing blades (four blades at five turns per second: 20 Hz).
    """
    rng, length = voice.rng, voice.length
    flight = _flight(voice)
    rate = voice.setting("blade_hz", 20.0) * 2.0 ** (0.5 * voice.speed) * (1.0 - 0.06 * np.tanh(1.5 * flight))
    turns = np.cumsum(rate * (1.0 + 0.006 * signal.wander(rng, length, 0.7))) / RATE
    slaps = np.flatnonzero(np.diff(np.floor(turns))) / RATE
    own = rng.uniform(0.8, 1.1, 4)[np.arange(len(slaps)) % 4]
    slap_hz = np.array([48.0, 82.0, 125.0, 190.0, 290.0, 450.0, 700.0])
    slap_gains = np.array([0.8, 1.0, 1.0, 0.7, 0.4, 0.2, 0.08])
    slap = signal.modes(slap_hz, 1.1 / slap_hz, slap_gains, rng=rng, attack_s=0.003)
    blades = signal.convolve(signal.impulses(length, slaps, own), slap)
    # Each blade pushes a soft puff of turbulence that rises fast and decays slowly.
    puffs = signal.one_pole(signal.impulses(length, slaps, own), 0.25 / voice.setting("blade_hz", 20.0))
    chop = signal.lowpass(puffs / (np.mean(puffs) + 1e-9), 120.0, order=1) + 0.12
    wash = signal.noise(rng, length, [(50, -8), (140, 0), (500, -2), (1500, -11), (5000, -30)], channels=2)
    tail = signal.tone(rate * 5.3, length, 1.0 / np.arange(1, 12) ** 0.9)
    turbine = signal.swept_band(signal.noise(rng, length), np.full(length, 2600.0) * (1 - 0.05 * np.tanh(flight)), 0.05)
    mix = signal.mixed(
        signal.unit(blades),
        np.float32(voice.setting("wash", 2.5)) * signal.unit(wash * chop),
        0.18 * signal.unit(tail),
        0.05 * signal.unit(turbine),
    )
    return mix * _fly_over(voice, flight)


def rocket(voice: Voice) -> Floats:
    """A rocket that lifts off: a deep, swelling roar with the crackle of a supersonic jet (skewed shock waves)."""
    rng, length = voice.rng, voice.length
    curve = [(15, -6), (35, 0), (100, -1), (300, -5), (900, -12), (2500, -22), (8000, -36)]
    roar = signal.noise(rng, length, curve, channels=2)
    shocks = (
        np.maximum(signal.noise(rng, length, [(60, -8), (200, 0), (900, -4), (3000, -16)], channels=2) - 0.8, 0.0) ** 2
    )
    tearing = np.clip(1.0 + voice.setting("tear", 0.3) * signal.wander(rng, length, 9.0), 0.25, 3.0)
    mix = (roar + np.float32(voice.setting("crackle", 1.0)) * signal.unit(shocks)) * tearing
    if voice.role == "bed":
        swell = 0.75 + 0.25 * signal.drift(rng, length, 0.3)
    else:
        start = 0.06 * voice.duration_s
        time = np.arange(length, dtype=np.float32) / RATE - np.float32(start)
        rise = np.clip(time / 1.2, 0.0, 1.0) ** 1.5
        swell = rise * np.exp(-np.maximum(time - 0.45 * voice.duration_s, 0) / (0.3 * voice.duration_s))
    sound: Floats = mix * swell
    return sound
