"""The tagger runs its network in two threads."""

import threading

from PIL import Image

from pipeline.backends.vision.tagger import Tagger


def test_two_threads_describe_a_picture_and_end():
    import torch

    tagger, picture = Tagger(), Image.new("RGB", (64, 64), (30, 90, 150))
    before = torch.get_num_threads(), threading.active_count()
    used = []
    scores = tagger._scores
    tagger._scores = lambda *given: used.append((threading.current_thread(), torch.get_num_threads())) or scores(*given)
    tagger.describe(picture)
    assert len({thread for thread, _ in used}) == 2 and {count for _, count in used} == {1}
    assert (torch.get_num_threads(), threading.active_count()) == before
