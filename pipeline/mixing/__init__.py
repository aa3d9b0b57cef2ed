"""Stems -> one stereo clip: the position of each source, the acoustic space, and the loudness of the mix."""
