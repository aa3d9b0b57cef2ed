"""Sound from material and action alone, for sources that are not in the catalogue.

The action selects an excitation (strokes, friction, flow ...). The material selects the body that responds: its modes
ring, its surface adds noise, its grains crunch. Without any known word the result is a soft airy texture.
"""

from collections.abc import Callable

import numpy as np

from ..audio import Floats
from ..kinds.attributes import Material, material
from . import schedule, signal
from .ambience import indoors
from .signal import RATE
from .voice import Voice


def from_words(voice: Voice, action: str) -> Floats:
    """Return the sound of a body excited by an action of `attributes.toml`; "" takes that of the material."""
    body = material(voice.material or ("air" if not action else ""))
    if not action:
        action = _usual_action(body) if voice.material else "blow"
    return _EXCITATIONS[action](voice, body)


def _usual_action(body: Material) -> str:
    """Return the usual action of things made of a material."""
    usual = {"water": "flow", "air": "blow", "leaves": "rustle", "paper": "rustle", "cloth": "rub", "leather": "creak"}
    loose = "rub" if body.grain > 0.8 else "strike"
    return usual.get(body.name, loose)


# Bodies --------------------------------------------------------------------------------------------------------------


def body_response(body: Material, rng: np.random.Generator, size: float = 1.0) -> Floats:
    """Return the impulse response of a random object of a material; `size` is relative to the usual size."""
    ratios = np.array(body.ratios) * rng.uniform(0.97, 1.03, len(body.ratios))
    frequencies = body.frequency_hz / size * ratios
    decays = body.decay_s * size**0.5 * (body.frequency_hz / size / frequencies) ** body.damping
    gains = rng.uniform(0.5, 1.0, len(ratios)) * ratios ** (1.4 * body.hardness - 1.4)
    ringing = signal.modes(frequencies, decays, gains, rng=rng, attack_s=0.0015 - 0.0013 * body.hardness)
    contact_s = 0.012 - 0.010 * body.hardness
    length = max(len(ringing), signal.seconds(6 * contact_s))
    time = np.arange(length, dtype=np.float32) / RATE
    touch = signal.noise(rng, length, _surface(body)) * np.exp(-time / np.float32(contact_s))
    out = np.float32(body.noise) * signal.peak(touch)
    out[: len(ringing)] += np.float32(1.0 - body.noise) * ringing
    return signal.peak(out)


def _surface(body: Material) -> signal.Curve:
    """Return the spectrum of the noise of a surface: the harder, the brighter."""
    top = 700.0 * 14.0**body.hardness
    low = min(body.frequency_hz * 0.5, 0.3 * top)
    return signal.band(low, max(top, 1.5 * body.frequency_hz), edge_db=9.0)


def _crumbs(voice: Voice, body: Material, level: Floats, rate_hz: float) -> Floats:
    """Return the crunch of loose grains, many tiny dull collisions (PhISEM, Cook 1997); `level` scales their rate."""
    times = signal.times_following(voice.rng, rate_hz * np.maximum(level, 0.0) + 1e-6)
    count = len(times)
    spread = np.exp(voice.rng.normal(0.0, 0.35, count))
    gains = voice.rng.pareto(2.5, count) + 0.2
    decays = body.decay_s * voice.rng.uniform(0.5, 1.5, count)
    return signal.damped_tones(voice.length, times, body.frequency_hz * spread, decays, gains)


# Excitations ---------------------------------------------------------------------------------------------------------


def _strike(voice: Voice, body: Material, interval_s: float = 0.9, size: float = 1.0) -> Floats:
    response = body_response(body, voice.rng, size)
    times = schedule.events(voice, interval_s, length_s=0.6)
    gains = voice.rng.uniform(0.5, 1.0, len(times))
    out = signal.convolve(signal.impulses(voice.length, times, gains), response)
    if body.grain > 0.3:
        level = signal.one_pole(signal.impulses(voice.length, times, gains), 0.05)
        out = (1 - body.grain) * signal.peak(out) + 0.7 * signal.peak(_crumbs(voice, body, level, 700.0))
    return indoors(voice, out, decay_s=0.35, share=0.05, air_db=-28)


def _strokes(voice: Voice, stroke_s: float, pause_s: float) -> Floats:
    """Return the speed of a hand that moves to and fro: one bump per stroke."""
    out = np.zeros(voice.length, np.float32)
    spans = schedule.bouts(voice, (4 * stroke_s, 7 * stroke_s), (0.8, 2.5))
    for span in spans:
        for start in schedule.rhythm(voice, span, stroke_s + pause_s, jitter=0.12):
            size = signal.seconds(stroke_s / schedule.pace(voice) * voice.rng.uniform(0.75, 1.1))
            bump = np.sin(np.linspace(0, 0.999 * np.pi, size, dtype=np.float32)) ** np.float32(0.6)
            signal.place(out, bump, start, voice.rng.uniform(0.6, 1.0))
    return out


def _friction(voice: Voice, body: Material, speed: Floats, grip: float) -> Floats:
    """Return a body rubbed at a varying speed; at `grip` 0 it slides smoothly, at 1 it catches on every asperity."""
    length = voice.length
    smooth = signal.noise(voice.rng, length, _surface(body))
    rough = signal.impulses(length, *_asperities(voice, speed, 90.0 + 1400.0 * (1 - grip)))
    excitation = (1 - grip) * smooth * speed + grip * signal.unit(rough) * (0.3 + speed)
    ringing = signal.convolve(excitation, body_response(body, voice.rng))
    return 0.5 * signal.unit(ringing) + body.noise * signal.unit(smooth * speed ** np.float32(1.3))


def _asperities(voice: Voice, speed: Floats, rate_hz: float) -> tuple[Floats, Floats]:
    times = signal.times_following(voice.rng, rate_hz * 2.0**voice.density * speed + 1e-6)
    return times, voice.rng.exponential(1.0, len(times))


def _scrape(voice: Voice, body: Material) -> Floats:
    return _friction(voice, body, _strokes(voice, 0.45, 0.25), grip=0.8)


def _rub(voice: Voice, body: Material) -> Floats:
    speed = _strokes(voice, 0.6, 0.3)
    out = _friction(voice, body, speed, grip=0.15)
    if body.grain > 0.3:
        out = signal.unit(out) + signal.unit(_crumbs(voice, body, speed, 900.0 * 2.0**voice.density))
    return out


def _roll(voice: Voice, body: Material) -> Floats:
    """A wheel or ball: dense small contacts, stronger once per turn."""
    length, rng = voice.length, voice.rng
    turns_hz = 1.6 * schedule.pace(voice) * (1.0 + 0.1 * signal.wander(rng, length, 0.5))
    once = 0.6 + 0.4 * np.cos(2 * np.pi * np.cumsum(turns_hz) / RATE)
    speed = (once * schedule.presence(voice)).astype(np.float32)
    excitation = signal.impulses(length, *_asperities(voice, speed, 220.0))
    ringing = signal.convolve(signal.lowpass(excitation, 400.0 + 4000.0 * body.hardness), body_response(body, rng, 1.6))
    rumble = signal.noise(rng, length, signal.band(50, 220)) * speed
    return signal.unit(ringing) + 0.5 * signal.unit(rumble)


def _rattle(voice: Voice, body: Material) -> Floats:
    """Several loose pieces that are shaken: bursts of collisions among a few bodies."""
    length, rng = voice.length, voice.rng
    shaking = _strokes(voice, 0.16, 0.10)
    out = np.zeros(length, np.float32)
    for _ in range(4):
        hits = signal.impulses(length, *_asperities(voice, shaking, 14.0))
        out += signal.convolve(hits, body_response(body, rng, rng.uniform(0.35, 0.8)))
    return out


def _flow(voice: Voice, body: Material) -> Floats:
    """Something that flows: a stream for water, else turbulent noise, with grains for a loose material."""
    length, rng = voice.length, voice.rng
    level = (schedule.presence(voice) * (0.8 + 0.2 * signal.drift(rng, length, 1.5 * schedule.pace(voice)))).astype(
        "f4"
    )
    if body.name == "water":
        from . import liquids

        water: Floats = liquids.stream(voice) * level
        return water
    noise = signal.noise(rng, length, _surface(body)) * level
    return signal.unit(noise) + body.grain * signal.unit(_crumbs(voice, body, level, 700.0 * 2.0**voice.density))


def _bubble(voice: Voice, body: Material) -> Floats:
    from . import liquids

    thick = 0.6 if body.hardness < 0.2 else 1.0  # mud and dough bubble lower
    return liquids.bubbling(voice, low_hz=250.0 * thick, high_hz=1600.0 * thick) * schedule.presence(voice)


def _blow(voice: Voice, body: Material) -> Floats:
    """Air that flows past a body: a band of noise, tuned by the body, whose centre follows the gusts."""
    length, rng = voice.length, voice.rng
    gust = signal.drift(rng, length, 0.35 * schedule.pace(voice), 0.25, 1.0)
    centre = body.frequency_hz**0.5 * 22.0 * (0.6 + 0.9 * gust)
    tuned = signal.swept_band(signal.noise(rng, length), centre, 0.5 + 0.8 * body.noise) * gust**1.5
    breath = signal.noise(rng, length, signal.pink_slope(-4.0, 60.0, 6000.0)) * gust
    return (0.7 * signal.unit(tuned) + 0.5 * signal.unit(breath)) * schedule.presence(voice)


def _flutter(voice: Voice, body: Material) -> Floats:
    length, rng = voice.length, voice.rng
    rate = 11.0 * schedule.pace(voice) * (1.0 + 0.25 * signal.wander(rng, length, 1.0))
    phase = np.cumsum(np.maximum(rate, 2.0)) / RATE % 1.0
    gust = signal.drift(rng, length, 0.5, 0.2, 1.0)
    flaps = np.exp(-9.0 * phase).astype(np.float32) * gust
    noise = signal.noise(rng, length, _surface(body)) * flaps
    thump = signal.noise(rng, length, signal.band(60, 240)) * flaps
    return (signal.unit(noise) + 0.8 * signal.unit(thump)) * schedule.presence(voice)


def _tone_of(voice: Voice, body: Material, base_hz: float, partials: Floats, wobble: float) -> Floats:
    """Return a steadily sounding body: a harmonic tone coloured by its modes."""
    length, rng = voice.length, voice.rng
    frequency = base_hz * schedule.pace(voice) ** 0.5 * (1.0 + wobble * signal.wander(rng, length, 1.2))
    source = signal.tone(frequency, length, partials) * (0.85 + 0.15 * signal.drift(rng, length, 2.0))
    coloured = signal.convolve(source, body_response(body, rng, 1.3))
    air = signal.noise(rng, length, _surface(body))
    share = np.float32(0.05 + 0.2 * body.noise)
    sound = signal.mixed(signal.unit(coloured), 0.6 * signal.unit(source), share * air)
    return sound * schedule.presence(voice)


def _hum(voice: Voice, body: Material) -> Floats:
    base = 60.0 + 40.0 * voice.rng.random()
    return _tone_of(voice, body, base, 1.0 / np.arange(1, 13) ** 1.2, wobble=0.004)


def _buzz(voice: Voice, body: Material) -> Floats:
    base = 120.0 + 60.0 * voice.rng.random()
    return _tone_of(voice, body, base, 1.0 / np.arange(1, 31) ** 0.5, wobble=0.02)


def _creak(voice: Voice, body: Material) -> Floats:
    """Stick-slip friction: a train of small slips whose rate rises and falls, through the body."""
    length, rng = voice.length, voice.rng
    out = np.zeros(length, np.float32)
    response = body_response(body, rng, 1.2)
    for start in schedule.events(voice, 1.8, length_s=0.8):
        span = rng.uniform(0.35, 0.9) / schedule.pace(voice)
        curve = 35.0 + rng.uniform(40, 140) * np.sin(np.linspace(0.2, np.pi, signal.seconds(span))) ** 2
        slips = np.flatnonzero(np.diff(np.floor(np.cumsum(curve * rng.uniform(0.95, 1.05)) / RATE))) / RATE
        slips = slips + rng.normal(0, 0.0006, len(slips))
        out += signal.impulses(length, start + slips, rng.uniform(0.4, 1.0, len(slips)))
    return signal.convolve(out, response)


def _drip(voice: Voice, body: Material) -> Floats:
    from . import liquids

    drops = liquids.dripping(voice)
    return drops if body.name in ("water", "wood") else 0.5 * signal.peak(drops) + signal.peak(_strike(voice, body))


def _splash(voice: Voice, body: Material) -> Floats:
    from . import liquids

    return liquids.splashing(voice)


def _crackle(voice: Voice, body: Material) -> Floats:
    length, rng = voice.length, voice.rng
    level = schedule.presence(voice) * signal.drift(rng, length, 0.8, 0.2, 1.0)
    snaps = signal.impulses(length, *_asperities(voice, level.astype(np.float32), 16.0))
    sharp = signal.convolve(snaps, body_response(body, rng, 0.4))
    return signal.unit(sharp) + 0.15 * signal.noise(rng, length, _surface(body)) * level


def _rustle(voice: Voice, body: Material) -> Floats:
    speed = _strokes(voice, 0.35, 0.35) * signal.drift(voice.rng, voice.length, 9.0, 0.2, 1.0)
    crumbs = _crumbs(voice, body, speed, 1100.0 * 2.0**voice.density)
    return signal.unit(crumbs) + 0.5 * signal.unit(signal.noise(voice.rng, voice.length, _surface(body)) * speed)


_EXCITATIONS: dict[str, Callable[[Voice, Material], Floats]] = {
    "strike": _strike,
    "scrape": _scrape,
    "roll": _roll,
    "rattle": _rattle,
    "rub": _rub,
    "flow": _flow,
    "bubble": _bubble,
    "blow": _blow,
    "flutter": _flutter,
    "hum": _hum,
    "buzz": _buzz,
    "creak": _creak,
    "drip": _drip,
    "splash": _splash,
    "crackle": _crackle,
    "rustle": _rustle,
}
