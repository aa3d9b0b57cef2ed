"""What a visitor downloads: the mix and the bundle of a result, under names that say which sound it is.

The files lie beside the result folder, whose own files always have the same names.
"""

import os
import shutil
from pathlib import Path

from ..checkpoint import checkpoint
from ..results.result import MIX, SOUNDSCAPE, safe_name, write_bundle
from ..soundscape import Soundscape

USUAL = "soundscape"


def pack(folder: Path) -> Path:
    """Write the bundle of the result and return its path. Give the mix a second name."""
    checkpoint()
    mix = mix_of(folder)
    mix.unlink(missing_ok=True)
    try:
        os.link(folder / MIX, mix)
    except OSError:  # a file system without hard links
        shutil.copyfile(folder / MIX, mix)
    return write_bundle(folder, bundle_of(folder))


def mix_of(folder: Path) -> Path:
    return folder.with_name(f"{_name(folder)}.wav")


def bundle_of(folder: Path) -> Path:
    return folder.with_name(f"{_name(folder)}.zip")


def _name(folder: Path) -> str:
    """Return the scene as a file name, else the names of the first sounds."""
    soundscape = Soundscape.from_json((folder / SOUNDSCAPE).read_text("utf-8"))
    words = soundscape.scene or " ".join(source.name for source in soundscape.sources[:3])
    return safe_name(words, USUAL)
