"""What is known of a picture before it is put into words: `compose` gathers it, `sentences` tells it."""

from dataclasses import dataclass

from ..soundscape import Box
from .evidence import Evidence, Seen
from .regions import Regions
from .vocabulary import Group, Setting, Vocabulary


@dataclass(frozen=True)
class Scene:
    """Everything that is known of a picture before it is put into words."""

    evidence: Evidence
    regions: Regions
    seen: Seen
    words: Vocabulary
    seed: int  # from the picture's own pixels: the same picture is told the same way, another one differently
    setting: Setting
    thing: Group | None  # what stands out, if anything does
    thing_box: Box | None
