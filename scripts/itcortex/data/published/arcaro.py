"""The archive of Arcaro, Ponce & Livingstone (eLife 2020): responses and names of its images.

A zip, with or without a top folder, of MATLAB files (version 5 or 7.3) and folders of images.
`imageRF` has the axes (x, y, ms, channel, image), without those that MATLAB drops at the end because
their length is 1; `UniqueNames` names the images, some with the paths of a Windows machine.
"""

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import numpy as np

from itcortex.data.recordings import Recording, checked
from itcortex.errors import UserError, nearest
from itcortex.formats.matlab import read_variables
from itcortex.formats.unicode import composed
from itcortex.formats.zips import open_archive


def read_image_rf(
    archive: str | Path, mat: str, images_folder: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """`imageRF` (x, y, ms, channel, image) of one .mat, and the file name of every image.

    Images are named as in `images_folder`, which may hold others beside. Raises `UserError` for a
    missing variable, for axes that do not fit the names, and for names that match no image file.
    """
    with open_archive(archive) as members:
        label = f"{archive}: {mat}"
        variables = read_variables(members.read(mat), label, ("imageRF", "UniqueNames"))
        image_ids = _match_files(variables["UniqueNames"], members.files(images_folder), label)
    return _five_axes(variables["imageRF"], len(image_ids), label), image_ids


def channel_range(sites: Sequence[int | None], n_channels: int, label: str) -> range:
    """Channels (0-based) of the slice [start, stop); a stop of None is the last channel's.

    Raises `UserError` for channels that the recording does not have.
    """
    start, stop = sites
    stop = n_channels if stop is None else stop
    if not 0 <= start < stop <= n_channels:
        raise UserError(
            f"{label}: sites {list(sites)} are not within 0..{n_channels} channels; give "
            "[first, last) channel, counted from 0, or null as the last to take all the rest"
        )
    return range(start, stop)


def _match_files(unique_names: np.ndarray, files: dict[str, str], label: str) -> tuple[str, ...]:
    """Files of the image folder that the names (with or without Windows paths) stand for."""
    names = [PureWindowsPath(str(name).strip()).name for name in unique_names.ravel()]
    known = {_folded(file): file for file in files} | {file: file for file in files}
    found = [known.get(name, known.get(_folded(name))) for name in names]
    unmatched = [name for name, file in zip(names, found, strict=True) if file is None]
    if unmatched:
        raise UserError(
            f"{label}: {len(unmatched)} of {len(names)} image names match no file of the images "
            f"folder: {', '.join(unmatched[:10])}; for {unmatched[0]!r}, "
            f"{nearest(unmatched[0], sorted(files))}"
        )
    return tuple(found)


def _folded(name: str) -> str:
    """A file name as Windows compares it, whatever its case."""
    return composed(name).casefold()


def _five_axes(image_rf: np.ndarray, n_images: int, label: str) -> np.ndarray:
    """`imageRF` with the trailing axes of length 1 that MATLAB drops put back."""
    shape = (*image_rf.shape, *[1] * (5 - image_rf.ndim))
    if len(shape) != 5 or shape[4] != n_images or image_rf.dtype.kind not in "iuf":
        raise UserError(
            f"{label}: imageRF is {image_rf.dtype} {image_rf.shape}; expected numbers with axes "
            f"(x, y, ms, channel, image), the last one as long as the {n_images} names"
        )
    return image_rf.reshape(shape)


def read_arcaro(
    archive: str | Path,
    attributes: dict,
    mat: str,
    sites: Sequence[int | None],
    images_folder: str,
) -> Recording:
    """Read one array from an archive of Arcaro, Ponce & Livingstone (eLife 2020).

    `mat` is the archive's .mat file, `sites` the slice [start, stop) of its channels that make up
    the array (0-based; a stop of None is the last channel's), `images_folder` the archive's folder
    of images, whose file names become the image ids. The archive calls its first two axes x and y;
    the authors' loader matches the first with the rows of the image and the second with its
    columns, both reversed, and so does this one. Bins of 1 ms begin at stimulus onset unless
    `attributes` say otherwise.

    Raises `UserError` for a missing variable, axes that do not fit the names, names that match
    no image file, channels that are not there and responses that are not finite.
    """
    label = f"{archive}: {mat}"
    image_rf, image_ids = read_image_rf(archive, mat, images_folder)
    channels = channel_range(sites, image_rf.shape[3], label)
    array = image_rf[::-1, ::-1, :, channels.start : channels.stop]
    responses = array.transpose(4, 0, 1, 2, 3).astype(np.float32)
    digits = max(2, len(str(image_rf.shape[3])))
    site_ids = tuple(f"channel-{channel + 1:0{digits}d}" for channel in channels)
    attributes = {"ms_start": 0, "ms_bin": 1, **attributes}
    return checked(Recording(responses, image_ids, site_ids, attributes), label)
