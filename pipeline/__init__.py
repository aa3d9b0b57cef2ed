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

`pipeline.job.run` does all of it and writes the result folder. The modules beside this file are that flow; the folders:

    backends     the models that see and the models that sound, by name
    tagger, procedural, kinds    the embedded pair, and the kinds of sounds that it and the mix know
    mixing       stems to one stereo clip
    quality      what can be measured of a picture, its description and its sound
    results      result folders, and trees of them
    batch        many pictures: python -m pipeline
    page         the page of app.py
    overview, study, gold        what is made of finished results
    colours      of every page
"""

# Two of these names are also those of their modules. They are bound here, before anyone can import a module over them.
from .describe import describe
from .mixing.mix import mix
from .soundscape import Soundscape, Source
from .synthesize import synthesize

__all__ = ["Soundscape", "Source", "describe", "mix", "synthesize"]
