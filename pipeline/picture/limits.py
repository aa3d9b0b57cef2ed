"""How large a picture may be, checked before anything is decoded."""

from ..errors import SoundscapeError

MAX_PIXELS = 40_000_000
MAX_DECODED_BYTES = 320_000_000  # 40 megapixels of RGBA with 16 bits


def check_pixels(size: tuple[int, int], most: int = MAX_PIXELS) -> None:
    """Raise SoundscapeError when a picture has too many pixels."""
    if size[0] * size[1] > most:
        raise too_large(size, most)


def check_decoded(size_bytes: int) -> None:
    """Raise SoundscapeError when the pixels would take too much memory."""
    if size_bytes > MAX_DECODED_BYTES:
        raise SoundscapeError(
            f"This picture takes {size_bytes // 1_000_000} MB of memory. Save it with 8 bits per channel and try again."
        )


def too_large(size: tuple[int, int] | None = None, most: int = MAX_PIXELS) -> SoundscapeError:
    this = f"This one has {size[0]} x {size[1]}. " if size else ""
    return SoundscapeError(
        f"A picture may have at most {most // 1_000_000} megapixels. {this}Make it smaller and try again."
    )
