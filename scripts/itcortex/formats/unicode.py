"""Names that look the same are the same: Unicode writes an accented letter in two ways.

macOS stores file names with accents taken apart (NFD), and most tables hold letters that are whole
(NFC). All names are brought to the whole form when they are read, so that images of a folder, a zip
and a table can be joined.
"""

import unicodedata


def composed(name: str) -> str:
    """The name in Unicode's composed form (NFC)."""
    return unicodedata.normalize("NFC", name)
