"""What is known of a text-to-audio model before it is loaded: its weights, whether they can run here, and its card."""

from ...settings import Settings, accelerator
from .. import Card, memory
from ..availability import availability, note_of
from ..download import cached_folder, is_open
from ..weights import Weights, is_offline, locate
from ..work import Work
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
        device, download_gb = accelerator(settings), cls.download_gb(weights)
        offload = memory.offload_note(device)
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
            device=device,
            reason=reason,
            note=f"{cls.note(weights, settings)} {offload}".strip(),
        )

    @classmethod
    def is_open(cls, settings: Settings) -> bool:
        """Return False if the licence of gated weights is not accepted with this token. Hugging Face is asked once."""
        weights = cls.weights(settings)
        family, config = cls.family_of(weights), cls.config_of(weights)
        is_gated = family.gated and weights.model == family.model and not weights.is_local
        if not is_gated or is_offline() or cached_folder(weights, config) is not None:
            return True
        return is_open(weights, config, settings.hf_token)

    @classmethod
    def work(
        cls,
        settings: Settings,
        *,
        clips: int,
        duration_s: float,
        steps: int | None = None,
        guidance: float | None = None,
    ) -> Work:
        """Return the work of this many clips in one call. `steps` and `guidance` are None for the defaults."""
        family = cls.family_of(cls.weights(settings))
        steps = family.steps if steps is None else steps
        is_added = family.guidance <= 1 < (guidance or 0)  # guidance runs the model with the negative prompt too
        tflop = (2 if is_added else 1) * clips * cls.clip_tflop(settings, duration_s, steps)
        return Work(tflop, calls=steps, weights_gb=family.memory_gb)

    @classmethod
    def clip_tflop(cls, settings: Settings, duration_s: float, steps: int) -> float:
        """Return the 10^12 operations of one clip, an upper bound: its text, the denoising, and the decoding."""
        raise NotImplementedError

    @classmethod
    def note(cls, weights: Weights, settings: Settings) -> str:
        """Return what to expect of these weights on this machine."""
        return note_of(weights, settings, cls.download_gb(weights), config=cls.config_of(weights))

    @classmethod
    def download_gb(cls, weights: Weights) -> float:
        """Return the size of the download at the first use."""
        return 0.0 if weights.is_local else cls.family_of(weights).download_gb
