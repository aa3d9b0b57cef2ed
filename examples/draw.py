"""Draw the example pictures: `python examples/draw.py [NAME...]` redraws all of them, or those named.

They are composed in numpy and painted over with brush strokes. Nothing in them comes from a photograph.
"""

import argparse
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from painting import light, strokes  # noqa: E402
from painting.canvas import Canvas  # noqa: E402

# Each picture has its own seed, so that it can be changed without changing the others.
SCENES = {
    "dusk_beach": 11,
    "forest_stream": 12,
    "rainy_street": 13,
    "campfire": 14,
    "harbour": 15,
    "meadow": 16,
    "mountain_lake": 17,
    "kitchen_morning": 18,
}
MAX_BYTES = 250_000


def draw(name: str, scale: float = 1.0) -> Image.Image:
    """Draw one picture. A smaller `scale` is faster and keeps the composition."""
    scene = import_module(f"painting.scenes.{name}")
    canvas = Canvas(*scene.SIZE, scale, SCENES[name])
    scene.compose(canvas)
    height = strokes.paint(canvas)
    scene.finish(canvas)
    light.relief(canvas, height)
    light.vignette(canvas)
    return Image.fromarray((np.clip(canvas.rgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def jpeg(picture: Image.Image) -> bytes:
    """Encode with the best quality, up to 86, that keeps the file below MAX_BYTES. Raises ValueError if none does."""
    for quality in range(86, 60, -2):
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() < MAX_BYTES:
            return buffer.getvalue()
    raise ValueError("The picture is too detailed for a JPEG of 250 KB.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(SCENES)}")
    names = parser.parse_args().names or list(SCENES)
    unknown = [name for name in names if name not in SCENES]
    if unknown:
        parser.error(f"there is no picture {', '.join(unknown)}; choices: {', '.join(SCENES)}")
    for name in names:
        path = FOLDER / f"{name}.jpg"
        path.write_bytes(jpeg(draw(name)))
        print(path.name, f"{path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
