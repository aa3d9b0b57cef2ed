"""Stationary machines and power tools: fans, compressors, mains hum, factories, saws."""

import numpy as np

from ..audio import Floats
from ..kinds.attributes import Material, material
from . import ambience, schedule, signal
from .signal import RATE
from .voice import Voice


def fan(voice: Voice) -> Floats:
    """A fan: a broadband wash of air with the tone of the blades.

    Settings: `blade_hz`; `tone`, the share of the blades; `low_hz` and `high_hz` of the wash; `throb` of a bent blade;
    `housing`, the share of the casing, and its `ring`; `rattle`.
    """
    rng, length = voice.rng, voice.length
    rate = voice.setting("blade_hz", 95.0) * 2.0 ** (0.6 * voice.speed)
    low, high = voice.setting("low_hz", 120.0), voice.setting("high_hz", 2200.0)
    steady = rate * (1.0 + 0.002 * signal.wander(rng, length, 0.6))
    blades = signal.tone(steady, length, 1.0 / np.arange(1, 14) ** 1.3 * rng.uniform(0.4, 1.0, 13))
    curve = [(low / 4, -14), (low, 0), (high, -9), (3 * high, -22), (8 * high, -40)]
    wash = signal.noise(rng, length, curve, channels=2)
    if housing := voice.setting("housing", 0.0):  # the casing and the grille ring slightly
        casing = low * np.array([1.4, 2.3, 3.4, 5.2, 7.7, 11.0]) * rng.uniform(0.9, 1.1, 6)
        ringing = signal.convolve(
            wash, signal.modes(casing, voice.setting("ring", 5.0) / casing, casing**-0.3, rng=rng)
        )
        wash = signal.unit(wash) + np.float32(housing) * signal.unit(ringing)
    turn = 1.0 + voice.setting("throb", 0.12) * np.sin(2 * np.pi * np.cumsum(steady / 3.0) / RATE)  # one blade is bent
    out = wash * turn + np.float32(voice.setting("tone", 0.4)) * signal.unit(blades)
    if rattle := voice.setting("rattle", 0.0):
        ticks = np.flatnonzero(np.diff(np.floor(np.cumsum(steady / 3.0) / RATE))) / RATE
        tick = signal.modes([900, 1700, 2600], 0.004, [1.0, 0.7, 0.4], rng=rng)
        train = signal.impulses(length, ticks, rng.uniform(0.2, 1.0, len(ticks)))
        out = out + np.float32(rattle) * signal.unit(signal.convolve(train, tick))
    return out.astype(np.float32)


def compressor(voice: Voice) -> Floats:
    """A refrigerator: the hum of the compressor at multiples of the mains frequency, through a thin cabinet."""
    rng, length = voice.rng, voice.length
    mains = voice.setting("mains_hz", 50.0)
    partials = np.array([0.5, 1.0, 0.12, 0.6, 0.1, 0.45, 0.06, 0.3, 0.05, 0.22, 0.03, 0.12]) * rng.uniform(0.7, 1.2, 12)
    hum = signal.tone(mains * 0.985, length, partials)  # slip of an asynchronous motor
    throb = 1.0 + 0.04 * np.sin(2 * np.pi * 1.5 * schedule.pace(voice) * np.arange(length) / RATE)
    cabinet = signal.noise(
        rng, length, [(60, -10), (150, 0), (400, -5), (1000, -14), (3000, -26), (10000, -44)], channels=2
    )
    return signal.unit(hum) * throb.astype(np.float32) + 0.3 * cabinet


def mains_hum(voice: Voice) -> Floats:
    """A transformer, neon tube or power line: harmonics of twice the mains frequency, and a sizzle at their peaks."""
    rng, length = voice.rng, voice.length
    mains = voice.setting("mains_hz", 50.0) * 2.0 ** (0.2 * voice.speed)
    gains = 1.0 / np.arange(1, 25) ** (1.2 - 0.3 * voice.roughness) * np.where(np.arange(1, 25) % 2 == 0, 1.0, 0.04)
    hum = signal.tone(mains, length, gains * rng.uniform(0.75, 1.0, 24))
    peaks = np.maximum(np.sin(4 * np.pi * mains * np.arange(length) / RATE), 0.0).astype(np.float32) ** 4
    sizzle = signal.noise(rng, length, [(1500, -20), (4000, 0), (9000, -4), (16000, -14)]) * peaks
    sizzle *= np.clip(1.0 + 0.4 * signal.wander(rng, length, 3.0), 0.0, 3.0)
    return signal.airy(
        signal.unit(hum) + np.float32(voice.setting("sizzle", 0.42)) * signal.unit(sizzle), rng, 0.3, 0.18
    )


def factory(voice: Voice) -> Floats:
    """A machine at work: hum of a motor, gears, and a mechanism that strikes in a fixed rhythm.

    Settings: `cycle_s` of the rhythm; `gears_hz` and `motor_hz`; `strike`, `gears` and `motor`, the levels.
    """
    rng, length = voice.rng, voice.length
    cycle = voice.setting("cycle_s", 0.42) / schedule.pace(voice)
    body = material(voice.material or "metal")
    parts = [(share, _strike(voice, body)) for share in (0.0, 0.37, 0.55, 0.81)]
    out = np.zeros((2, length), np.float32)
    for start in np.arange(-0.3 * cycle, voice.duration_s, cycle):
        for (share, hit), loud in zip(parts, (1.0, 0.45, 0.7, 0.3), strict=True):
            signal.place_panned(
                out, hit, start + share * cycle + rng.normal(0, 0.002), loud * rng.uniform(0.85, 1), 0.3 - share
            )
    motor_hz = voice.setting("motor_hz", 49.0) * (1.0 + 0.004 * signal.wander(rng, length, 0.8))
    motor = signal.tone(motor_hz, length, 1.0 / np.arange(1, 25) ** 0.8 * rng.uniform(0.3, 1.0, 24))
    teeth = voice.setting("gears_hz", 31.0) * schedule.pace(voice)
    mesh = 0.5 + 0.5 * np.sin(2 * np.pi * teeth * np.arange(length) / RATE)
    gears = signal.noise(rng, length, [(200, -14), (700, 0), (2000, -2), (5000, -10), (12000, -24)], channels=2)
    gears = gears * mesh.astype(np.float32) ** 2
    strike = np.float32(voice.setting("strike", 0.8))
    return signal.mixed(
        strike * signal.unit(out),
        np.float32(voice.setting("motor", 0.5)) * signal.unit(motor),
        np.float32(voice.setting("gears", 0.5)) * signal.unit(gears),
    )


def _strike(voice: Voice, body: Material) -> Floats:
    from .generic import body_response

    hit = body_response(body, voice.rng, voice.rng.uniform(0.6, 2.2))[: signal.seconds(0.2)]
    time = np.arange(len(hit), dtype=np.float32) / RATE
    damped = hit * np.exp(-time / np.float32(0.02))  # parts bolted to the machine do not ring for long
    clank = signal.noise(voice.rng, len(hit), [(150, -10), (500, 0), (2500, -3), (7000, -12), (14000, -26)])
    return signal.peak(damped) + 0.8 * signal.peak(clank * np.exp(-time / np.float32(0.015)))


def power_tool(voice: Voice) -> Floats:
    """An electric saw, drill or grinder: the whine of a universal motor, which slows down under load when it cuts."""
    rng, length = voice.rng, voice.length
    cut = np.zeros(length, np.float32)
    for start, end in schedule.bouts(voice, (2.0, 4.5), (0.6, 1.4)):
        size = signal.seconds(end - start)
        ramp = np.minimum(1.0, np.minimum(np.linspace(0, 8, size), np.linspace(10, 0, size)))
        signal.place(cut, ramp.astype(np.float32), start)
    if voice.role == "bed":
        cut = np.clip(0.55 + 0.6 * signal.wander(rng, length, 0.4), 0.0, 1.0)
        running = np.ones(length, np.float32)
    else:
        running = np.clip(signal.lowpass(cut * 1.5, 2.0), 0.0, 1.0)
    motor_hz = voice.setting("motor_hz", 310.0) * 2.0 ** (0.4 * voice.speed)
    frequency = motor_hz * (0.35 + 0.65 * running) * (1.0 - 0.14 * cut) * (1 + 0.006 * signal.wander(rng, length, 5.0))
    motor = signal.tone(frequency, length, 1.0 / np.arange(1, 22) ** 0.6 * rng.uniform(0.4, 1.0, 21))
    brush = signal.noise(rng, length, [(800, -20), (2500, 0), (6000, -2), (14000, -14)])
    grain = np.clip(1.0 + 0.4 * signal.wander(rng, length, 30.0), 0.0, 3.0)
    bite = signal.noise(rng, length, [(300, -12), (1200, 0), (4000, 0), (9000, -6), (16000, -18)]) * grain * cut
    mix = signal.unit(motor) * running + 0.25 * brush * running + np.float32(voice.setting("bite", 0.9)) * bite
    return ambience.indoors(voice, mix, share=0.09, air_db=-36.0)
