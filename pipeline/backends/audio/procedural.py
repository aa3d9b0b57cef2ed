"""The embedded audio backend: physical and statistical sound models. It needs no weights, network or GPU."""

from typing import TYPE_CHECKING, Any

from ...audio import SAMPLE_RATE_HZ, Clip
from ...checkpoint import Pool
from ...kinds.attributes import action_of, material_of
from ...kinds.catalogue import kind_of
from ...procedural import describe_choice, synthesize_source
from ...soundscape import Soundscape, Source
from ..revision import revision_of

if TYPE_CHECKING:
    from ...settings import Settings
    from .. import Card, OnStep, SoundOptions

_THREADS = 2  # the transforms release Python's lock, but more threads only wait for each other


class Procedural:
    """Makes each source with the model of its kind at 44,100 Hz, about 50 times faster than real time."""

    max_duration_s = 60.0
    sample_rate = SAMPLE_RATE_HZ

    @classmethod
    def card(cls, settings: "Settings") -> "Card":
        """Return the card of this backend, which runs everywhere."""
        from .. import Card

        return Card(
            title="Embedded synthesiser",
            model="pipeline.procedural",
            licence="Apache-2.0",
            revision=revision_of("kinds", "procedural", "backends/audio/procedural.py"),
        )

    def request(self, soundscape: Soundscape, source: Source, options: "SoundOptions") -> dict[str, Any]:
        """Return the words that determine the sound, and the model chosen for them."""
        words = source.model_dump(mode="json", include={"name", "material", "action", "timbre", "role"})
        return words | {"model": describe_choice(source)}

    def synthesize(
        self,
        soundscape: Soundscape,
        sources: tuple[Source, ...],
        *,
        duration_s: float,
        seeds: tuple[int, ...],
        on_step: "OnStep | None" = None,
        options: "SoundOptions | None" = None,
    ) -> list[Clip]:
        """Return one clip of `duration_s` seconds per source. `on_step` is called after each and may raise to stop."""
        clips: list[Clip] = []
        pool = Pool(min(_THREADS, max(len(sources), 1)))
        try:
            pending = [
                pool.submit(synthesize_source, source, duration_s, seed)
                for source, seed in zip(sources, seeds, strict=True)
            ]
            for made in pending:
                clips.append(Clip(made.result(), notes=_notes(sources[len(clips)])))
                if on_step is not None:
                    on_step(len(clips), len(sources))
        finally:
            pool.shutdown(cancel_futures=True)  # sources in progress finish within a second
        return clips


def _notes(source: Source) -> tuple[str, ...]:
    """Return a note if the synthesiser does not know the words, which explains an unexpected sound."""
    if kind_of(source):
        return ()
    if material_of(source) or action_of(source):
        return ("The synthesiser does not know this name, so it made the sound from the material and the action.",)
    return ("The synthesiser knows none of these words, so it made a soft texture instead.",)
