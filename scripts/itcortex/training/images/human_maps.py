"""What shards of every kind have in common: human maps as they are stored, names of their copies."""

from pathlib import Path

import numpy as np

from itcortex.data.images import decode_image
from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.training.images.samples import digest

#: What a stored map is called (a column, the ending of a tar's member): ClickMe's, to which the
#: authors' processing is still to be applied, and any image of one channel, taken as it is.
CLICKS, MAP = "heatmap", "map"


def human_map(content, kind: str, where: str) -> np.ndarray:
    """A stored map of a kind (`CLICKS`, 224 pixels a side, or `MAP`) as float32 (row, column).

    Raises `UserError`, naming `where` it lies, if it is damaged, has colours, or is not ClickMe's size.
    """
    if kind == CLICKS:
        try:
            return clickme.human_maps(clickme.jpeg_pixels(content, "heatmap")[None])[0]
        except ValueError as error:
            raise UserError(
                f"{where}: {error}; get the shard again, or call a map that is no ClickMe map {MAP!r}"
            ) from error
    image = decode_image(content, where)
    if len(image.getbands()) > 1:
        raise UserError(f"{where}: its human map has {len(image.getbands())} channels, not one")
    return np.asarray(image, np.float32)


def in_scratch(path: Path, scratch: Path, suffix: str) -> Path:
    """Where something made of the file `path`, as it is now, is kept in `scratch`."""
    stat = path.stat()
    unique = digest(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode())[:16]
    return scratch / f"{path.stem}-{unique}{suffix}"
