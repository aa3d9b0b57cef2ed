"""A tree with its overview, and a browser that looks at it."""

import json

import pytest

from pipeline.overview import write_overview
from pipeline.soundscape import Soundscape, Source

from ..support.browser import DESKTOP
from ..support.overview_page import EVIL
from ..support.trees import make_tree, write_small


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Thirty small results, and a few special ones."""
    root = make_tree(tmp_path_factory.mktemp("trees") / "a tree #1 100%", 30)
    river = Source(name="river", action="rushing", evidence="visible", confidence=0.9, box=(0.1, 0.5, 0.9, 1.0))
    jay = Source(name="jay", action="calling", role="recurring", confidence=0.4)
    two = Soundscape(scene="Café by the water", mood="calm", space="forest", sources=(river, jay))
    write_small(
        root / "long/one",
        two,
        variant=1,
        sound_s=3.0,
        checks={"high_band_db": 5, "problems": ["The sound is clipped."]},
    )
    write_small(root / "long/two", two, variant=2, sound_s=3.0, checks={}, audio={"backend": "audioldm2"})
    evil = Soundscape(scene=EVIL, mood=EVIL[:120], sources=(Source(name=EVIL[:60], action=EVIL[:60]),))
    write_small(root / "evil", evil, warnings=[EVIL], vision={"backend": EVIL, "model": EVIL})
    failures = [{"picture": EVIL, "stage": "picture", "error": "It is damaged."}]
    (root / "failures.jsonl").write_text("".join(json.dumps(each) + "\n" for each in failures))
    write_overview(root)
    return root


@pytest.fixture
def look(browser):
    """Open the page of a tree. The test fails if the page raised an error or requested a file outside the tree."""
    contexts, complaints = [], []

    def look(root, address="", viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        home = root.as_uri()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("request", lambda sent: None if sent.url.startswith(home) else complaints.append(sent.url))
        page.goto(f"{home}/index.html{address}")
        page.locator("body[data-ready]").wait_for()
        return page

    yield look
    for context in contexts:
        context.close()
    assert complaints == []
