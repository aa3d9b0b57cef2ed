"""Error messages for visitors."""

import logging
import re
import secrets

from ..errors import SoundscapeError
from ..files import is_full_disk

FULL_DISK = "The disk of this machine is full. Please try again later."

_SOURCE = re.compile(r"\bsources\[(\d+)\](\.?)")
_log = logging.getLogger(__name__)


def words_for(error: Exception) -> str:
    """Return the message for a program. Unexpected errors are logged under an id that the message names."""
    if isinstance(error, SoundscapeError):
        return str(error)
    if is_full_disk(error):
        _log.error("The disk is full: %s", error)
        return FULL_DISK
    number = secrets.token_hex(4)
    _log.error("Error %s", number, exc_info=error)
    return f"Something went wrong on our side. Please try again. If it happens again, report error {number}."


def words_for_page(error: Exception) -> str:
    """Return the message for a person. It counts sources from 1, as the list on the page does."""
    return count_from_one(words_for(error))


def count_from_one(message: str) -> str:
    """Return the message with "sources[0].name" as "Sound 1, name".

    >>> count_from_one("sources[1].gain_db: must be at most 12")
    'Sound 2, gain_db: must be at most 12'
    """
    return _SOURCE.sub(lambda found: f"Sound {int(found[1]) + 1}{', ' if found[2] else ''}", message)
