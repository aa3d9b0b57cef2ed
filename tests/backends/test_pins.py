"""Every default is a full commit hash: a branch or a pull request can change without a change here."""

import pkgutil
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from types import ModuleType

import pytest

import pipeline
from pipeline import backends
from pipeline.settings import DEVICES, Settings

COMMIT = re.compile(r"[0-9a-f]{40}")


def pins() -> dict[str, str]:
    """Return the default revisions of all models by the place in the code that names them."""
    found = {}
    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if not module.name.endswith("__main__"):
            for place, value in values_in(import_module(module.name)):
                revision = value if place.endswith("REVISION") else getattr(value, "revision", None)
                if isinstance(revision, str) and not isinstance(value, type):
                    found[f"{module.name}.{place}"] = revision
    return found


def values_in(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the constants of a module, the values of its tables and the attributes of its classes."""
    for name, value in vars(module).items():
        yield name, value
        if isinstance(value, dict) and not name.startswith("__"):
            yield from ((f"{name}[{key!r}]", each) for key, each in value.items())
        elif isinstance(value, type) and value.__module__ == module.__name__ and not is_dataclass(value):
            yield from ((f"{name}.{key}", each) for key, each in vars(value).items())


@pytest.fixture(scope="module")
def pinned() -> dict[str, str]:
    return pins()


def test_every_default_is_a_full_commit_hash(pinned):
    assert len(set(pinned.values())) >= 13, "the defaults were found"
    assert {place for place, revision in pinned.items() if not COMMIT.fullmatch(revision)} == set()


@pytest.mark.parametrize("device", DEVICES)
def test_every_model_of_the_registry_has_such_a_default(pinned, device):
    """The walk above has found the revision of each model that would be downloaded."""
    for name in [*backends.VISION, *backends.AUDIO]:
        if name not in backends.EMBEDDED:
            card = backends._class_of(name).card(Settings(device=device))
            assert card.revision in pinned.values(), name
