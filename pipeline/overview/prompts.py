"""The prompt of each source, as one text."""

import json
import logging
from pathlib import Path
from typing import Any

from ..errors import SoundscapeError
from ..files import read_file

_WORDS = ("name", "material", "action")  # of a request to a backend that takes no prompt

_log = logging.getLogger(__name__)


def read_prompts(path: Path) -> list[str]:
    """Return the prompt of each source of a result; empty when the file is missing or damaged."""
    try:
        requests = json.loads(read_file(path)) if path.exists() else []
    except (SoundscapeError, OSError, ValueError, RecursionError):
        _log.warning("%s: skipped its damaged %s", path.parent.name, path.name)
        return []
    return [_prompt(each) for each in requests] if isinstance(requests, list) else []


def _prompt(request: Any) -> str:
    if not isinstance(request, dict):
        return ""
    prompt = request.get("prompt")
    if isinstance(prompt, str):
        return prompt
    timbre = request.get("timbre")
    words = [request.get(key) for key in _WORDS] + (timbre if isinstance(timbre, list) else [])
    return ", ".join(word for word in words if isinstance(word, str) and word)
