"""Moving air: wind and what it moves, thunder, and the quiet of rooms and wide spaces.

The wind follows Farnell (2010), "Designing Sound": gusts drive everything at once. The roar of turbulence and its
corner frequency grow with the speed U, edges and wires whistle at the vortex frequency 0.2 U / d (Strouhal), and
leaves and cloth follow a moment later.
"""

import numpy as np

from ..audio import Floats
from ..checkpoint import checkpoint
from . import ambience, bodies, schedule, signal
from .signal import RATE
from .voice import Voice


def gusts(voice: Voice, calm: float = 0.3, rate_hz: float = 0.25) -> Floats:
    """Return the speed of the wind over time, about `calm` .. 1: slow gusts with faster flurries."""
    rng, length = voice.rng, voice.length
    pace = schedule.pace(voice)
    slow = signal.drift(rng, length, rate_hz * pace)
    fast = signal.wander(rng, length, 1.8 * pace)
    speed: Floats = calm + (1.0 - calm) * slow * np.clip(1.0 + 0.22 * fast, 0.2, 1.7)
    return np.clip(speed, 0.05, 1.3).astype(np.float32)


def wind(voice: Voice) -> Floats:
    """Wind over open ground: a roar that opens with the gusts, and hollow tones where edges shed vortices."""
    rng, length = voice.rng, voice.length
    speed = gusts(voice, voice.setting("calm", 0.3), voice.setting("gust_hz", 0.45))
    howl = voice.setting("howl", 0.5) * 2.0 ** (0.6 * voice.roughness)
    channels = []
    for _ in range(2):
        own = np.clip(speed * (1.0 + 0.12 * signal.wander(rng, length, 1.0)), 0.05, 1.5)
        roar = signal.swept_band(
            signal.noise(rng, length, signal.pink_slope(-3.0, 50.0, 4000.0)),
            160 + 330 * own,
            1.4,
        )
        # The wind carries eddies of all sizes, which interrupt its roar many times per second.
        ragged = np.clip(1.0 + voice.setting("ragged", 0.7) * signal.wander(rng, length, 9.0), 0.1, 3.0)
        channels.append(signal.unit(roar * own**1.5 * ragged))
    whistle = np.zeros(length, np.float32)
    for size in (1.0, 1.55, 2.5):
        checkpoint()
        lagged = np.clip(speed * (1.0 + 0.15 * signal.wander(rng, length, 1.3)), 0.05, 1.5)
        tuned = signal.swept_band(signal.noise(rng, length), size * (240 + 420 * lagged), 0.22)
        whistle += signal.unit(tuned * lagged**2.2) / size
    hiss = signal.noise(rng, length, [(300, -20), (1200, -4), (3000, 0), (8000, -8), (16000, -24)], channels=2)
    air = hiss * speed**2
    return np.stack(channels) + np.float32(howl) * signal.unit(whistle) + np.float32(voice.setting("hiss", 0.12)) * air


def drifting(voice: Voice) -> Floats:
    """Snow, sand or dust driven by wind: sheets of grains hiss over the ground, above a thin wind."""
    rng, length = voice.rng, voice.length
    speed = gusts(voice, 0.2, 0.35)
    low = voice.setting("low_hz", 2500.0)
    sheets = []
    for _ in range(2):
        grains = signal.times_following(rng, 2500.0 * 2.0**voice.density * np.clip(speed - 0.15, 0, 2) ** 2 + 1e-3)
        gains = rng.gamma(1.5, 0.7, len(grains))
        sheets.append(signal.noise_bursts(rng, length, grains, gains, 0.0009, signal.band(low, 4.5 * low, 9)))
    base = wind(voice)
    return signal.unit(base) + np.float32(voice.setting("grains", 0.5)) * signal.unit(np.stack(sheets))


# Leaves, grass, cloth ------------------------------------------------------------------------------------------------


def foliage(voice: Voice) -> Floats:
    """Leaves in wind: thousands of small contacts and a noise that follow the gusts.

    Settings: `low_hz` and `high_hz`, the band of a contact (broad leaves low, needles and grass high); `dry`, from 0
    (supple) to 1 (crisp: single clicks stand out); `roar`, the share of the noise of the wind itself.
    """
    rng, length = voice.rng, voice.length
    speed = gusts(voice, voice.setting("calm", 0.2), 0.3)
    low, high, dry = voice.setting("low_hz", 1200.0), voice.setting("high_hz", 7000.0), voice.setting("dry", 0.3)
    channels = []
    for _ in range(2):
        lag = signal.seconds(rng.uniform(0.05, 0.4))  # the gust reaches each side at a different time
        own = np.roll(speed, lag) * np.clip(1.0 + 0.25 * signal.wander(rng, length, 3.0), 0.1, 2.0)
        rustle = signal.noise(rng, length, [(low / 4, -26), (low, 0), (high, -2), (2 * high, -14)]) * own**2.2
        touches = signal.times_following(rng, 380.0 * 2.0**voice.density * own**2 + 1e-3)
        gains = rng.pareto(2.2, len(touches)) + 0.2
        clicks = signal.noise_bursts(
            rng, length, touches, gains, 0.0022 - 0.0012 * dry, signal.band(low, 1.5 * high, 9)
        )
        channels.append(signal.unit(rustle) + np.float32(0.3 + 1.2 * dry) * signal.unit(clicks))
    roar = signal.noise(rng, length, [(40, -12), (120, 0), (400, -4), (1000, -14), (3000, -30)], channels=2) * speed**2
    return signal.mixed(np.stack(channels), np.float32(voice.setting("roar", 0.4)) * signal.unit(roar))


def scuttling(voice: Voice) -> Floats:
    """Dry leaves blown over the ground: short runs of scrapes and ticks amid the rustle of other leaves."""
    rng, length = voice.rng, voice.length
    speed = gusts(voice, voice.setting("calm", 0.1), 0.4)
    channels = []
    for _ in range(2):
        runs = signal.times_following(rng, 5.0 * 2.0**voice.density * speed + 1e-3)
        sizes = rng.integers(3, 14, len(runs))
        times = np.repeat(runs, sizes) + rng.random(sizes.sum()) * np.repeat(rng.uniform(0.1, 0.5, len(runs)), sizes)
        gains = np.repeat(rng.uniform(0.2, 1.0, len(runs)), sizes) * rng.random(sizes.sum()) ** 1.5
        ticks = signal.noise_bursts(rng, length, times, gains, 0.0014, signal.band(1800, 9000, 9))
        scrape = signal.one_pole(signal.impulses(length, times, gains), 0.03)
        drag = signal.noise(rng, length, [(500, -20), (2000, -3), (5000, 0), (11000, -8)]) * scrape
        channels.append(0.3 * signal.unit(ticks) + 0.7 * signal.unit(drag))
    # Many leaves merge into one rustle; few are heard one by one.
    return signal.mixed(np.stack(channels), np.float32(1.2 * 2.5**voice.density) * signal.unit(foliage(voice)))


def flapping(voice: Voice) -> Floats:
    """A flag, sail or tent in wind: the cloth snaps at an irregular rate, hardest in the gusts."""
    rng, length = voice.rng, voice.length
    speed = gusts(voice, 0.5, 0.4)
    rate = voice.setting("rate_hz", 6.5) * schedule.pace(voice)
    turns = np.cumsum(rate * (0.4 + speed) * np.clip(1.0 + 0.4 * signal.wander(rng, length, 2.0), 0.2, 2.5)) / RATE
    snaps = np.flatnonzero(np.diff(np.floor(turns))) / RATE
    force = np.interp(snaps, np.arange(length) / RATE, speed) ** 1.3 * rng.gamma(2.0, 0.5, len(snaps))
    heavy = voice.setting("heavy", 0.5)
    # The cloth never rests: each snap is the crest of a ripple that runs along it.
    ripple = signal.one_pole(signal.impulses(length, snaps, force), 0.05 + 0.05 * heavy)
    ripple = signal.lowpass(ripple / (np.mean(ripple) + 1e-9), 14.0, order=1)
    crest = ripple / (1.0 + 0.6 * np.maximum(ripple, 0.0))
    channels = []
    for _ in range(2):
        flutter = np.clip(1.0 + 0.35 * signal.wander(rng, length, 25.0), 0.1, 2.5)
        cloth = signal.noise(rng, length, [(150, -14), (400, -2), (1100, 0), (3000, -7), (7000, -18), (14000, -34)])
        channels.append(cloth * (voice.setting("loose", 1.0) * speed + crest) * flutter)
    thump = signal.noise(rng, length, signal.band(50, 260)) * crest
    crack = signal.noise_bursts(rng, length, snaps, np.maximum(force - 1.0, 0.0), 0.004, signal.band(700, 6000, 6))
    breeze = (
        signal.noise(rng, length, [(40, -8), (120, 0), (400, -4), (1500, -14), (6000, -30)], channels=2) * speed**1.5
    )
    return signal.mixed(
        signal.unit(np.stack(channels)),
        np.float32(0.3 + 0.5 * heavy) * signal.unit(thump),
        np.float32(voice.setting("crack", 0.15)) * signal.unit(crack),
        0.6 * signal.unit(breeze),
    )


# Thunder -------------------------------------------------------------------------------------------------------------


def thunder(voice: Voice) -> Floats:
    """Thunder: the N-waves of all segments of a winding channel arrive one after another (Few 1969; Ribner & Roy 1982).

    The nearest segments give the clap, the far ones the rumble. The later a wave arrives, the more of its highs the air
    has absorbed.
    """
    rng, length = voice.rng, voice.length
    out = np.zeros((2, length), np.float32)
    near_m = voice.setting("near_m", 900.0)
    for start in _strokes(voice):
        stroke = _stroke(voice, near_m * rng.uniform(0.7, 1.4))
        for channel in range(2):
            signal.place(out[channel], stroke[channel], start)
    storm = signal.noise(rng, length, [(30, -10), (100, 0), (400, -7), (2000, -20), (8000, -34)], channels=2)
    return signal.unit(out) + np.float32(voice.setting("air", 0.06)) * storm


def _strokes(voice: Voice) -> Floats:
    times = schedule.events(voice, 7.0, length_s=7.0, evenness=5.0)
    return np.minimum(times, max(0.15 * voice.duration_s, 0.3)) if len(times) == 1 else times


def _stroke(voice: Voice, near_m: float) -> Floats:
    """Return one peal of thunder, stereo, cut after 15 s."""
    rng, length = voice.rng, signal.seconds(15.0)
    pieces = 900
    # The channel is a random walk of a few kilometres. Where many segments are equally far, they add up to a clap.
    height = np.cumsum(rng.normal(1.0, 2.2, pieces))
    reach = np.hypot(near_m, 5.5 * np.abs(height - height.min() * 0.3)) + np.cumsum(rng.normal(0, 14.0, pieces))
    reach = np.abs(reach - reach.min()) + near_m
    delays = (reach - near_m) / 343.0 / schedule.pace(voice) ** 0.5
    gains = (near_m / reach) ** 0.9 * rng.gamma(1.2, 0.8, pieces)
    out = np.zeros((2, length), np.float32)
    for low, high in ((0.0, 0.35), (0.35, 1.6), (1.6, 14.0)):
        mine = (delays >= low) & (delays < high)
        if not mine.any():
            continue
        far_m = float(np.mean(reach[mine]))
        for channel in range(2):
            lag = rng.uniform(0, 0.004, mine.sum())
            train = signal.impulses(length, delays[mine] + lag, gains[mine])
            out[channel] += signal.convolve(train, _boom(voice, far_m))
    return out


def _boom(voice: Voice, distance_m: float) -> Floats:
    """Return one N-wave on arrival: longer and duller with distance, blurred by echoes from hills and clouds."""
    rng = voice.rng
    size = signal.seconds(0.9)
    time = np.arange(size, dtype=np.float32) / RATE
    corner = 2600.0 * (900.0 / distance_m) ** 1.2 * 2.0**voice.brightness
    blur = signal.noise(
        rng, size, [(20, -4), (55, 0), (140, -3), (max(corner, 160.0), -16), (max(4 * corner, 700.0), -44)]
    )
    wave = blur * np.exp(-time / np.float32(0.05 + 0.12 * min(distance_m / 3000.0, 1.5)))
    return wave * (1.0 - np.exp(-time / np.float32(0.002 + 0.01 * distance_m / 2000.0)))


# Quiet ---------------------------------------------------------------------------------------------------------------


def room_tone(voice: Voice) -> Floats:
    """The near-silence of a room: soft air, faint ventilation, a trace of mains hum, and sometimes the house settling.

    The air follows the noise criterion (NC) curves for rooms, which fall by about 4 dB per octave.
    """
    rng, length = voice.rng, voice.length
    curve = [(25, -16), (60, -3), (125, 0), (500, -8), (2000, -16), (8000, -25), (16000, -34)]
    air = signal.noise(rng, length, curve, channels=2)
    air *= 1.0 + 0.05 * signal.wander(rng, length, 0.3)
    mains = signal.tone(voice.setting("mains_hz", 50.0), length, (0.3, 1.0, 0.2, 0.45, 0.1, 0.2))
    hum = np.float32(voice.setting("hum", 0.12)) * mains
    return signal.mixed(air, hum, np.float32(voice.setting("house", 1.0)) * _house(voice))


def _house(voice: Voice) -> Floats:
    """Return a house that settles: ticking boards or a soft thud behind a wall, at rare and irregular times."""
    rng = voice.rng
    track = np.zeros((2, voice.length), np.float32)
    for time in schedule.events(voice, 3.2, length_s=0.4, evenness=1.5):
        wood = bodies.Body.of(voice, "wood", pitch=rng.uniform(0.4, 1.6), ring=0.7, modes=20, noise=2.0)
        loud, pan = rng.uniform(0.5, 2.0), rng.uniform(-0.8, 0.8)
        for _ in range(rng.integers(1, 4)):
            knock = signal.lowpass(wood.blow(rng, rng.uniform(0.3, 1.0), attack_s=0.002), rng.uniform(900, 3000))
            signal.place_panned(track, knock, time, loud, pan)
            time += rng.uniform(0.05, 0.3)
    return ambience.indoors(voice, track, decay_s=0.5, share=0.3, air_db=-60)


def vastness(voice: Voice) -> Floats:
    """The low drone of a wide empty place (space, a cavern): resonances that beat slowly in deep noise."""
    rng, length = voice.rng, voice.length
    curve = [(20, -6), (45, -2), (110, 0), (300, -8), (1200, -24), (5000, -44)]
    deep = 0.5 * signal.noise(rng, length, curve, channels=2)
    out = deep * (0.8 + 0.3 * signal.drift(rng, length, 0.15 * schedule.pace(voice)))
    for _ in range(4):
        centre = rng.uniform(70, 420) * (1.0 + 0.06 * signal.wander(rng, length, 0.12))
        tuned = signal.swept_band(signal.noise(rng, length), centre, 0.12)
        swell = signal.drift(rng, length, 0.18 * schedule.pace(voice)) ** 2
        pan = rng.uniform(-0.7, 0.7)
        angle = (pan + 1) * np.pi / 4
        out += 0.7 * np.outer((np.cos(angle), np.sin(angle)), signal.unit(tuned) * swell).astype(np.float32)
    return out
