"""What all commands share: their names, and how they end."""

import logging
import sys
from collections.abc import Callable

from .errors import SoundscapeError

# The first word of the command line, and the module whose `main` takes the others.
COMMANDS = {
    "run": "pipeline.batch.command",
    "index": "pipeline.overview.command",
    "score": "pipeline.quality.command",
    "study": "pipeline.study.command",
    "gold": "pipeline.gold.command",
}
USUAL = "run"  # also where no such word begins the line
INTERRUPTED = 130  # what a shell makes of Ctrl-C


def ended(
    work: Callable[[], int],
    *,
    failed: int = 1,
    prefix: str = "",
    product: str = "",
    stopped: str = "Stopped.",
) -> int:
    """Do the work of a command and return its exit status; what goes wrong is a sentence on standard error.

    `failed` is the status after a SoundscapeError, whose sentence begins with `prefix`. `product` names what could not
    be written after an OSError, which is raised where nothing is written. `stopped` is said after Ctrl-C.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
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
