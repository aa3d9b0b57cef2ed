"""Colours of any mode -> sRGB, with the embedded colour profile if there is one."""

import io
import logging

from PIL import Image, ImageCms

# The first letters of a profile's colour space, and the modes that its colours have in Pillow.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}

_log = logging.getLogger(__name__)


def over_white(image: Image.Image) -> Image.Image:
    """Return the picture in sRGB, its transparent parts in front of white."""
    rgba = image.convert("RGBA")
    profile = image.info.get("icc_profile")
    if profile:
        coloured = image.convert("L" if image.mode in ("LA", "La") else "RGB")
        converted = _by_profile(coloured, profile)
        if converted is not None:
            converted.putalpha(rgba.getchannel("A"))
            rgba = converted
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the picture in sRGB. A profile that is damaged, or is not for these colours, is ignored."""
    profile = image.info.get("icc_profile")
    converted = _by_profile(image, profile) if profile else None
    return image.convert("RGB") if converted is None else converted


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES.get(source.profile.xcolor_space.strip())
        if (image.mode, mode) == ("L", "RGB"):  # grey pictures often keep the profile of the camera
            image = image.convert("RGB")
        if image.mode != mode:
            return None
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:  # the picture is usable without a profile
        _log.info("A colour profile was ignored: %s", error)
        return None
