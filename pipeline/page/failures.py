"""What visitors read when something failed."""

import errno
import logging
import secrets

from ..errors import SoundscapeError

FULL_DISK = "The disk of this machine is full. Please try again later."

_FULL_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT)
_log = logging.getLogger(__name__)


def words_for(error: Exception) -> str:
    """Return a sentence for the visitor. An unexpected error goes to the log, under an id that the sentence names."""
    if isinstance(error, SoundscapeError):
        return str(error)
    if is_full_disk(error):
        _log.error("the disk is full: %s", error)
        return FULL_DISK
    number = secrets.token_hex(4)
    _log.error("error %s", number, exc_info=error)
    return f"Something went wrong on our side. It is noted as {number}. Please try again."


def is_full_disk(error: BaseException) -> bool:
    """True when the disk, or the share of it that this user may fill, is full."""
    return isinstance(error, OSError) and error.errno in _FULL_DISK_ERRORS
