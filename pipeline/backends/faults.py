"""Errors in downloading and reading weights, in words that say what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from ..errors import SoundscapeError
from ..settings import Settings
from .weights import Weights, locate


@contextmanager
def errors_in_words(weights: Weights) -> Iterator[None]:
    """Turn errors in downloading or reading weights into a SoundscapeError that says what to do.

    transformers wraps the cause in an OSError, so the whole chain of causes is examined. Errors that are not about
    weights are raised unchanged.
    """
    try:
        yield
    except SoundscapeError:
        raise
    except Exception as error:
        words = _in_words(error, weights)
        if words is None:
            raise
        raise SoundscapeError(words) from error


def _in_words(error: BaseException, weights: Weights) -> str | None:
    for each in _chain(error):
        words = _one_in_words(each, weights)
        if words is not None:
            return words
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error and its causes. The first cause comes first, because it is the most specific."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.insert(0, link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _one_in_words(error: BaseException, weights: Weights) -> str | None:
    from huggingface_hub import errors

    model = weights.name
    if isinstance(error, errors.GatedRepoError):  # before its base class, RepositoryNotFoundError
        return gated_words(weights)
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"Hugging Face has no model '{model}', or it is private. Check the name in the settings, or set the "
            "secret HF_TOKEN to a token with access to it."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{model} has no revision '{weights.revision}'. Choose one from {weights.page}/commits/main."
    if isinstance(error, errors.HfHubHTTPError) and _status(error) in (401, 403):
        return f"Hugging Face refused access to {model}. Set the secret HF_TOKEN to a valid token with access to it."
    if isinstance(error, (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError)) or _is_network(error):
        return (
            f"{model} is not on this machine and Hugging Face could not be reached. Connect to the network and try "
            "again, or name a local folder in the settings."
        )
    if isinstance(error, errors.HfHubHTTPError):
        return f"Hugging Face answered with an error ({_status(error)}) for {model}. Try again in a few minutes."
    return _reading_in_words(error, model)


def _reading_in_words(error: BaseException, model: str) -> str | None:
    from safetensors import SafetensorError

    if isinstance(error, ValueError) and "does not recognize this architecture" in str(error):
        return f"The installed transformers does not support {model}. Run: pip install --upgrade transformers"
    if isinstance(error, SafetensorError):
        return f"A weights file of {model} is damaged. Delete it from the Hugging Face cache and try again."
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is too full for {model}. Free some space, or set HF_HOME to a folder on a larger disk."
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"{model} cannot be saved: the folder is read-only. Set HF_HOME to a writable folder."
    message = str(error)
    if "safetensors" in message and ("no file named" in message or "have a file named" in message):
        return _no_safetensors(model)
    if "not a valid JSON file" in message:
        return f"A settings file of {model} is damaged. Download it again."
    if "have a file named" in message or "find a file named" in message:
        return f"{model} is incomplete: a file is missing. Download it again, or check the name."
    return None


def gated_words(weights: Weights) -> str:
    """Return how to get access to gated weights."""
    return (
        f"{weights.model} is gated. Accept its licence at {weights.page} and set the secret HF_TOKEN to a token of "
        "the same account."
    )


def _no_safetensors(model: str) -> str:
    return f"{model} has no weights in safetensors format. For safety, no other is read. Choose another model."


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _is_network(error: BaseException) -> bool:
    """Return True for network errors of any HTTP library that huggingface_hub uses, by the names of their classes."""
    names = {base.__name__ for base in type(error).__mro__}
    return isinstance(error, (ConnectionError, TimeoutError)) or bool(names & {"TransportError", "TimeoutException"})


def problem_of_folder(weights: Weights, settings: Settings, config: str) -> str:
    """Return what is wrong with a local folder, empty if nothing. Visitors read it, so it does not tell the path."""
    folder, setting = Path(weights.model), _setting_of(weights, settings)
    if not folder.is_dir():
        return f"There is no folder '{weights.name}'. Correct {setting}, or set it to a model on Hugging Face."
    if not (folder / config).is_file():
        return (
            f"The folder '{weights.name}' has no {config}, so it is not a Hugging Face model. "
            f"Set {setting} to another folder."
        )
    if not any(folder.rglob("*.safetensors")):
        return _no_safetensors(f"The folder '{weights.name}' of {setting}")
    return ""


def _setting_of(weights: Weights, settings: Settings) -> str:
    """Return the environment variable that holds this folder."""
    values = {
        each.name.upper(): getattr(settings, each.name) for each in fields(settings) if each.name.endswith("_model")
    }
    return next((name for name, value in values.items() if value and locate("", "", value) == weights), "the setting")
