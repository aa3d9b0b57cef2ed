"""The instruction for the vision model, from the editable file prompts/describe.txt."""

from pathlib import Path

from ...errors import SoundscapeError

TEMPLATE = Path(__file__).parents[3] / "prompts" / "describe.txt"


def read_instruction(*, max_sources: int, boxes: str, template: Path | None = None) -> str:
    """Return the template without its comments and with its two fields filled in.

    The file is read for every picture, so edits take effect at once. Other braces are left as they are. Raises
    SoundscapeError if the file cannot be read or is empty.
    """
    template = template or TEMPLATE
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        where = f"prompts/{template.name}"
        raise SoundscapeError(f"The instruction {where} cannot be read as text. Restore the file.") from error
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    filled = "\n".join(lines).replace("{max_sources}", str(max_sources)).replace("{boxes}", boxes).strip()
    if not filled:
        raise SoundscapeError(f"The instruction prompts/{template.name} is empty. Restore its text.")
    return filled
