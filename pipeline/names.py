"""File names that every system accepts, made of any text. Letters and marks of every script are kept."""

import unicodedata

import regex

MAX_CHARACTERS = 60
MAX_BYTES = 200  # in UTF-8; file systems allow 255, and temporary files have a longer name

_JOINER = r"(?<=[\p{L}\p{M}])[\u200c\u200d](?=\p{L})"  # changes the shape of letters, as in Persian and Sinhala
_INVISIBLE = regex.compile(r"(?![\u200c\u200d])\p{Cf}+")  # such as marks that turn the direction of the text
# A character that is replaced takes its own marks along, such as the colour of an emoji.
_OTHER = regex.compile(
    rf"(?:(?<![\p{{L}}\p{{M}}\p{{N}}\u200c\u200d])\p{{M}}|(?!{_JOINER})[^\p{{L}}\p{{M}}\p{{N}}_.-]\p{{M}}*)+"
)
_DEVICE = regex.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])(\..*)?", regex.IGNORECASE)  # not allowed on Windows


def portable(text: str) -> str:
    """Return the text with letters, marks and digits of all scripts, `.`, `-` and `_`. Others become `_`.

    The result may be empty. It has at most 60 characters and 200 bytes, and is cut between visible characters.
    """
    visible = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return _cut(_OTHER.sub("_", visible)).strip("._-\u200c\u200d")


def is_device(name: str) -> bool:
    """Return whether Windows reserves the name for a device, such as CON."""
    return _DEVICE.fullmatch(name) is not None


def folded(name: str) -> str:
    """Return a form that is equal for all names that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS and len(text.encode()) <= MAX_BYTES:
        return text
    kept = ""
    for visible in regex.findall(r"\X", text):
        if len(kept) + len(visible) > MAX_CHARACTERS or len((kept + visible).encode()) > MAX_BYTES:
            return kept or visible[:MAX_CHARACTERS].encode()[:MAX_BYTES].decode("utf-8", "ignore")
        kept += visible
    return kept
