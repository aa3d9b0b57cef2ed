"""The model that makes each kind of sound. The data are in `models.toml`, one table per kind:

    [rain_window]
    function = "rain.on_surface"                           function of a module in this package
    continuous = true                                      the last step fades it in and out for other roles; without
                                                           it, the model itself turns the role into times
    params = { surface_hz = 900.0 }                        settings of the model (all optional)

This module needs neither numpy nor scipy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..kinds.catalogue import Kind

if TYPE_CHECKING:
    from ..audio import Floats
    from .voice import Voice


@dataclass(frozen=True)
class Model:
    """How a kind of sound is made."""

    function: str  # "module.function" in this package
    continuous: bool = False
    params: dict[str, float] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The name of the module that makes it."""
        return self.function.partition(".")[0]

    def __call__(self, voice: Voice) -> Floats:
        """Return the raw signal of a voice, which holds the params."""
        module, _, name = self.function.partition(".")
        function: Callable[[Voice], Floats] = getattr(import_module(f".{module}", __package__), name)
        return function(voice)


def model_of(kind: Kind) -> Model:
    """Return the model of a kind of the catalogue."""
    return _models()[kind.name]


@cache
def _models() -> dict[str, Model]:
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: Model(**table) for name, table in tables.items()}
