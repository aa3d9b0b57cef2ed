"""What can be measured of a picture, its description and its sound.

checks      faults of a signal
features    what eye and ear take in before any meaning, and whether both agree
embeddings  directions of sounds, pictures and texts, by CLAP, CLIP and PE-AV
coherence   ranks of true pairs among shuffled ones: python -m pipeline score
explain     the figures of one result in words
figures     every figure of a result under one key
glossary    the meaning of every figure
spectra     power over time and frequency
"""
