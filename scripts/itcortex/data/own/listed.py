"""Pictures of a large folder that a list names: those that were shown, read one after the other.

The pictures of some recordings may not be passed on. Everybody has them in a folder of their own, among
many others that were not shown.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from itcortex.data.own.matching import match
from itcortex.data.stimuli import pictures_in, pixels
from itcortex.errors import UserError
from itcortex.files import state_of
from itcortex.running.progress import bar


class ListedPictures:
    """The pictures of a folder that `names` name, in that order; iterating decodes one at a time.

    Attributes
    ----------
    names : tuple of str
        Names as the list has them, whatever the folder calls its files: with or without an ending, in
        another case, or all in one folder, as far as that is certain.
    sha256 : str
        Of the names and contents of all pictures, once they have been read.
    """

    def __init__(self, folder: str | Path, names: tuple[str, ...], size_px: int | None = None):
        """Find the pictures; `UserError` lists those that are not there.

        With `size_px` every picture is squeezed to a square of that side.
        """
        pictures = pictures_in(folder)
        if not pictures:
            raise UserError(f"{folder}: has no image; name the folder that holds the pictures")
        found = match(names, list(pictures), str(folder))
        self.names = tuple(names)
        self.files = [pictures[found[name]] for name in names]
        self.folder, self.size_px, self.sha256 = str(folder), size_px, ""

    def __iter__(self) -> Iterator[np.ndarray]:
        """Pictures uint8 (row, column, rgb).

        Raises `UserError` for one that is damaged, that has another size than the first, and if any of
        them was written to meanwhile.
        """
        before, digest, size = state_of(self.files), hashlib.sha256(), None
        for name, path in bar(
            list(zip(self.names, self.files, strict=True)), "decode", unit="image"
        ):
            content = path.read_bytes()
            digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
            image = pixels(content, str(path), self.size_px)
            size = size or image.shape
            if image.shape != size:
                raise UserError(
                    f"{path}: {image.shape[1]}x{image.shape[0]} pixels, and the first picture has "
                    f"{size[1]}x{size[0]}; bring all to one size: `stimuli: {{size_px: ...}}`"
                )
            yield image
        if state_of(self.files) != before:
            raise UserError(
                f"{self.folder}: pictures changed while they were read; run again when whatever writes "
                "them has finished"
            )
        self.sha256 = digest.hexdigest()
