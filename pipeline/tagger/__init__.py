"""Embedded vision: a small network and simple colour analysis see the picture; rules decide what would be heard.

    regions.py      colour and texture -> masks (sky, water, leaves ...) and looks (night, fog, close-up ...)
    evidence.py     classes of the network + looks -> how sure each thing and each setting is
    localise.py     activation maps and masks -> boxes and distances
    scene.py        all that is known about a picture before it is put into words
    compose.py      evidence -> ranked sound sources with their words and places
    sentences.py    evidence -> scene, mood and space
    vocabulary.py   reads the files that people may edit: labels.txt (the classes of the network), classes.toml,
                    sounds.toml, settings.toml, phrases.toml

The network itself runs in pipeline/backends/vision/tagger.py.
"""
