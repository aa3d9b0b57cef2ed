"""The dry stems of an earlier result, which has none in its bundle: made again where that takes a moment."""

import logging
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import SoundscapeError
from ..results.manifest import differences, report_in
from ..results.result import MIX, SOUNDSCAPE
from ..soundscape import Soundscape
from . import preview, scratch
from .form import bytes_of, job_of, remembered, wishes_of

if TYPE_CHECKING:
    from ..job import Job
    from ..synthesize import Stem

_log = logging.getLogger(__name__)


def player(gr: ModuleType, folder: Path | None) -> Any:
    """Return the value of the player for the result in this folder, with dry stems, if no large model must make them.

    The visitor did not ask for them, so nothing is said if they cannot.
    """
    if not folder or not folder.is_dir() or preview.is_ready(folder):
        return gr.skip()
    try:
        return _with_stems(folder) or gr.skip()
    except SoundscapeError:  # its model is not here any more, or there is no room
        return gr.skip()
    except Exception as error:
        _log.warning("The dry stems of an earlier result cannot be made.", exc_info=error)
        return gr.skip()


def _with_stems(folder: Path) -> dict[str, Any] | None:
    from ..job import Result
    from ..mixing.mix import dry_stems

    report = report_in(folder)
    report["warnings"] += differences(folder, report)
    if not report["audio"] or report["seed"] is None or not (folder / MIX).is_file():
        return None
    job = job_of(None, (folder / SOUNDSCAPE).read_text("utf-8"), **wishes_of(*remembered(report)))
    assert job.soundscape is not None  # always set, because a text was given
    stems = _stems(job, job.soundscape)
    if not stems:
        return None
    with scratch.own().room_for(bytes_of(job)):
        place = preview.prepare(folder)
        preview.write(place, job.soundscape, dry_stems(job.soundscape, stems))
    return preview.info(Result(folder, job.soundscape, report)) | {"is_later": True}


def _stems(job: "Job", soundscape: Soundscape) -> "tuple[Stem, ...] | None":
    """Return the stems of the job if no large model must run for them."""
    from .. import backends
    from ..synthesize import kept_stems, synthesize

    wishes: dict[str, Any] = {"duration_s": job.duration_s, "seed": job.seed, "options": job.options}
    if job.audio in backends.EMBEDDED:
        return synthesize(soundscape, job.audio, **wishes)
    return kept_stems(soundscape, job.audio, **wishes) if job.audio else None
