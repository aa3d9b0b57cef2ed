"""The modules of the desk that need no browser, tested by Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline import colours
from pipeline.page import scripts
from pipeline.soundscape import MAX_SOURCES, Source

from ..support.browser import luminance

NODE = shutil.which("node")
FOLDER = Path(__file__).with_name("desk")


@pytest.mark.skipif(not NODE, reason="there is no Node.js")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.test.js")), ids=lambda path: path.name)
def test_modules_without_a_page(path):
    done = subprocess.run([NODE, "--test", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_the_page_knows_the_fields_of_a_source_and_every_script_ends_where_it_should():
    script = scripts.head()
    assert all(f'"{field}"' in script for field in Source.model_fields)
    assert script.count("</script>") == 1 and script.endswith("</script>")
    assert all(path.read_text("utf-8") in script for path in scripts.DESK.glob("*.js"))


def mixed(one, other, share):
    """Mix two colours, written as "#rrggbb", as the style sheet does."""
    parts = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in (one, other)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in zip(*parts))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("number", range(1, MAX_SOURCES + 1))
def test_the_number_of_a_row_can_be_read_in_its_colour(theme, number):
    shades = {name: pair[theme] for name, pair in colours.palette().items()}
    colour = shades[f"source-{number}"]
    text, behind = mixed(colour, shades["ink"], 0.7), mixed(colour, shades["paper"], 0.16)
    dark, light = sorted(
        luminance(f"rgb({int(each[1:3], 16)}, {int(each[3:5], 16)}, {int(each[5:], 16)})") for each in (text, behind)
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.5
    assert "color-mix(in srgb, var(--colour) 70%, var(--ink))" in (scripts.FOLDER / "desk.css").read_text("utf-8")
