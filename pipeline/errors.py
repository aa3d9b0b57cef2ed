"""The one exception whose text is written for the visitor."""

from difflib import get_close_matches


class SoundscapeError(Exception):
    """Something the person can mend. The message says what is wrong and what to do, without internal detail."""


class Cancelled(SoundscapeError):
    """The person stopped the job. Raised from a progress callback, so it ends between two steps."""

    def __init__(self) -> None:
        super().__init__("Stopped. Nothing was changed.")


def did_you_mean(word: str, choices: list[str]) -> str:
    """Return the sentence that names the choices, and the nearest one first if there is one."""
    near = get_close_matches(word, choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"{hint} Choices: {', '.join(choices)}."
