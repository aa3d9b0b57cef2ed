"""All that is known about a picture before it is put into words. `compose` collects it, `sentences` describes it."""

from dataclasses import dataclass

from ..soundscape import Box
from .evidence import Evidence, Seen
from .regions import Regions
from .vocabulary import Group, Setting, Vocabulary


@dataclass(frozen=True)
class Scene:
    """All that is known about a picture before it is put into words."""

    evidence: Evidence
    regions: Regions
    seen: Seen
    words: Vocabulary
    seed: int  # from the pixels: the same picture always gets the same phrases
    setting: Setting
    thing: Group | None  # the thing that stands out, if any
    thing_box: Box | None
