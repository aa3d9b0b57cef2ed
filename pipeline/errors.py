"""The exceptions whose messages are shown to the user."""

from difflib import get_close_matches


class SoundscapeError(Exception):
    """An error that the user can fix. Its message says what happened and what to do, without internal details."""


class Cancelled(SoundscapeError):
    """The user stopped the job. A progress callback raises it, so the job ends between two steps."""

    def __init__(self) -> None:
        super().__init__("Stopped. Nothing was changed.")


def shortened(text: str, limit: int = 40) -> str:
    """Return the text, cut if it is longer than `limit` characters, to be quoted in a message."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def did_you_mean(word: str, choices: list[str]) -> str:
    """Return a hint that suggests the closest choice, if there is one, and lists them all."""
    near = get_close_matches(word, choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"{hint} Choices: {', '.join(choices)}."
