"""What is known of a text-to-audio model before it is loaded: its weights, whether they can run here, and its card."""

from ...settings import Settings, accelerator
from .. import Card, memory
from ..weights import Weights, availability, locate, note_of
from .family import Family

CONFIG = "model_index.json"  # at the root of every diffusers pipeline


class Offer:
    """The part of a text-to-audio model that needs neither weights nor torch."""

    family: Family

    @classmethod
    def weights(cls, settings: Settings) -> Weights:
        """Return the weights that the settings name, or the default ones."""
        return locate(cls.family.model, cls.family.revision, getattr(settings, cls.family.setting))

    @classmethod
    def family_of(cls, weights: Weights) -> Family:
        """Return the constants of these weights, as far as they are known before the weights are loaded."""
        return cls.family

    @classmethod
    def config_of(cls, weights: Weights) -> str:
        """Return the name of the file at the root of these weights."""
        return CONFIG

    @classmethod
    def card(cls, settings: Settings) -> Card:
        weights = cls.weights(settings)
        family = cls.family_of(weights)
        download_gb, offload = cls.download_gb(weights), memory.offload_note(accelerator(settings))
        reason = availability(
            weights,
            settings,
            packages=family.packages,
            min_memory_gb=0.0 if weights.is_local else 2 * family.memory_gb,
            config=cls.config_of(weights),
            gated=family.gated and weights.model == family.model,
        )
        return Card(
            title=family.title,
            model=weights.name,
            licence=family.licence,
            revision=weights.mark,
            download_gb=download_gb,
            device=accelerator(settings),
            reason=reason,
            note=f"{cls.note(weights, settings)} {offload}".strip(),
        )

    @classmethod
    def note(cls, weights: Weights, settings: Settings) -> str:
        """Return what to expect of these weights on this machine."""
        return note_of(weights, settings, cls.download_gb(weights), config=cls.config_of(weights))

    @classmethod
    def download_gb(cls, weights: Weights) -> float:
        """Return the size of the download at the first use."""
        return 0.0 if weights.is_local else cls.family_of(weights).download_gb
