"""The kinds of sounds: their words, usual level and usual distance.

catalogue   all kinds, one table per kind in catalogue/*.toml, and the kind that fits a source
attributes  material, action and timbre of a source, found by its words in attributes.toml
stemming    words reduced to their stems, with exceptions in stemming.toml
"""
