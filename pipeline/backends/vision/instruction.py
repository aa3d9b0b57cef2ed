"""The instruction for the vision model, from prompts/describe.txt, which anyone may edit."""

from pathlib import Path

from ...errors import SoundscapeError

TEMPLATE = Path(__file__).parents[3] / "prompts" / "describe.txt"


def read_instruction(*, max_sources: int, boxes: str, template: Path | None = None) -> str:
    """Return the template without its comments, its two fields filled in.

    It is read each time, so that an edit counts from the next picture on. Other braces stay as they are.
    """
    template = template or TEMPLATE
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        where = f"prompts/{template.name}"
        raise SoundscapeError(f"The instruction {where} cannot be read as text. Put the file back.") from error
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    filled = "\n".join(lines).replace("{max_sources}", str(max_sources)).replace("{boxes}", boxes).strip()
    if not filled:
        raise SoundscapeError(f"The instruction prompts/{template.name} is empty. Put its text back.")
    return filled
