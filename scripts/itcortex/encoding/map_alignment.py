"""Alignment of predicted with recorded maps of activity over an image (the paper's figure 4)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.encoding.map_null import alignment_null
from itcortex.mappings import reference
from itcortex.numerics.metrics import spearman
from itcortex.numerics.resample import resize_maps

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
        Both are first averaged to round(side / scale) cells along each axis, but at least 2.

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


@dataclass(frozen=True)
class Null:
    """How maps of chance are made: see `itcortex.encoding.map_null.alignment_null`."""

    method: str
    draws: int
    rng: np.random.Generator


def alignment_table(
    recorded: np.ndarray, predicted: np.ndarray, image_ids: tuple, site_ids: tuple, null: Null
) -> pd.DataFrame:
    """Tidy table of `map_alignment` at every scale: image, scale, site, rho, p, null_high.

    `site` is "average" (of the z-scored sites) or a site's id. For the average, `p` is the share of
    surrogate maps that align as well, and `null_high` their 95th percentile; NaN for single sites.
    `site` "reference" holds the authors' two numbers (raw sites averaged, scales 1 and 4; see
    `itcortex.mappings.reference.map_alignment`).
    Empty, with the same columns, for responses without a grid: they have no map.
    """
    rows = []
    for scale in SCALES if recorded.shape[1] * recorded.shape[2] > 1 else ():
        per_site, of_average = map_alignment(recorded, predicted, scale)
        chance = alignment_null(recorded, predicted, scale, null.draws, null.rng, null.method)
        high = np.percentile(chance.null, 95, axis=1)
        for index, image in enumerate(image_ids):
            rows.append((image, scale, "average", of_average[index], chance.p[index], high[index]))
            rows += [
                (image, scale, site, rho, np.nan, np.nan)
                for site, rho in zip(site_ids, per_site[index], strict=True)
            ]
    if rows:
        for scale, values in reference.map_alignment(recorded, predicted).items():
            rows += [
                (image, scale, "reference", rho, np.nan, np.nan)
                for image, rho in zip(image_ids, values, strict=True)
            ]
    kinds = {
        "image": "str", "scale": "int64", "site": "str", "rho": "float64", "p": "float64",
        "null_high": "float64",
    }  # fmt: skip
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
