"""Numbers and their units stay on one line."""

import re

NO_BREAK = "\u00a0"
_QUANTITY = re.compile(r"(?<=\d) (?=(?:dB|dBTP|LUFS|LU|k?Hz|m|s|min|[MG]B|%)(?!\w))")


def unbroken(text: str) -> str:
    """Return the text with no-break spaces between numbers and units.

    >>> unbroken("It has 12 MB and lasts 3 s.")
    'It has 12\\xa0MB and lasts 3\\xa0s.'
    """
    return _QUANTITY.sub(NO_BREAK, text)
