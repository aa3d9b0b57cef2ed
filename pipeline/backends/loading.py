"""Loading of weights by libraries: as steps of ours, without the bars that they draw on standard error."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import OnStep, Steps

_one_at_a_time = threading.RLock()  # the bars of a library are global


@contextmanager
def loading_bars(on_step: OnStep | None) -> Iterator[None]:
    """Report what transformers and diffusers load meanwhile to the loading part of `Steps`; draw nothing.

    The steps are those of the outermost bar: the parts of a diffusers pipeline, or the tensors of a single model. An
    exception that `on_step` raises ends the loading. A plain `OnStep` counts only the work, so it gets none of them.
    """
    from transformers.utils import logging as transformers_logging

    report, depth = on_step.loading if isinstance(on_step, Steps) else None, 0

    class Bar:
        """Takes the place of tqdm, with the methods that the two libraries call."""

        def __init__(self, iterable: Any = None, *_: Any, total: int | None = None, **__: Any) -> None:
            self._iterable = iterable
            self._total = total if total is not None or not hasattr(iterable, "__len__") else len(iterable)
            self._done = 0

        def __iter__(self) -> Iterator[Any]:
            with self:
                for each in self._iterable:
                    yield each
                    self.update()

        def __enter__(self) -> "Bar":
            nonlocal depth
            depth += 1
            return self

        def __exit__(self, *_: object) -> None:
            nonlocal depth
            depth -= 1

        def update(self, count: int = 1) -> None:
            self._done += count
            if report and depth <= 1 and self._total:
                report(self._done, self._total)

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_, **__: None  # set_description, close ...

    with _one_at_a_time, _diffusers_bars(Bar):
        before = transformers_logging.set_tqdm_hook(lambda factory, arguments, options: Bar(*arguments, **options))
        try:
            yield
        finally:
            transformers_logging.set_tqdm_hook(before)


@contextmanager
def _diffusers_bars(bar: type[Any]) -> Iterator[None]:
    """Let diffusers, which has no hook, draw its bars with this class."""
    try:
        from diffusers.utils import logging as diffusers_logging
    except ImportError:  # the vision models do not need it
        yield
        return
    library: Any = diffusers_logging
    before, library.tqdm = library.tqdm, bar
    try:
        yield
    finally:
        library.tqdm = before
