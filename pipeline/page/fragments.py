"""Turns data into HTML. Texts from visitors and models are escaped."""

import base64
import io
import json
import secrets
from html import escape
from pathlib import Path
from typing import Any

from ..results.result import is_name_of
from .failures import count_from_one
from .units import unbroken

_DEVICES = {"cuda": "an NVIDIA GPU", "mps": "the Apple GPU", "cpu": "the processor"}
THUMBNAIL_PX = (360, 240)
STAGES = {
    "load": "Preparing the model",
    "describe": "Looking at the picture",
    "sound": "Making the sounds",
    "mix": "Mixing",
    "files": "Writing the files",
    "download": "Downloading a model",
    "clap": "Comparing sound and words (CLAP)",
    "clip": "Comparing picture and words (CLIP)",
    "pe_av": "Comparing picture and sound (PE-AV)",
}


def notice(words: str, kind: str) -> str:
    """Return a sentence that screen readers announce. `kind`, its style: `another-picture`, `refusal` or `quiet`."""
    return f'<p class="{kind}" role="status">{escape(unbroken(words))}</p>'


def problems(message: str) -> str:
    """Return the problems of a document as a list, one item per line of `message`; "" if there are none."""
    if not message:
        return ""
    items = "".join(f"<li>{_problem(line)}</li>" for line in message.splitlines() if line.strip())
    return f'<div class="problems" role="status"><p>This soundscape has problems</p><ul>{items}</ul></div>'


def _problem(line: str) -> str:
    field, colon, rest = line.partition(": ")
    if colon and " " not in field:
        return f"<code>{escape(count_from_one(field))}</code> {escape(unbroken(rest))}"
    return escape(unbroken(line))


def report(facts: dict[str, Any], titles: dict[str, str]) -> str:
    """Return the models, the duration of each stage, level, seed and warnings of a result.

    `titles` holds the readable names of the backends under "vision" and "audio".
    """
    rows = [
        ("Described by", _model(facts.get("vision"), titles.get("vision"))),
        ("Sounds by", _model(facts.get("audio"), titles.get("audio"))),
        ("Time", _times(facts.get("seconds", {}))),
        ("Level", _level(facts)),
        ("Seed", _number(facts.get("seed"))),
    ]
    items = "".join(f"<dt>{name}</dt><dd>{unbroken(value)}</dd>" for name, value in rows if value)
    warnings = "".join(f"<li>{escape(unbroken(str(warning)))}</li>" for warning in facts.get("warnings") or [])
    notes = f'<ul class="warnings">{warnings}</ul>' if warnings else ""
    mark = secrets.token_hex(4)  # makes each report differ, so that the page notices a new sound
    return f'<section class="report" data-of="{mark}" aria-label="How this was made"><dl>{items}</dl>{notes}</section>'


def terms(facts: dict[str, Any], titles: dict[str, str]) -> str:
    """Return a notice of the models whose licences restrict commercial use; "" if there are none."""
    used = [(kind, facts.get(kind) or {}) for kind in ("audio", "vision")]
    notes = [
        f"<b>{escape(titles.get(kind) or str(made_by.get('backend', '')))}</b>: {escape(licence)}"
        for kind, made_by in used
        if "commercial" in (licence := str(made_by.get("licence", "")))
    ]
    if not notes:
        return ""
    items = "".join(f"<li>{note}</li>" for note in notes)
    return f'<div class="terms" role="note"><p>Before you use this sound in your work:</p><ul>{items}</ul></div>'


def _model(made_by: dict[str, Any] | None, title: str | None) -> str:
    if not made_by:
        return ""
    device = made_by.get("device", "")
    where = f"on {_DEVICES.get(device, device)}" if device else ""
    details = [text for text in (_repository(str(made_by.get("model", ""))), where) if text]
    quiet = f' <span class="quiet">{escape(" · ".join(details))}</span>' if details else ""
    return escape(title or str(made_by.get("backend", ""))) + quiet


def _repository(model: str) -> str:
    """Return the id of a repository, or the name of a local folder. Visitors must not see its path."""
    return Path(model).name if Path(model).is_absolute() else model


def _times(seconds: dict[str, float]) -> str:
    words = {"describe": "description", "sound": "sounds", "mix": "mix", "files": "files"}
    parts = [f"{words.get(stage, stage)} {_seconds(value)}" for stage, value in seconds.items() if stage in words]
    total = _seconds(sum(value for stage, value in seconds.items() if stage in words))
    return f'{total} <span class="quiet">{escape(" · ".join(parts))}</span>' if parts else ""


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def _level(facts: dict[str, Any]) -> str:
    parts = []
    if isinstance(facts.get("loudness_lufs"), int | float):
        parts.append(f"{_one_digit(facts['loudness_lufs'])} LUFS")
    if isinstance(facts.get("true_peak_dbtp"), int | float):
        parts.append(f"true peak {_one_digit(facts['true_peak_dbtp'])} dBTP")
    return ", ".join(parts)


def _one_digit(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "−")  # adding 0 turns -0 into 0


def _number(value: Any) -> str:
    return "" if value is None else escape(str(value))


def stems(soundscape: Any, paths: list[Path]) -> list[dict[str, Any]]:
    """Return name, words and file of each stem, for the script that lists them.

    A stem's file name holds the number and the words of its source. If the document was edited since and they differ,
    the words of the file name are shown.
    """
    return [_stem(dict(enumerate(soundscape.sources, 1)).get(int(path.name[:2])), path) for path in paths]


def _stem(source: Any, path: Path) -> dict[str, Any]:
    file = {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
    if source is None or not is_name_of(path.name, source):
        return {"name": path.stem[3:].replace("_", " "), "words": "", "file": file}
    words = (source.material, source.action, ", ".join(source.timbre))
    return {"name": source.name, "words": " · ".join(filter(None, words)), "file": file}


def models(cards: dict[str, Any]) -> str:
    """Return the list of backends: what each is, what it needs, and why it cannot run here. `cards`: Card by name."""
    return f'<ul class="models">{"".join(_card(name, card) for name, card in cards.items())}</ul>'


def _card(name: str, card: Any) -> str:
    device = _DEVICES.get(card.device, card.device)
    size = unbroken(f"{card.download_gb:g} GB to download") if card.download_gb else ""
    details = " · ".join(escape(text) for text in (_repository(card.model), f"on {device}", size, card.licence) if text)
    state, word = ("", "not available") if card.reason else ("ready", "ready")
    note = card.reason[:1].upper() + card.reason[1:] or card.note
    why = f'<p class="reason">{escape(unbroken(note))}</p>' if note else ""
    heading = f'<p class="title"><span>{escape(card.title)}</span> <em>{word}</em></p>'
    return f'<li class="{state}" data-name="{escape(name)}">{heading}<p class="quiet">{details}</p>{why}</li>'


def gallery(pictures: list[Path]) -> str:
    """Return the example pictures as buttons; `data-index` is the index in `pictures`.

    The thumbnails are embedded, which needs no further request and reveals no path of this machine.
    """
    buttons = "".join(_thumbnail(index, path) for index, path in enumerate(pictures))
    return f'<div class="gallery">{buttons}</div>'


def _thumbnail(index: int, path: Path) -> str:
    scene = json.loads(path.with_suffix(".json").read_text("utf-8"))["scene"]
    name = path.stem.replace("_", " ").replace("-", " ").capitalize()
    image = f'<img src="{thumbnail(path)}" alt="{escape(scene)}" loading="lazy">'
    return f'<button type="button" data-index="{index}">{image}<span>{escape(name)}</span></button>'


def thumbnail(path: Path) -> str:
    """Return a small JPEG of the picture as a data URL. Raises SoundscapeError if the picture cannot be read."""
    from ..picture import load_picture

    picture = load_picture(path)
    picture.thumbnail(THUMBNAIL_PX)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
