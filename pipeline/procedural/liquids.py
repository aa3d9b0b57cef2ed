"""Water that runs, bubbles, drips, splashes and breaks on a shore."""

import numpy as np

from ..audio import Floats
from . import ambience, schedule, signal
from .bubbles import bubble_radii, bubbles, many_bubbles
from .rain import drop_impacts
from .signal import RATE
from .voice import Voice


def _turbulence(voice: Voice, curve: signal.Curve, depth: float, rate_hz: float) -> Floats:
    """Return the slightly unsteady noise of turbulent water, stereo."""
    level = 1.0 + depth * signal.wander(voice.rng, voice.length, rate_hz)
    noise: Floats = signal.noise(voice.rng, voice.length, curve, channels=2) * np.clip(level, 0.2, 3.0)
    return noise


# Running water -------------------------------------------------------------------------------------------------------


def stream(voice: Voice) -> Floats:
    """A brook: bubbles from small falls, each with its own pitch range, over soft turbulence."""
    rng, length = voice.rng, voice.length
    flow = voice.setting("flow", 0.5)
    rate = 180.0 * 2.0 ** (1.5 * voice.density + 0.5 * voice.speed) * (0.5 + flow)
    total = np.zeros((2, length), np.float32)
    for low, high, share in ((350, 1100, 0.3), (700, 2200, 0.4), (1400, 4200, 0.3)):
        surge = np.exp(0.5 * signal.wander(rng, length, 2.5 * schedule.pace(voice)))
        total += many_bubbles(voice, rate * share * surge, low, high, rise=0.12)
    curve = [(60, -26), (250, -8), (600, 0), (1600, -3), (4000, -10), (9000, -16), (16000, -26)]
    rush = _turbulence(voice, curve, 0.12, 4.0)
    return signal.unit(total) + np.float32(0.25 + 0.5 * flow) * rush


def river(voice: Voice) -> Floats:
    """A river over stones: mostly turbulence, with rapids, and bubbles in the spray."""
    rng, length = voice.rng, voice.length
    curve = [(40, -14), (120, -6), (350, 0), (1000, -3), (3000, -9), (8000, -17), (16000, -28)]
    body = _turbulence(voice, curve, 0.1, 1.5)
    rapid = signal.noise(rng, length, [(300, -20), (800, 0), (2500, 0), (7000, -8), (14000, -18)], channels=2)
    rapid *= np.exp(0.35 * signal.wander(rng, length, 3.0 * schedule.pace(voice)))
    splash = many_bubbles(voice, 160.0 * 2.0**voice.density, 350, 2400, rise=0.08)
    return signal.mixed(body, 0.35 * rapid, 0.45 * signal.unit(splash))


def waterfall(voice: Voice) -> Floats:
    """Falling water: an almost steady, dense roar from the plunge pool with hissing spray above it."""
    curve = [(25, -12), (60, -3), (150, -2), (500, 0), (1500, -2), (4000, -6), (9000, -11), (16000, -20)]
    roar = _turbulence(voice, curve, 0.05, 2.0)
    spray = _turbulence(voice, [(1500, -24), (4000, 0), (10000, -2), (18000, -14)], 0.15, 5.0)
    plunge = many_bubbles(voice, 60.0 * 2.0**voice.density, 220, 900, rise=0.05)
    return signal.mixed(roar, 0.12 * spray, 0.2 * signal.unit(plunge))


def fountain(voice: Voice) -> Floats:
    """A fountain: jets fall back into a basin with a bright patter of drops and bubbles."""
    rng, length = voice.rng, voice.length
    pace = schedule.pace(voice)
    pulse = np.exp(0.25 * signal.wander(rng, length, 6.0 * pace))
    rain = drop_impacts(voice, 900.0 * 2.0**voice.density, level=pulse)
    pool = many_bubbles(voice, 240.0 * pulse * 2.0**voice.density, 600, 3200, rise=0.1, steepness=1.3)
    hiss = _turbulence(voice, [(400, -20), (1200, -4), (3500, 0), (9000, -5), (16000, -16)], 0.1, 6.0)
    return signal.mixed(0.7 * signal.unit(rain), 0.8 * signal.unit(pool), 0.6 * hiss)


def bubbling(voice: Voice, low_hz: float = 300.0, high_hz: float = 2400.0) -> Floats:
    """A boiling pot or bubbling mud: bubbles rise, burst through the surface and release their steam.

    Settings: `low_hz` and `high_hz`, the pitches of the bubbles; `rate_hz`, bubbles per second; `boil`, the share of
    rolling water and steam; `film`, the share of tearing films; `heave`, how unsteady the rate is; `thickness` of the
    liquid.
    """
    rng, length = voice.rng, voice.length
    low, high = voice.setting("low_hz", low_hz), voice.setting("high_hz", high_hz)
    rate = voice.setting("rate_hz", 120.0) * 2.0**voice.density * schedule.pace(voice)
    heave = np.exp(voice.setting("heave", 0.4) * signal.wander(rng, length, 3.0))
    times = signal.times_following(rng, rate * heave)
    radii = bubble_radii(rng, len(times), low, high)
    loud = rng.random(len(times)) ** 2 * (radii / radii.max(initial=1e-3)) ** 0.5
    popping = bubbles(voice, times, radii, loud, rise=0.08, thickness=voice.setting("thickness", 1.0))
    torn = signal.noise_bursts(rng, length, times + 0.004, loud, 0.005, signal.band(2 * low, 2.5 * high, 9))
    rolling = _turbulence(voice, [(60, -16), (200, -4), (600, 0), (1500, -4), (4000, -14), (12000, -30)], 0.1, 2.0)
    steam = _turbulence(voice, [(1000, -24), (4000, 0), (12000, -6)], 0.1, 1.0)
    boil, film = np.float32(voice.setting("boil", 0.35)), np.float32(voice.setting("film", 0.2))
    return signal.unit(popping) + film * signal.unit(torn) + boil * (rolling + 0.25 * steam)


def pouring(voice: Voice) -> Floats:
    """Water poured into a vessel: bubbles coloured by the air column, whose pitch rises as the vessel fills."""
    rng, length = voice.rng, voice.length
    fill = np.zeros(length, np.float32)
    level = np.zeros(length, np.float32)
    for start, end in schedule.bouts(voice, (3.0, 6.0), (0.8, 2.5)):
        span = slice(signal.seconds(start), min(signal.seconds(end), length))
        size = span.stop - span.start
        # In a bed, vessels are filled one after another; each takes a few seconds.
        turns = max(1, round((end - start) / (5.0 / schedule.pace(voice))))
        fill[span] = (np.linspace(0, turns, size) % 1.0).astype(np.float32)
        level[span] = np.minimum(1.0, np.minimum(np.linspace(0, 12, size), np.linspace(8, 0, size)))
    level *= np.exp(0.3 * signal.wander(rng, length, 8.0))
    depth_m = voice.setting("depth_m", 0.16)
    column_hz = 343.0 / (4.0 * (depth_m * (1.0 - 0.8 * fill) + 0.01))
    splash = many_bubbles(voice, 420.0 * 2.0**voice.density * level, 700, 6000, rise=0.12, steepness=1.2)
    jet = signal.noise(rng, length, signal.band(500, 6000)) * level
    mono = splash.mean(axis=0) / np.float32(signal.rms(splash) + 1e-9)
    inside = signal.swept_band(mono + 0.4 * jet, column_hz, 0.6)
    return ambience.indoors(voice, signal.unit(splash) + 0.6 * jet + 0.4 * signal.unit(inside), share=0.2)


def underwater(voice: Voice) -> Floats:
    """Underwater: a low muffled rumble, and large bubbles that rise in streams."""
    rng, length = voice.rng, voice.length
    rumble = _turbulence(voice, [(25, -4), (70, 0), (200, -6), (600, -18), (2000, -36), (8000, -60)], 0.3, 0.6)
    breaths = np.zeros(length, np.float32)
    for start in schedule.events(voice, 1.6, length_s=1.0):
        swell = np.hanning(signal.seconds(rng.uniform(0.8, 1.8) / schedule.pace(voice))).astype(np.float32)
        signal.place(breaths, swell**0.5, start, rng.uniform(0.4, 1.0))
    streams = many_bubbles(voice, 160.0 * 2.0**voice.density * (breaths + 0.05), 250, 1600, rise=0.08)
    churn = signal.noise(rng, length, [(60, -10), (180, 0), (500, -3), (1200, -14), (3000, -34)], channels=2)
    churn *= breaths
    return 0.5 * rumble + signal.lowpass(signal.unit(streams), 2200.0) + 0.7 * signal.unit(churn)


# Single drops and splashes -------------------------------------------------------------------------------------------


def dripping(voice: Voice) -> Floats:
    """Drops that fall into still water: a tick of the impact, then the enclosed bubble and those of the splash."""
    rng = voice.rng
    times, radii, gains = [], [], []
    places = [(rng.uniform(0.0, 1.5), rng.uniform(520, 1400), rng.uniform(0.5, 1.0)) for _ in range(5)]
    if voice.role == "one-shot":
        moments = [(time, *places[0][1:]) for time in schedule.events(voice, 1.0, length_s=0.3)]
    else:
        moments = []
        for offset, pitch, gain in places:
            drops = offset + schedule.events(voice, 1.9, length_s=0.2, evenness=6.0)
            moments += [(time, pitch, gain) for time in drops if time < voice.duration_s - 0.15]
    for time, pitch, gain in moments:
        loud = gain * rng.uniform(0.6, 1.0)
        for delay, share in ((0.0, 1.0), (rng.uniform(0.02, 0.05), 0.9), (rng.uniform(0.06, 0.12), 0.6)):
            times.append(time + delay)
            radii.append(3.0 / (pitch * rng.uniform(0.92, 1.1) * (1.0 + delay)))
            gains.append(loud * share)
    rings = bubbles(voice, np.array(times), np.array(radii), np.array(gains), rise=1.0, width=0.4)
    ticks = signal.noise_bursts(
        rng, voice.length, np.array(times) - 0.018, 0.5 * np.array(gains), 0.004, signal.band(2500, 12000)
    )
    return ambience.indoors(voice, rings + ticks, decay_s=0.3, share=0.1, air_db=-27.0)


def splashing(voice: Voice) -> Floats:
    """Something hits the water: a slap, a burst of spray, then bubbles as the cavity closes."""
    rng, length = voice.rng, voice.length
    out = np.zeros((2, length), np.float32)
    size = voice.setting("size", 1.0)
    for start in schedule.events(voice, voice.setting("interval_s", 1.3), length_s=1.2):
        loud = rng.uniform(0.4, 1.0)
        spread = rng.uniform(0.25, 0.5) * size / schedule.pace(voice) ** 0.5
        count = int(220 * size)
        times = start + 0.04 + rng.gamma(2.0, spread / 2, count)
        radii = bubble_radii(rng, count, 300 / size**0.5, 4500, steepness=1.4)
        gains = loud * rng.random(count) ** 2 * (radii / 0.01) ** 0.4
        out += 0.35 * bubbles(voice, times, radii, gains, rise=0.15)
        burst = signal.noise(rng, signal.seconds(6 * spread), signal.band(300, 6000, 6), channels=2)
        time = np.arange(burst.shape[1], dtype=np.float32) / RATE
        burst *= np.exp(-time / np.float32(spread * 0.45)) * (1 - np.exp(-time / np.float32(0.012)))
        spray = 1.0 + 0.5 * signal.wander(rng, burst.shape[1], 40.0)
        for channel in range(2):
            signal.place(out[channel], burst[channel] * np.maximum(spray, 0.0), start, 0.35 * loud)
    still = _turbulence(voice, [(120, -10), (300, 0), (1200, -6), (4000, -16), (12000, -32)], 0.3, 1.5)
    return signal.peak(out) + 0.012 * still


# Waves ---------------------------------------------------------------------------------------------------------------


def waves(voice: Voice) -> Floats:
    """Surf: waves swell, break and run up the beach, at several places along the shore.

    Each wave is a growing rumble, a crash with bright spray, and a long hiss of foam that fades as the water runs back.
    """
    rng, length = voice.rng, voice.length
    rumble = signal.noise(rng, length, [(25, -14), (70, -3), (180, 0), (500, -8), (1500, -24)], channels=2)
    crash = signal.noise(rng, length, [(60, -10), (200, -1), (600, 0), (1500, -2), (4000, -8), (9000, -16)], channels=2)
    foam = signal.noise(rng, length, [(400, -18), (1200, -3), (2500, 0), (5000, -5), (10000, -14)], channels=2)
    levels = np.zeros((3, 2, length), np.float32)
    for start, loud, pan in _wave_sets(voice):
        rise = rng.uniform(1.2, 2.2) / schedule.pace(voice)
        run = rng.uniform(1.6, 2.6) / schedule.pace(voice)
        pieces = _wave(rise, run)
        for level, piece in zip(levels, pieces, strict=True):
            for channel, side in enumerate((1.0 - pan, 1.0 + pan)):
                signal.place(level[channel], piece, start - rise, loud * side**0.5)
    size = np.float32(voice.setting("size", 0.5))
    flicker = np.exp(0.2 * signal.wander(rng, length, 9.0))
    sea = 0.06 + 0.04 * signal.drift(rng, length, 0.4)
    return signal.mixed(
        (0.4 + size) * rumble * (sea + levels[0]),
        crash * (0.6 * sea + levels[1]) * flicker,
        (0.45 - 0.2 * size) * foam * (0.25 * sea + levels[2]),
    )


def _wave_sets(voice: Voice) -> list[tuple[float, float, float]]:
    """Return the time of breaking, loudness and pan of every wave."""
    rng = voice.rng
    period = voice.setting("period_s", 6.5) * 2.0 ** -(voice.speed + 0.3 * voice.density)
    if voice.role == "one-shot":
        return [(time + 1.5, 1.0, 0.0) for time in schedule.events(voice, period, length_s=5.0)]
    found = []
    for share, count in ((1.0, 1), (0.3, 2)):  # the beach in front, and the shore at both sides
        for _ in range(count):
            pan = rng.uniform(-0.25, 0.25) if share == 1.0 else rng.uniform(-0.9, 0.9)
            time = rng.uniform(-0.4, 0.25) * period
            while time < voice.duration_s + 3.0:
                found.append((time, share * rng.uniform(0.55, 1.0), pan))
                time += period * rng.uniform(0.7, 1.3)
    return found


def _wave(rise_s: float, run_s: float) -> tuple[Floats, Floats, Floats]:
    """Return the levels over time of rumble, crash and foam of one wave, which breaks after `rise_s`."""
    time = np.arange(signal.seconds(rise_s + 5.0 * run_s), dtype=np.float32) / RATE - np.float32(rise_s)
    before = np.clip(1.0 + time / np.float32(rise_s), 0.0, 1.0)
    after = np.maximum(time, 0.0)
    rise = np.square(before)
    rumble = rise * np.exp(-after / np.float32(0.9 * run_s))
    crash = np.square(rise) * np.exp(-after / np.float32(0.55 * run_s))
    foam = np.where(time > 0, 1.0 - np.exp(-after / 0.5), 0.0) * np.exp(-after / np.float32(0.7 * run_s))
    fade = np.minimum(1.0, np.linspace(8, 0, len(time), dtype=np.float32))
    return rumble * fade, crash * fade, foam.astype(np.float32) * fade


def lapping(voice: Voice) -> Floats:
    """Small waves against a bank, a hull or a pier: soft slaps and gurgles at the rhythm of the ripples."""
    rng, length = voice.rng, voice.length
    out = np.zeros((2, length), np.float32)
    curve = [(120, -12), (300, -2), (700, 0), (1600, -6), (5000, -18), (12000, -32)]
    wash = signal.noise(rng, length, curve, channels=2)
    level = np.zeros((2, length), np.float32)
    for place in range(3):
        pan = rng.uniform(-0.8, 0.8)
        interval = rng.uniform(1.1, 1.8)
        for start in schedule.events(voice, interval, length_s=0.7, evenness=6.0):
            loud = rng.uniform(0.35, 1.0) * (1.0 - 0.2 * place)
            size = signal.seconds(rng.uniform(0.5, 1.0) / schedule.pace(voice))
            bump = np.hanning(size).astype(np.float32) ** np.float32(1.4)
            signal.place_panned(level, bump, start, loud, pan)
            count = int(rng.integers(8, 26))
            times = start + size / RATE * rng.beta(2.5, 2.5, count)
            radii = bubble_radii(rng, count, 220, 1500)
            out += bubbles(voice, times, radii, loud * rng.random(count) ** 1.5, rise=0.25, width=0.5 * abs(pan) + 0.2)
    bed = signal.noise(rng, length, [(60, -8), (200, 0), (800, -10), (3000, -22), (12000, -40)], channels=2)
    return signal.mixed(signal.unit(out), 0.9 * signal.unit(wash * (0.06 + level)), 0.12 * bed)
