"""Pictures of a user's folder, each of its own size."""

from pathlib import Path

import numpy as np

from itcortex.data.images import decode_rgb
from itcortex.data.stimuli import IMAGE_SUFFIXES, pictures_in
from itcortex.errors import UserError


def picture_files(folder: str | Path) -> dict[str, Path]:
    """Files of pictures in a folder and those below, by their path from there, sorted.

    Hidden files are left out. Raises `UserError` for a folder that is not there or has no picture.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the folder that holds the pictures")
    found = pictures_in(folder)
    if not found:
        endings = ", ".join(sorted(IMAGE_SUFFIXES))
        raise UserError(f"{folder}: has no picture ({endings}); name the folder that holds them")
    return found


def read_pictures(files: dict[str, Path]) -> dict[str, np.ndarray]:
    """Pictures by name, uint8 (row, column, rgb), upright; `UserError` names one that is damaged."""
    return {
        name: np.asarray(decode_rgb(path.read_bytes(), str(path), upright=True))
        for name, path in files.items()
    }
