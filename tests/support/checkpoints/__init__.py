"""Tiny checkpoints with random weights, in the layout of the real repositories, for the real loading code.

Each `build_*` function writes one checkpoint into a folder in well under a second. The checkpoints say nothing about
quality. They show that the inputs and outputs of the models are handled correctly, whatever the weights.
"""
