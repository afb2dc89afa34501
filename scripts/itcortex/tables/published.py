"""Trends of published scores with accuracy, one line a table, region, benchmark, metric and subset."""

from collections.abc import Iterator
from zlib import crc32

import numpy as np
import pandas as pd

from itcortex.tables.family_trends import family_table
from itcortex.tables.trend_limits import NOT_BASELINE
from itcortex.tables.trends import Ranges, inside, range_curve

LINE = ["source", "region", "benchmark", "metric"]


def in_trend(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores that a trend is about: with an accuracy, of networks trained for accuracy alone.

    Untrained and harmonized networks are left out, as are scores that are no number.
    """
    known = np.isfinite(scores["accuracy"]) & np.isfinite(scores["score"])
    trained = scores["trained"].fillna(True).astype(bool)
    return scores[known & trained & ~scores["category"].isin(NOT_BASELINE)]


def lines(scores: pd.DataFrame, minimum: int) -> Iterator[tuple[dict, pd.DataFrame]]:
    """Every line that has at least `minimum` networks: what names it, and its rows.

    The subset `supervised` (trained with labels, not adversarially) is a line of its own where a
    table says so of its networks and it differs from `all`.
    """
    for key, rows in in_trend(scores).groupby(LINE, sort=False, observed=True):
        supervised = rows["supervised"].fillna(False) & ~rows["adversarial"].fillna(False)
        parts = {"all": rows, "supervised": rows[supervised.astype(bool)]}
        for subset, part in parts.items():
            if len(part) >= minimum and (subset == "all" or len(part) < len(rows)):
                yield dict(zip(LINE, key, strict=True)) | {"subset": subset}, part


def _generator(seed: int, line: dict) -> np.random.Generator:
    """Random numbers of one line: a further table leaves those of all others as they were."""
    return np.random.default_rng([seed, crc32("|".join(line.values()).encode())])


def _columns(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        rows["accuracy"].to_numpy(float),
        rows["score"].to_numpy(float),
        rows["family"].to_numpy(str),
    )


def range_table(scores: pd.DataFrame, ranges: Ranges, draws: int, seed: int) -> pd.DataFrame:
    """The range curve of every line: what names it, and the columns of `trends.range_curve`."""
    curves = [
        range_curve(*_columns(rows), ranges, draws=draws, rng=_generator(seed, line)).assign(**line)
        for line, rows in lines(scores, ranges.minimum)
    ]
    return _named_first(curves)


def families_table(
    scores: pd.DataFrame, cuts: list[float], minimum: int, draws: int, seed: int
) -> pd.DataFrame:
    """Within- and between-family statistics of every line above each cut of accuracy (%).

    Columns: what names the line, `from`, and those of `family_trends.family_table`.
    """
    parts = []
    for line, rows in lines(scores, minimum):
        for cut in cuts:
            some = rows[inside(rows["accuracy"].to_numpy(), cut, np.inf)]
            if len(some) < minimum:
                continue
            table = family_table(*_columns(some), draws=draws, rng=_generator(seed, line))
            parts.append(table.assign(**line, **{"from": cut}))
    return _named_first(parts, "from")


def _named_first(parts: list[pd.DataFrame], *more: str) -> pd.DataFrame:
    """Tables one below the other, what names a line in the first columns."""
    first = [*LINE, "subset", *more]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=first)
    return table[[*first, *[name for name in table if name not in first]]]


#: Metrics that tell the lines of a region apart, as a reader knows them.
SHORT = {"crsa": "classical RSA", "wrsa": "voxel-encoding RSA", "srpr": "encoding of voxels"}


def line_names(table: pd.DataFrame) -> pd.Series:
    """A short name of every row's line within its table: the region, or what tells it from others.

    Where a region has several benchmarks it is the benchmark, else where it has several metrics the
    metric; a subset is added.
    """
    names = table["region"]
    for column in ("metric", "benchmark"):
        of_region = table.groupby(["source", "region"], observed=True)[column]
        told = table[column].replace(SHORT)
        names = names.mask(of_region.transform("nunique") > 1, told)
    return names.where(table["subset"] == "all", names + ", " + table["subset"])


def at_cut(curve: pd.DataFrame, cut: float, statistic: str = "spearman") -> pd.DataFrame:
    """Rows of a range table above a cut (%): of every line the highest cut that is not above it.

    A line whose least accurate network is above the cut gives all of its networks.
    """
    cuts = curve[(curve["range"] == "cut") & (curve["statistic"] == statistic)]
    keys = [*LINE, "subset"]
    lowest = cuts.groupby(keys, observed=True)["from"].transform("min")
    known = cuts[(cuts["from"] <= cut) | (cuts["from"] == lowest)]
    return known.loc[known.groupby(keys, sort=False, observed=True)["from"].idxmax()]
