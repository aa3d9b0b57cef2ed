"""Embedded vision: from what a small network and plain colour analysis see to what would be heard.

    regions.py      colour and texture -> masks (sky, water, leaves ...) and looks (night, fog, close-up ...)
    evidence.py     the network's classes + looks -> how surely which things and which place
    localise.py     activation maps and masks -> boxes and distances
    scene.py        what is known of a picture before it is put into words
    compose.py      evidence -> ranked, worded, placed sound sources
    sentences.py    evidence -> scene, mood and space
    vocabulary.py   reads what a person may edit:
                    labels.txt (the network's classes), classes.toml, sounds.toml, settings.toml

The network itself is in pipeline/backends/vision/tagger.py.
"""
