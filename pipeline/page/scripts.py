"""The scripts of the mixing desk, as one script in the head of the page. No build step: the files run as they are."""

import json
from functools import cache

from ..audio import SAMPLE_RATE_HZ
from ..soundscape import Source
from . import FOLDER

DESK = FOLDER / "desk"


@cache
def head() -> str:
    """Return the script: the fields of a source, the sample rate, then every file of desk/ in the order of its name.

    A file only defines functions, except that `state.js` makes the state, with functions of files before it.
    """
    known = json.dumps({"known": list(Source.model_fields), "rate_hz": SAMPLE_RATE_HZ})
    files = "\n".join(path.read_text("utf-8") for path in sorted(DESK.glob("*.js")))
    return f"<script>globalThis.desk = {known};\n{files}</script>"
