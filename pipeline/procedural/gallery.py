"""A static page of all kinds, with a player and a spectrogram per seed, to judge them by ear and eye."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from ..audio import Clip, wav_bytes
from ..kinds.catalogue import Kind
from ..results.spectrogram import HIGH_HZ, LOW_HZ, WIDTH, spectrogram
from . import synthesize_kind
from .models import model_of

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sounds of the procedural synthesiser</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 90rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fbfaf8, #16171a); color: light-dark(#222, #ddd); }}
h2 {{ margin: 2.5rem 0 0; }} h3 {{ margin: 1.2rem 0 .2rem; }} p {{ margin: 0 0 .4rem; opacity: .75; }}
.row {{ display: flex; flex-wrap: wrap; gap: 1rem; }} figure {{ margin: 0; width: min({width}px, 100%); }}
img {{ width: 100%; border-radius: 6px; display: block; }} audio {{ width: 100%; height: 2.2rem; margin-top: .3rem; }}
nav a {{ margin-right: .8rem; display: inline-block; }}
</style>
<h1>Sounds of the procedural synthesiser</h1>
<p>{count} kinds, {duration:g} seconds each. In the spectrograms, time runs to the right and frequency from {low:g} Hz
(bottom) to {high:g} Hz (top).</p>
<nav>{contents}</nav>
{body}
</html>
"""


def write_gallery(
    folder: Path,
    kinds: Sequence[Kind],
    seeds: Sequence[int],
    duration_s: float,
    tell: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write index.html, its sounds and its spectrograms into the folder. Return the path of the page.

    `tell` receives the number of kinds that are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts, family = [], ""
    for done, kind in enumerate(sorted(kinds, key=lambda kind: model_of(kind).family), start=1):
        if model_of(kind).family != family:
            family = model_of(kind).family
            parts.append(f'<h2 id="{family}">{escape(family.capitalize())}</h2>')
        figures = "".join(_figure(folder, kind, seed, duration_s) for seed in seeds)
        words = escape(", ".join(kind.words[:6]))
        title = escape(kind.name.replace("_", " "))
        parts.append(f'<h3>{title}</h3><p>{kind.role} · {words}</p><div class="row">{figures}</div>')
        tell(done)
    families = sorted({model_of(kind).family for kind in kinds})
    page = folder / "index.html"
    page.write_text(
        _PAGE.format(
            width=WIDTH,
            count=len(kinds),
            duration=duration_s,
            low=LOW_HZ,
            high=HIGH_HZ,
            contents="".join(f'<a href="#{each}">{escape(each)}</a>' for each in families),
            body="\n".join(parts),
        ),
        encoding="utf-8",
    )
    return page


def _figure(folder: Path, kind: Kind, seed: int, duration_s: float) -> str:
    samples = synthesize_kind(kind, duration_s, seed)
    stem = f"{kind.name}_{seed}"
    (folder / f"{stem}.wav").write_bytes(wav_bytes(Clip(samples)))
    spectrogram(samples).save(folder / f"{stem}.png", optimize=True)
    label = escape(f"{kind.name.replace('_', ' ')}, seed {seed}")
    return (
        f'<figure><img src="{stem}.png" alt="Spectrogram of {label}" loading="lazy">'
        f'<audio controls preload="none" src="{stem}.wav" aria-label="{label}"></audio></figure>'
    )
