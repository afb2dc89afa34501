"""What all kinds of shards share: how human maps are stored, and where copies of shards are kept."""

import glob
import re
from pathlib import Path

import numpy as np

from itcortex.data.images import decode_image
from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.training.images.samples import sha256_of_parts

#: Names of stored maps (of a column, or before the suffix of a file in a tar archive). `CLICKS` are
#: ClickMe's, to which the authors' processing is applied here; a `MAP` is any image with one channel,
#: used as it is.
CLICKS, MAP = "heatmap", "map"
_MADE = re.compile(r".*-[0-9a-f]{16}-[0-9a-f]{16}\.(arrow|index)", re.DOTALL)


def human_map(content, kind: str, where: str) -> np.ndarray:
    """A stored map of a kind (`CLICKS`, 224 pixels a side, or `MAP`) as float32 (row, column).

    Raises `UserError`, naming `where` it lies, if it is damaged, has colours, or is not ClickMe's size.
    """
    if kind == CLICKS:
        try:
            return clickme.human_maps(clickme.jpeg_pixels(content, "heatmap")[None])[0]
        except ValueError as error:
            raise UserError(
                f"{where}: {error}; fetch the shard again, or call a map that is no ClickMe map {MAP!r}"
            ) from error
    image = decode_image(content, where)
    if len(image.getbands()) > 1:
        raise UserError(
            f"{where}: its human map has {len(image.getbands())} channels; save it with one channel"
        )
    return np.asarray(image, np.float32)


def in_scratch(path: Path, scratch: Path, suffix: str) -> Path:
    """Path in `scratch` of something made from the present content of the file `path`.

    What was made there from a former content of that file is deleted.
    """
    stat = path.stat()
    name = sha256_of_parts(str(path.resolve()).encode())[:16]
    content = sha256_of_parts(f"{stat.st_size} {stat.st_mtime_ns}".encode())[:16]
    present = scratch / f"{path.stem}-{name}-{content}{suffix}"
    for made in scratch.glob(f"{glob.escape(path.stem)}-{name}-*{suffix}"):
        if made != present:
            made.unlink(missing_ok=True)
    return present


def empty_scratch(scratch: Path) -> None:
    """Delete what `in_scratch` has named in `scratch`, and the folder if nothing else is in it."""
    for made in scratch.glob("*"):
        if _MADE.fullmatch(made.name):
            made.unlink(missing_ok=True)
    if scratch.is_dir() and not any(scratch.iterdir()):
        scratch.rmdir()
