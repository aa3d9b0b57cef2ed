"""Roads and rails: traffic, the hum of a town, trains and bicycles."""

from dataclasses import replace

import numpy as np

from ..audio import Floats
from . import ambience, schedule, signal
from .engines import Parts, exhaust, parts, pass_by, tyres
from .signal import RATE
from .voice import Voice

_HEARD_S = 6.0  # how long before and after its nearest point a car is audible on its own


def traffic(voice: Voice) -> Floats:
    """A street: cars pass at random times on two lanes, above the murmur of distant ones.

    Settings: `cars_hz`, cars per second; `near_m`, distance of the first lane; `speed_m_s`; `motors`, `far` and `wet`,
    the levels of the engines, of the murmur and of wet tyres.
    """
    rng, length = voice.rng, voice.length
    rate = voice.setting("cars_hz", 0.5) * 2.0 ** (1.2 * voice.density + 0.5 * voice.speed)
    lead_s = 4.0
    # Drivers keep a distance, so the gaps between cars are Erlang distributed, not exponentially (Haight 1963).
    count = int((voice.duration_s + 2 * lead_s) * rate) + 2
    times = np.cumsum(rng.gamma(3.0, 1.0 / (3.0 * rate), count)) - lead_s
    road, motors = _road(voice), _motors(voice)
    out = np.zeros((2, length), np.float32)
    for at in times[times < voice.duration_s + lead_s]:
        lane = rng.integers(0, 2)
        nearest = voice.setting("near_m", 7.0) * (1.0 + 0.5 * lane) * rng.uniform(0.9, 1.3)
        speed = voice.setting("speed_m_s", 13.0) * rng.uniform(0.75, 1.25) * 2.0 ** (0.4 * voice.speed)
        # Before and after that span, the car is part of the murmur.
        first = int(np.clip(signal.seconds(at - _HEARD_S), 0, length - 1))
        last = int(np.clip(signal.seconds(at + _HEARD_S), first + 1, length))
        stage = replace(voice, duration_s=(last - first) / RATE)
        motor, side = motors[rng.integers(0, len(motors))], (-1.0, 1.0)[lane]
        car = _car(stage, road, motor, at - first / RATE, nearest, speed, side)
        out[:, first:last] += car * _nearby(first / RATE - at, last - first)
    far = signal.noise(rng, length, [(30, -6), (60, 0), (250, -2), (500, -8), (1000, -12), (3000, -24)], channels=2)
    far *= np.exp(0.15 * signal.wander(rng, length, 0.4))
    return signal.unit(out) + np.float32(voice.setting("far", 0.2)) * far


def _road(voice: Voice) -> Parts:
    """Return the rolling noise that all cars use; a wet road adds a hiss."""
    low, high = parts(tyres(voice))
    return low, high + np.float32(voice.setting("wet", 0.0)) * signal.highpass(high, 2500.0)


def _motors(voice: Voice) -> list[Floats]:
    """Return two engines at driving speed, which many cars use in different gears."""
    kinds = [(1900.0, 4, 0.75), (1250.0, 6, 0.5)]
    found = []
    for rpm, cylinders, muffler in kinds:
        settings = {"cylinders": cylinders, "muffler": muffler, "rattle": 0.0, "whir": 0.0, "knock": 0.25}
        driver = Voice(voice.duration_s, voice.rng, params=settings)
        drift = 1.0 + 0.06 * signal.wander(voice.rng, voice.length, 0.3)
        found.append(signal.unit(exhaust(driver, rpm * drift)))
    return found


def _car(
    voice: Voice, road: Parts, motor: Floats, at_s: float, nearest_m: float, speed_m_s: float, side: float
) -> Floats:
    """Return one passing car; each car takes the shared road noise and engine from a random position."""
    offset = int(voice.rng.integers(0, len(motor)))
    share = np.float32(voice.setting("motors", 1.0) * voice.rng.uniform(0.5, 1.3))
    gear = voice.rng.uniform(0.8, 1.25)

    def sound(doppler: Floats) -> Parts:
        low, high = (_from(each, offset, voice.length) for each in road)
        return low + share * _played(motor, gear * doppler), high

    loud = np.float32(voice.rng.uniform(0.6, 1.0) * (7.0 / nearest_m) ** 0.5)
    return loud * pass_by(voice, sound, speed_m_s=speed_m_s, nearest_m=nearest_m, at_s=at_s, direction=side)


def _nearby(start_s: float, length: int) -> Floats:
    """Return the level over time of a car that emerges from the murmur and fades back; it is nearest at time 0."""
    step = RATE // 100
    time_s = start_s + np.arange(length // step + 2) / 100
    away = np.clip((np.abs(time_s) / _HEARD_S - 0.6) / 0.4, 0.0, 1.0)
    return signal.joined(0.5 + 0.5 * np.cos(np.pi * away), step, length)


def _from(samples: Floats, start: int, length: int) -> Floats:
    """Return `length` samples from `start` on, wrapping around; `length` is at most that of the samples."""
    return np.concatenate([samples[start : start + length], samples[: max(start + length - len(samples), 0)]])


def _played(samples: Floats, speed: Floats) -> Floats:
    """Return the samples, looped, at a varying speed; linear interpolation dulls them above 5 kHz."""
    at = np.cumsum(2.0 * speed[::2], dtype=np.float64)
    whole = at.astype(np.int32)
    part = (at - whole).astype(np.float32)
    whole %= len(samples)
    ahead = np.append(samples, samples[0])
    half = ahead[whole] * (1.0 - part) + ahead[whole + 1] * part
    return signal.joined(np.append(half, half[-1]), 2, len(speed))


def city(voice: Voice) -> Floats:
    """A town from a window or a hill: a low roar of distant traffic in which single engines swell and fade."""
    rng, length = voice.rng, voice.length
    # As measured above a town: 5 dB less per octave above 250 Hz.
    curve = [(25, -4), (50, 0), (120, -1), (250, -2), (500, -9), (1000, -14), (2000, -21), (4000, -31), (9000, -42)]
    roar = signal.noise(rng, length, curve, channels=2) * np.exp(0.12 * signal.wander(rng, length, 0.3))
    out = roar
    for motor in _motors(voice):
        far = signal.lowpass(motor, 700.0)
        for _ in range(3):  # other cars of this kind elsewhere in the street
            swell = np.clip(0.5 + 0.6 * signal.wander(rng, length, 0.22 * schedule.pace(voice)), 0.0, 1.6)
            angle = (rng.uniform(-0.9, 0.9) + 1.0) * np.pi / 4
            passing = np.roll(far, rng.integers(length)) * swell * np.float32(voice.setting("motors", 1.7))
            out = out + np.array([[np.cos(angle)], [np.sin(angle)]], np.float32) * passing
    hiss = signal.noise(rng, length, [(300, -10), (800, 0), (1600, -6), (5000, -24)], channels=2)
    swish = np.clip(0.5 + 0.7 * signal.wander(rng, length, 0.35), 0.0, 3.0)
    return signal.mixed(out, voice.setting("swish", 0.25) * 2.0**voice.density * hiss * swish)


# Rails ---------------------------------------------------------------------------------------------------------------


def train(voice: Voice) -> Floats:
    """A train on jointed rails: the two axles of each bogie knock at every joint, and the wheels roar in between.

    Settings: `joints_s`, the time between two joints at the usual speed; `motor_hz`; `knock`, `roar`, `squeal` (of the
    flanges) and `motor`, the levels.
    """
    rng, length = voice.rng, voice.length
    pace = schedule.pace(voice) ** 0.7
    out, swell = np.zeros((2, length), np.float32), np.zeros(length, np.float32)
    interval = voice.setting("joints_s", 1.25)
    axle, bogie = 0.17 / pace, 0.5 / pace  # 2.6 m and 7.7 m between two coaches at 15 m/s
    hits = [_joint(voice) for _ in range(4)]
    bump = np.hanning(signal.seconds(1.1 / pace)).astype(np.float32)
    for start in schedule.rhythm(voice, (-0.5, voice.duration_s), interval, jitter=0.02):
        signal.place(swell, bump, start + 0.5 * (bogie + axle) - 0.55 / pace, rng.uniform(0.7, 1.0))
        for offset, strength in ((0.0, 0.8), (axle, 1.0), (bogie, 0.9), (bogie + axle, 0.7)):
            time = start + offset + rng.normal(0, 0.006)
            loud, pan = strength * rng.uniform(0.5, 1.0), rng.uniform(-0.25, 0.25)
            signal.place_panned(out, hits[rng.integers(0, len(hits))], time, loud, pan)
    rumble_curve = [
        (25, -16),
        (60, -8),
        (120, 0),
        (280, -1),
        (500, -9),
        (1000, -14),
        (2000, -20),
        (4000, -29),
        (8000, -42),
    ]
    rumble = signal.noise(rng, length, rumble_curve, channels=2)
    rumble *= (0.35 + swell) * np.clip(1.0 + 0.2 * signal.wander(rng, length, 12.0), 0.3, 2.0)
    mix: Floats = np.float32(voice.setting("knock", 0.6)) * signal.unit(out)
    mix = mix + np.float32(voice.setting("roar", 0.9)) * signal.unit(rumble)
    if squeal := voice.setting("squeal", 0.0):
        mix = mix + np.float32(squeal) * _squeal(voice)
    if motor := voice.setting("motor", 0.0):
        frequency = voice.setting("motor_hz", 95.0) * pace * (1.0 + 0.02 * signal.wander(rng, length, 0.3))
        mix = signal.mixed(
            mix, np.float32(motor) * signal.unit(signal.tone(frequency, length, 1.0 / np.arange(1, 16) ** 0.8))
        )
    return mix * schedule.presence(voice)


def _joint(voice: Voice) -> Floats:
    """Return the knock of a wheel on a rail joint: a thud of sleeper and ballast, steel on steel, and a short ring."""
    rng = voice.rng
    time = np.arange(signal.seconds(0.3), dtype=np.float32) / RATE
    thud = signal.noise(
        rng, len(time), [(50, -20), (130, -4), (220, 0), (420, 0), (800, -10), (2000, -22), (5000, -36)]
    )
    thud *= np.exp(-time / np.float32(rng.uniform(0.03, 0.05))) * (1 - np.exp(-time / np.float32(0.004)))
    clack = signal.noise(rng, len(time), [(300, -12), (900, 0), (2500, -2), (6000, -10), (12000, -24)])
    clack *= np.exp(-time / np.float32(0.012))
    ring = np.array([240, 385, 520, 760, 1180, 1900]) * rng.uniform(0.94, 1.06, 6)
    rail = signal.modes(ring, 0.035, [0.7, 1.0, 0.9, 0.6, 0.4, 0.25], rng=rng)[: len(time)]
    out = signal.peak(thud) + 0.12 * signal.peak(clack)
    out[: len(rail)] += rail
    return signal.peak(out)


def _squeal(voice: Voice) -> Floats:
    """Return wheel flanges that squeal in curves: a few high tones that come and go."""
    rng, length = voice.rng, voice.length
    out = np.zeros(length, np.float32)
    for frequency in (1900.0, 2730.0, 3650.0):
        level = np.clip(signal.wander(rng, length, 0.5) - 0.3, 0.0, 2.0)
        tone = signal.tone(frequency * rng.uniform(0.9, 1.1) * (1 + 0.003 * signal.wander(rng, length, 6.0)), length)
        out += tone * level
    return signal.unit(out)


# Bicycles ------------------------------------------------------------------------------------------------------------


def bicycle(voice: Voice) -> Floats:
    """A bicycle: the chain runs while pedalling, the freewheel ticks while coasting, the tyres whisper."""
    rng, length = voice.rng, voice.length
    pace = schedule.pace(voice)
    speed = np.clip(1.0 + 0.15 * signal.wander(rng, length, 0.4), 0.5, 1.6) * pace
    coasting = np.clip(2.5 * signal.wander(rng, length, 0.35) + 0.4, 0.0, 1.0)
    moving = schedule.presence(voice)
    ticks_at = np.flatnonzero(np.diff(np.floor(np.cumsum(24.0 * speed) / RATE)))
    pawls = rng.uniform(0.6, 1.0, 3)[np.arange(len(ticks_at)) % 3]
    level = (coasting * moving)[ticks_at] * pawls
    pawl = signal.modes([2600, 3900, 5400, 7300], [0.0022, 0.0018, 0.0014, 0.001], [1.0, 0.9, 0.7, 0.5], rng=rng)
    ticks = signal.convolve(signal.impulses(length, ticks_at / RATE, level), pawl)
    links_at = np.flatnonzero(
        np.diff(np.floor(np.cumsum(46.0 * speed * (1 + 0.1 * signal.wander(rng, length, 6.0))) / RATE))
    )
    links = rng.gamma(1.2, 0.8, len(links_at)) * ((1.0 - 0.8 * coasting) * moving)[links_at]
    link = signal.modes([1150, 1900, 3100, 4700], [0.005, 0.004, 0.003, 0.002], [0.7, 1.0, 0.8, 0.5], rng=rng)
    chain = signal.convolve(signal.impulses(length, links_at / RATE, links), link)
    pedal = 0.7 + 0.3 * np.sin(2 * np.pi * np.cumsum(1.1 * speed) / RATE)
    tyre = signal.noise(rng, length, [(80, -6), (250, 0), (700, -3), (1800, -8), (5000, -18), (12000, -32)], channels=2)
    gravel = signal.noise_bursts(
        rng, length, signal.poisson_times(rng, voice.duration_s, 90.0), 1.0, 0.002, signal.band(900, 6000)
    )
    contact = 0.5 * signal.unit(ticks) + 0.5 * signal.unit(chain * pedal) + 0.2 * signal.unit(gravel * moving)
    rolling = contact.astype(np.float32) + 0.8 * tyre * (speed * moving)
    return ambience.outdoors(voice, rolling, share=0.037, air_db=-36.0)


# Boats ---------------------------------------------------------------------------------------------------------------


def motor_boat(voice: Voice) -> Floats:
    """A motor boat: the engine gargles through the water, the bow slaps, and a wash follows."""
    rng, length = voice.rng, voice.length
    settings = {"cylinders": 2, "muffler": 0.5, "pipe_m": 1.3, "bore": 1.2, "uneven": 0.25, "lag": 0.08, "rattle": 0.06}
    settings |= voice.params
    motor = Voice(voice.duration_s, rng, roughness=voice.roughness, params=settings)
    rpm = voice.setting("rpm", 2300.0) * 2.0 ** (0.6 * voice.speed)
    surge = 1.0 + 0.05 * signal.wander(rng, length, 0.7) + 0.02 * signal.wander(rng, length, 4.0)
    gargle = np.clip(1.0 + 0.3 * signal.wander(rng, length, 9.0), 0.2, 2.2)
    running = signal.unit(exhaust(motor, rpm * surge)) * gargle
    wash = signal.noise(rng, length, [(60, -8), (200, 0), (700, -2), (2000, -6), (5000, -12), (12000, -26)], channels=2)
    slaps = np.zeros(length, np.float32)
    for start in schedule.rhythm(voice, (0.0, voice.duration_s), voice.setting("slaps_s", 0.75), jitter=0.3):
        bump = np.hanning(signal.seconds(rng.uniform(0.27, 0.66) * voice.setting("slaps_s", 0.75))).astype(np.float32)
        signal.place(slaps, bump, start, rng.uniform(0.4, 1.0))
    return signal.mixed(running, np.float32(voice.setting("wash", 0.5)) * wash * (0.5 + slaps))
