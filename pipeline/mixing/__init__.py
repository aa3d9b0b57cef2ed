"""Stems to one stereo clip: where each source is placed, the space around them, and how loud all of it is."""
