"""Combustion engines: pulses of exhaust gas through a pipe, and the body around it.

After Farnell (2010) and Baldan et al. (2015), "Physically informed car engine sound synthesis": each cylinder of a
four-stroke engine fires every second turn. Cylinders differ slightly, cycles differ more, and the pipe resonates at
odd multiples of c / 4L. Everything the driver does is a change of the engine speed.
"""

from collections.abc import Callable

import numpy as np

from ..audio import Floats
from . import schedule, signal
from .signal import RATE
from .voice import Voice

SOUND_M_S = 343.0
Parts = tuple[Floats, Floats]  # of a sound: the lows, which carry far, and the highs, which the air absorbs


def engine(voice: Voice) -> Floats:
    """An engine that idles or runs.

    Settings: `rpm`, `cylinders`, `strokes` (2 or 4), `pipe_m`, `rev` (how far the driver revs; 0 for not at all),
    `knock` of a diesel, `muffler` (0 open .. 1), `rattle` of the body, `bore` (1 for a car; larger is lower).
    """
    rpm = driven_rpm(voice)
    sound = exhaust(voice, rpm)
    return signal.airy(sound, voice.rng, 0.25, 0.18)


def driven_rpm(voice: Voice) -> Floats:
    """Return the engine speed over time, in revolutions per minute: a slightly unsteady idle, with occasional revs."""
    rng, length = voice.rng, voice.length
    idle = voice.setting("rpm", 800.0) * 2.0 ** (0.6 * voice.speed)
    rpm: Floats = idle * (1.0 + 0.012 * signal.wander(rng, length, 1.5) + 0.012 * signal.wander(rng, length, 14.0))
    rev = voice.setting("rev", 0.0)
    if rev > 0:
        push = np.zeros(length, np.float32)
        for start in schedule.events(voice, voice.setting("rev_interval_s", 3.0), length_s=2.0):
            push_s, fall_s = rng.uniform(0.25, 1.2), rng.uniform(0.5, 1.1)
            time = np.arange(signal.seconds(push_s + 4 * fall_s)) / RATE
            bump = np.where(time < push_s, (time / push_s) ** 0.7, np.exp(-np.maximum(time - push_s, 0) / fall_s))
            signal.place(push, bump.astype(np.float32), start, rng.uniform(0.5, 1.0))
        rpm = rpm * (1.0 + rev * np.minimum(push, 1.2))
    return rpm


def exhaust(voice: Voice, rpm: Floats) -> Floats:
    """Return the mono sound of an engine whose speed `rpm` is given per sample."""
    rng, length = voice.rng, voice.length
    cylinders = int(voice.setting("cylinders", 4))
    firings_hz = rpm / 60.0 * cylinders * (1.0 if voice.setting("strokes", 4) == 2 else 0.5)
    fired = np.flatnonzero(np.diff(np.floor(np.cumsum(firings_hz) / RATE)))
    own = 1.0 + voice.setting("uneven", 0.18) * rng.standard_normal(cylinders)
    lag = voice.setting("lag", 0.05) * rng.standard_normal(cylinders)  # in shares of the firing interval
    each = np.arange(len(fired)) % cylinders
    strength = np.clip(own[each] * (1.0 + 0.16 * rng.standard_normal(len(fired))), 0.1, 3.0)
    load = (rpm[fired] / max(float(np.median(rpm)), 1.0)) ** 0.6
    times = fired / RATE + lag[each] / firings_hz[fired]
    pulses = signal.impulses(length, times, strength * load)
    muffler, bore = voice.setting("muffler", 0.6), voice.setting("bore", 1.0)
    sound = signal.unit(signal.convolve(pulses, _pipe(voice, bore, muffler)))
    burst_s = 0.25 / float(np.mean(firings_hz))
    puff = signal.one_pole(pulses, min(max(burst_s, 0.0015), 0.012))
    gas = signal.noise(rng, length, _gas_curve(muffler, bore)) * puff
    out = sound + np.float32(0.35 + 0.3 * max(voice.roughness, 0.0)) * signal.unit(gas)
    if knock := voice.setting("knock", 0.0):
        clatter = signal.convolve(pulses, _block(voice, bore))
        out += np.float32(knock) * signal.unit(clatter)
    if whir := voice.setting("whir", 0.25):  # the steady noise of belts, fan and intake
        air = signal.noise(rng, length, [(50, -10), (150, 0), (500, -3), (1500, -9), (4000, -18), (10000, -32)])
        out += np.float32(whir) * air
    if rattle := voice.setting("rattle", 0.1):
        metal = signal.noise(rng, length, [(600, -20), (1500, -4), (3500, 0), (7000, -6), (13000, -20)])
        out += np.float32(rattle) * metal * np.sqrt(puff / (np.mean(puff) + 1e-9))
    return out


def _gas_curve(muffler: float, bore: float) -> signal.Curve:
    top = 5500.0 * 0.3**muffler / bore**0.5
    return [(40, -16), (140, -2), (400, 0), (top, -10), (4 * top, -34)]


def _pipe(voice: Voice, bore: float, muffler: float) -> Floats:
    """Return the impulse response of the exhaust: a thump, and the odd harmonics of the pipe."""
    rng = voice.rng
    quarter_hz = SOUND_M_S / (4.0 * voice.setting("pipe_m", 1.9))
    numbers = np.arange(1, 24, 2)
    pipe_hz = quarter_hz * numbers * rng.uniform(0.97, 1.03, len(numbers))
    fall = numbers ** -(0.35 + 0.75 * muffler)
    pipe = signal.modes(pipe_hz, 0.028 / (1 + 0.35 * muffler) / numbers**0.35, fall, attack_s=0.0004)
    body_hz = np.array([62.0, 95.0, 170.0, 260.0, 430.0, 690.0]) / bore * rng.uniform(0.92, 1.08, 6)
    body = signal.modes(body_hz, 0.022, [1.0, 1.0, 0.8, 0.6, 0.35, 0.2], rng=rng, attack_s=0.001)
    out = np.zeros(max(len(pipe), len(body)), np.float32)
    out[: len(pipe)] += pipe
    out[: len(body)] += 0.9 * body
    return out


def _block(voice: Voice, bore: float) -> Floats:
    """Return the impulse response of a diesel's block, its knock: short hard modes of cast iron."""
    frequencies = np.array([680.0, 1150.0, 1720.0, 2450.0, 3300.0]) / bore**0.5 * voice.rng.uniform(0.95, 1.05, 5)
    return signal.modes(frequencies, 0.004, [0.8, 1.0, 0.9, 0.6, 0.4], rng=voice.rng, attack_s=0.0002)


# Passing by ----------------------------------------------------------------------------------------------------------


def parts(samples: Floats) -> Parts:
    """Split a sound at 900 Hz into the lows, which carry far, and the highs."""
    low = signal.lowpass(samples, 900.0)
    return low, samples - low


def pass_by(
    voice: Voice,
    sound: Callable[[Floats], Parts],
    *,
    speed_m_s: float,
    nearest_m: float,
    at_s: float,
    direction: float = 1.0,
    pan_width: float = 0.9,
) -> Floats:
    """Return a sound that drives past, stereo, nearest at `at_s`.

    `sound` receives the Doppler factor per sample and returns the mono sound with that shift, split like by `parts`.
    The level follows 1 / distance and the panning follows the bearing. With distance, air and ground absorb the highs.
    """
    # The position changes slowly, so it is computed a thousand times per second only.
    step = RATE // 1000
    along = direction * speed_m_s * (np.arange(voice.length // step + 2) * (step / RATE) - at_s)
    distance = np.hypot(along, nearest_m)
    approach = -direction * speed_m_s * along / distance  # m/s towards the listener
    doppler = 1.0 / (1.0 - np.clip(approach / SOUND_M_S, -0.4, 0.4))
    near = nearest_m / distance
    angle = (np.clip(along / distance * pan_width, -1, 1) + 1.0) * (np.pi / 4)
    low, high = sound(signal.joined(doppler, step, voice.length))
    mono = low + high * signal.joined(near**0.7, step, voice.length)
    sides = [signal.joined(side * near**1.1, step, voice.length) for side in (np.cos(angle), np.sin(angle))]
    return np.stack(sides) * mono


def passing_engine(voice: Voice) -> Floats:
    """A vehicle that drives past, its engine under load and its tyres; in a bed, several follow one another."""
    rng, length = voice.rng, voice.length
    speed = voice.setting("speed_m_s", 16.0) * 2.0 ** (0.7 * voice.speed)
    nearest = voice.setting("nearest_m", 8.0)
    out = np.zeros((2, length), np.float32)
    span = 5.0 * nearest / speed
    times = schedule.events(voice, voice.setting("interval_s", 5.0), length_s=2 * span, evenness=5.0)
    for start in times:
        rpm = voice.setting("rpm", 2200.0) * rng.uniform(0.85, 1.15)
        middle = min(start + span, max(0.5 * voice.duration_s, voice.duration_s - span))

        def vehicle(doppler: Floats, rpm: float = rpm) -> Parts:
            gear = rpm * (1.0 + 0.03 * signal.wander(rng, length, 0.5))
            running = signal.unit(exhaust(voice, gear * doppler))
            return parts(running + np.float32(voice.setting("tyres", 0.6)) * tyres(voice))

        out += pass_by(
            voice,
            vehicle,
            speed_m_s=speed,
            nearest_m=nearest,
            at_s=middle,
            direction=rng.choice([-1.0, 1.0]),
        ) * np.float32(rng.uniform(0.6, 1.0))
    return out


def tyres(voice: Voice) -> Floats:
    """Return the noise of tyres on asphalt: broadband, with a maximum around 1 kHz (Sandberg & Ejsmont 2002)."""
    curve = [(40, -10), (120, -6), (400, -5), (800, 0), (1200, 0), (2200, -9), (5000, -20), (12000, -38)]
    return signal.noise(voice.rng, voice.length, curve)
