"""Tiny checkpoints with random weights, in the layout of the real repositories, for the real loading code.

Each `build_*` function writes one into a folder in well under a second. They say nothing about quality: they show that
what the models are given and what they answer goes the right way, whatever the weights.
"""
