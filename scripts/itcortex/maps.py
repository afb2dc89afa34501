"""Alignment of predicted with recorded maps of activity over an image (the paper's figure 4)."""

import numpy as np
import pandas as pd

from itcortex.resample import resize_maps
from itcortex.scores import spearman

#: The grid is reduced by these factors: all of it, half, and a quarter of its side.
SCALES = (1, 2, 4)


def map_alignment(
    recorded: np.ndarray, predicted: np.ndarray, scale: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spearman rho over positions between recorded and predicted maps.

    Parameters
    ----------
    recorded, predicted : arrays (image, y, x, site)
    scale : int
        Both are first averaged to round(side / scale) cells a side, at least 2.

    Returns
    -------
    per_site : float64 array (image, site)
    of_average : float64 array (image,)
        Of the maps averaged over sites, after each site was z-scored over all images and
        positions, so that sites with high rates do not stand for the whole array.
    """
    size = tuple(max(2, round(side / scale)) for side in recorded.shape[1:3])
    maps = [resize_maps(values, size) for values in (recorded, predicted)]
    flat = [values.reshape(len(values), -1, values.shape[3]) for values in maps]
    per_site = np.array([spearman(a, b) for a, b in zip(*flat, strict=True)])
    averages = []
    for values in flat:
        spread = values.std((0, 1))
        scaled = np.where(spread > 0, spread, 1.0)
        averages.append(((values - values.mean((0, 1))) / scaled).mean(2, keepdims=True))
    of_average = np.array([spearman(a, b)[0] for a, b in zip(*averages, strict=True)])
    return per_site, of_average


def alignment_table(
    recorded: np.ndarray, predicted: np.ndarray, image_ids: tuple, site_ids: tuple
) -> pd.DataFrame:
    """Tidy table of `map_alignment` at every scale: image, scale, site ("average" or its id), rho.

    Empty, with the same columns, for responses without a grid: they have no map.
    """
    rows = []
    for scale in SCALES if recorded.shape[1] * recorded.shape[2] > 1 else ():
        per_site, of_average = map_alignment(recorded, predicted, scale)
        for image, sites, average in zip(image_ids, per_site, of_average, strict=True):
            rows.append((image, scale, "average", average))
            rows += [(image, scale, site, rho) for site, rho in zip(site_ids, sites, strict=True)]
    table = pd.DataFrame(rows, columns=["image", "scale", "site", "rho"])
    return table.astype({"image": "str", "scale": "int64", "site": "str", "rho": "float64"})
