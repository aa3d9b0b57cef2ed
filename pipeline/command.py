"""What all commands share: their names, messages and exit statuses."""

import sys
from collections.abc import Callable

from . import logs
from .errors import SoundscapeError

# The first word of the command line -> the module whose `main` gets the remaining words.
COMMANDS = {
    "run": "pipeline.batch.command",
    "index": "pipeline.overview.command",
    "score": "pipeline.quality.command",
    "remix": "pipeline.remix",
    "study": "pipeline.study.command",
    "gold": "pipeline.gold.command",
}
USUAL = "run"  # the command if the first word is none of these
INTERRUPTED = 130  # exit status that shells use after Ctrl-C


def ended(
    work: Callable[[], int],
    *,
    failed: int = 1,
    prefix: str = "",
    product: str = "",
    stopped: str = "Stopped.",
) -> int:
    """Do the work of a command and return its exit status. Errors are printed on standard error.

    `failed` is the status after an error, `prefix` the start of the message of a SoundscapeError, and `stopped` the
    message after Ctrl-C. `product` is what the command writes, for the message after an OSError; if it is empty, the
    OSError is raised.
    """
    logs.prepare("%(message)s")
    try:
        return work()
    except SoundscapeError as error:
        print(f"{prefix}{error}", file=sys.stderr)
        return failed
    except OSError as error:
        if not product:
            raise
        print(f"{product} could not be written: {error.strerror} ({error.filename}).", file=sys.stderr)
        return failed
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        return INTERRUPTED
