"""What comes of one picture of a batch: a failure of one must not cost the others."""

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import SoundscapeError
from ...soundscape import Soundscape

Outcome = Soundscape | SoundscapeError


def outcome_of(read: Callable[..., Soundscape | None], *arguments: Any) -> Outcome | None:
    """Return what `read` makes of the arguments, or the SoundscapeError that it raised."""
    try:
        return read(*arguments)
    except SoundscapeError as error:
        return error


def only_one(outcomes: Sequence[Outcome]) -> Soundscape:
    """Return the soundscape of a batch of one, or raise its error."""
    (outcome,) = outcomes
    if isinstance(outcome, SoundscapeError):
        raise outcome
    return outcome
