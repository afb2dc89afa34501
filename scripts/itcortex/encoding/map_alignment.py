"""Alignment of predicted with recorded maps of activity over an image (the paper's figure 4)."""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.encoding.map_null import alignment_null, reduced_size
from itcortex.mappings import reference
from itcortex.numerics.metrics import spearman
from itcortex.numerics.resample import resize_maps

_log = logging.getLogger(__name__)

#: The grid is reduced by these factors: all of it, half, and a quarter of its side.
SCALES = (1, 2, 4)
_COLUMNS = {
    "image": "str", "scale": "int64", "site": "str", "rho": "float64", "p": "float64",
    "null_high": "float64", "has_power": "bool",
}  # fmt: skip


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
    size = reduced_size(recorded.shape[1:3], scale)
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


def site_average(responses: np.ndarray) -> np.ndarray:
    """Mean map (image, y, x) over sites, each z-scored first as in `map_alignment`."""
    spread = responses.std((0, 1, 2))
    return ((responses - responses.mean((0, 1, 2))) / np.where(spread > 0, spread, 1)).mean(3)


@dataclass(frozen=True)
class Null:
    """How maps of chance are made: see `itcortex.encoding.map_null.alignment_null`."""

    method: str
    draws: int
    rng: np.random.Generator


def alignment_table(
    recorded: np.ndarray, predicted: np.ndarray, image_ids: tuple, site_ids: tuple, null: Null
) -> pd.DataFrame:
    """Tidy table of `map_alignment` at every scale: image, scale, site, rho, p, null_high, has_power.

    `site` is "average" (of the z-scored sites) or a site's id. For the average, `p` is the share of
    surrogate maps that align as well, and `null_high` their 95th percentile; NaN for single sites.
    `has_power` is False where even a nearly perfect match would be within chance, as with the four
    positions of a 9 x 9 grid's quarter (`tells_from_chance`); the log says so. It is False for single
    sites.
    `site` "reference" holds the authors' two numbers (raw sites averaged, scales 1 and 4; see
    `itcortex.mappings.reference.map_alignment`).
    Empty, with the same columns, for responses without a grid: they have no map.
    """
    rows = []
    for scale in SCALES if recorded.shape[1] * recorded.shape[2] > 1 else ():
        per_site, of_average = map_alignment(recorded, predicted, scale)
        chance = alignment_null(recorded, predicted, scale, null.draws, null.rng, null.method)
        high = np.percentile(chance.null, 95, axis=1)
        has_power = tells_from_chance(math.prod(reduced_size(recorded.shape[1:3], scale)), high)
        _warn_of_power(recorded.shape[1:3], scale, has_power)
        for index, image in enumerate(image_ids):
            rows.append(
                (image, scale, "average", of_average[index], chance.p[index], high[index],
                 has_power[index])
            )  # fmt: skip
            rows += [
                (image, scale, site, rho, np.nan, np.nan, False)
                for site, rho in zip(site_ids, per_site[index], strict=True)
            ]
    if rows:
        for scale, values in reference.map_alignment(recorded, predicted).items():
            rows += [
                (image, scale, "reference", rho, np.nan, np.nan, False)
                for image, rho in zip(image_ids, values, strict=True)
            ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def no_alignment(labels: Iterable[str]) -> pd.DataFrame:
    """The table where no recording has maps, with columns `labels` of what a job would be about."""
    kinds = _COLUMNS | dict.fromkeys(labels, "str")
    return pd.DataFrame(columns=list(kinds)).astype(kinds)


def nearly_perfect(n_positions: int) -> float:
    """Spearman's rho of two orders of so many positions that differ by one swap of neighbours."""
    return 1 - 12 / (n_positions * (n_positions**2 - 1))


def tells_from_chance(n_positions: int, null_high: np.ndarray) -> np.ndarray:
    """Mask (image,): whether a `nearly_perfect` match is above chance, at 5 %.

    It must be above the surrogates' 95th percentile, `null_high` (image,), and rare among orders that
    know nothing of each other: n of the n! orders of n positions match so well or better, which is
    17 % with four positions and 4 % with five.
    """
    return (null_high < nearly_perfect(n_positions)) & (1 / math.factorial(n_positions - 1) <= 0.05)


def _warn_of_power(grid: tuple[int, int], scale: int, has_power: np.ndarray) -> None:
    """Say in the log for how many images even a nearly perfect match is within chance."""
    if not has_power.all():
        cells = " x ".join(str(length) for length in reduced_size(grid, scale))
        _log.warning(
            "map alignment at 1/%d of the grid (%s cells): for %d of %d images even a nearly perfect "
            "match is within chance, so that its p value has no power",
            scale, cells, (~has_power).sum(), len(has_power),
        )  # fmt: skip
