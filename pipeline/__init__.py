"""Hear a picture.

    picture file --load_picture--> image
    image --describe--> Soundscape      what would be heard, as JSON that a person edits
    Soundscape --synthesize--> stems    one sound for each source
    stems --mix--> clip                 stereo, each source where the picture shows it

    from pipeline import describe, mix, synthesize
    from pipeline.picture import load_picture

    soundscape = describe(load_picture("photo.jpg"), backend="tagger")
    stems = synthesize(soundscape, backend="procedural", duration_s=10, seed=7)
    clip = mix(soundscape, stems)

`pipeline.job.run` does all of it and writes the result folder.
"""

# These names are also those of their modules. They are bound here, before anyone else can import a module over them.
from .describe import describe
from .mixing.mix import mix
from .soundscape import Soundscape, Source
from .synthesize import synthesize

__all__ = ["Soundscape", "Source", "describe", "mix", "synthesize"]
