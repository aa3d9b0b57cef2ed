"""Turn a picture into the sound of its scene.

    picture file --load_picture--> image
    image --describe--> Soundscape      what would be heard, as JSON that the user can edit
    Soundscape --synthesize--> stems    one sound per source
    stems --mix--> clip                 stereo, each source panned to its place in the picture

    from pipeline import describe, mix, synthesize
    from pipeline.picture import load_picture

    soundscape = describe(load_picture("photo.jpg"), backend="tagger")
    stems = synthesize(soundscape, backend="procedural", duration_s=10, seed=7)
    clip = mix(soundscape, stems)

`pipeline.job.run` does all of this and writes the result folder. The modules of this package are these steps. Its
folders:

    backends     the vision and audio models, by name
    tagger, procedural, kinds    the embedded pair, and the kinds of sounds that it and the mix share
    mixing       stems -> one stereo clip
    quality      measurements of a picture, its description and its sound
    results      result folders, and trees of them
    batch        many pictures: python -m pipeline
    page         the page of app.py
    overview, study, gold        reports on finished results
    colours      of all pages
"""

# Two of these functions have the names of their modules. Importing them here first keeps the modules from hiding them.
from .describe import describe
from .mixing.mix import mix
from .soundscape import Soundscape, Source
from .synthesize import synthesize

__all__ = ["Soundscape", "Source", "describe", "mix", "synthesize"]
