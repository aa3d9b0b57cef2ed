"""The modules of the desk that need no browser, tested by Node.js."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.page import scripts
from pipeline.soundscape import Source

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
