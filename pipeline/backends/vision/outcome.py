"""The outcome of one picture in a batch. A failure of one picture does not affect the others."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from ...errors import SoundscapeError
from ...soundscape import Soundscape

Outcome = Soundscape | SoundscapeError
_Arguments = ParamSpec("_Arguments")
_Read = TypeVar("_Read")


class InvalidNumbersError(SoundscapeError):
    """The numbers of a model overflowed, so it has no answer."""

    def __init__(self) -> None:
        super().__init__("The model computed invalid numbers. Choose another model or picture, or set DEVICE to cpu.")


def outcome_of(
    read: Callable[_Arguments, _Read], *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Read | SoundscapeError:
    """Return the result of `read` for these arguments, or the SoundscapeError that it raises."""
    try:
        return read(*arguments, **named)
    except SoundscapeError as error:
        return error


def only_one(outcomes: Sequence[Outcome]) -> Soundscape:
    """Return the soundscape of a batch of one picture, or raise its error."""
    (outcome,) = outcomes
    if isinstance(outcome, SoundscapeError):
        raise outcome
    return outcome
