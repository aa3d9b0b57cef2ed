"""The command line: python -m pipeline PICTURE... --out results/, or a command of `command.py`."""

import sys
from importlib import import_module

from .command import COMMANDS, INTERRUPTED, USUAL


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status. Exits with 2 on wrong usage."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] not in COMMANDS:
        words = [USUAL, *words]
    try:
        status: int = import_module(COMMANDS[words[0]]).main(words[1:])
    except KeyboardInterrupt:  # during the import; later, the command itself says what is kept
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
