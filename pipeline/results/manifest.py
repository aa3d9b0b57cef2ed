"""Reads a manifest that someone sends: the fields that are used are checked, all others are dropped."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from ..errors import SoundscapeError
from ..files import sha256_of
from .result import MANIFEST, SOUNDSCAPE

MAX_SEED = 2**32 - 1
EDITED = "The soundscape was edited after this sound was made. Make the sound again to hear the changes."

_Text = Annotated[str, Field(max_length=1000)]
_Prompt = Annotated[str, Field(max_length=100_000)]  # as long as people paste; the model reads its beginning
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _MadeBy(_Part):
    backend: _Text = ""
    model: _Text = ""
    revision: _Text | None = None
    licence: _Text = ""
    device: _Text = ""


class _Options(_Part):
    steps: Annotated[int, Field(ge=0, le=10_000)] | None = None
    guidance: Annotated[float, Field(ge=0, le=1000)] | None = None
    negative_prompt: _Prompt | None = None
    candidates: Annotated[int, Field(ge=1, le=100)] = 1
    precision: _Text = ""
    prompts: dict[Annotated[int, Field(ge=0, le=7)], _Prompt] = {}
    redo: dict[Annotated[int, Field(ge=0, le=7)], tuple[_Number, _Number]] = {}


class _File(_Part):
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Manifest(_Part):
    vision: _MadeBy | None = None
    audio: _MadeBy | None = None
    duration_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    options: _Options = _Options()
    loudness_lufs: _Number | None = None
    true_peak_dbtp: _Number | None = None
    warnings: Annotated[list[_Prompt], Field(max_length=100)] = []  # several for each of 8 sources; some cite a prompt
    seconds: Annotated[dict[_Text, _Number], Field(max_length=20)] = {}
    files: Annotated[dict[Annotated[str, Field(max_length=100)], _File], Field(max_length=30)] = {}
    checks: dict[_Text, JsonValue] | None = None
    senses: dict[_Text, JsonValue] | None = None


def read_manifest(data: bytes) -> dict[str, Any]:
    """Return the report in a manifest. Raises SoundscapeError with the name of the first field that is not valid."""
    try:
        return _Manifest.model_validate_json(data).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"])[:100]
        raise SoundscapeError(f"{MANIFEST} is damaged{f': {path} is not valid' if path else ''}.") from None


def report_in(folder: Path) -> dict[str, Any]:
    """Return the report of a result folder; an empty one if there is no manifest."""
    path = folder / MANIFEST
    return read_manifest(path.read_bytes() if path.is_file() else b"{}")


def differences(folder: Path, report: dict[str, Any]) -> list[str]:
    """Return sentences about the files that changed or went missing since the report was written."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    hashes = {name: file["sha256"] for name, file in report["files"].items()}
    changed = [name for name in hashes.keys() & paths if sha256_of(paths[name]) != hashes[name]]
    words = [EDITED] if SOUNDSCAPE in changed else []
    for what, names in (("Changed since then", set(changed) - {SOUNDSCAPE}), ("Missing", hashes.keys() - paths)):
        if names:
            words.append(f"{what}: {', '.join(sorted(names))}.")
    return words
