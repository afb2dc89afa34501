"""Responses of macaque V4 published by Cowley et al. (2023)."""

from pathlib import Path

import numpy as np

from itcortex.data.recordings import Recording, checked, mean_over_repeats
from itcortex.errors import UserError


def read_cowley(
    source: str | Path, attributes: dict, image_name: str = "image{:04d}.jpg"
) -> Recording:
    """Read one session of Cowley, Stan, Pillow & Smith (bioRxiv 2023): no grid, no time axis.

    `source` is a .npy of spike counts: (neuron, image, repeat), NaN where a repeat is missing, or
    averaged over repeats (neuron, image). Image n (from 1) is called `image_name.format(n)`, as in
    the session's zip of images.

    Raises `UserError` for another kind of file and for an image that has no repeat for a neuron.
    """
    try:
        counts = np.load(source, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{source}: not a readable .npy file ({error})") from error
    if getattr(counts, "ndim", 0) not in (2, 3) or counts.dtype.kind not in "iuf":
        raise UserError(
            f"{source}: holds {getattr(counts, 'shape', 'several arrays')}; expected numbers "
            "(neuron, image) or (neuron, image, repeat)"
        )
    image_ids = tuple(image_name.format(image + 1) for image in range(counts.shape[1]))
    digits = max(2, len(str(len(counts))))
    site_ids = tuple(f"neuron-{site + 1:0{digits}d}" for site in range(len(counts)))
    responses = mean_over_repeats(counts).T[:, None, None, None].astype(np.float32)
    trials = None
    if counts.ndim == 3:
        trials = counts.transpose(1, 0, 2)[:, None, None, None].astype(np.float32)
    return checked(Recording(responses, image_ids, site_ids, attributes, trials), str(source))
