"""Harmonized networks: a point for every strength, its seeds around it, arrows from the baseline."""

from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from itcortex.figures import style
from itcortex.tables.condition_contrasts import CONTROLS

TWINS = ("harmonized", *CONTROLS)  # categories that arrows run to
SEED_LABEL = "seeds (large: their mean)"
SEEDS = {"marker": "o", "markersize": 2.4, "markeredgewidth": 0.3, "markeredgecolor": "white",
         "linestyle": "none", "alpha": 0.9}  # fmt: skip
ARROW = {"arrowstyle": "-|>", "lw": 1.0, "shrinkA": 3, "shrinkB": 5,
         "mutation_scale": 8}  # fmt: skip


def networks(points: pd.DataFrame, score: str) -> pd.DataFrame:
    """A row for every network of `points`: model, weights, series, strength, baseline, x and `score`.

    Seeds of one model, series and strength are one network, at their mean. The mean of several has no
    interval: those of the seeds are over images, not over seeds. Rows are indexed by the network's
    name; `baseline` is the name of the network that it is compared with, NaN if that is not among
    `points`.
    """
    names = _network(points)
    groups = points.groupby(names, sort=False)
    several = groups.x.transform("size") > 1
    ends = [column for column in (f"{score}_low", f"{score}_high") if column in points]
    name_of = dict(
        zip(points.model.astype(str) + " " + points.weights.astype(str), names, strict=True)
    )
    called = points.strength.map("strength {:g}".format).astype(str)
    means = points.assign(
        weights=called.where(points.strength.notna(), points.weights.astype(str)),
        baseline=points.baseline.astype(str).map(name_of).groupby(names).transform("first"),
        x=groups.x.transform("mean"),
        **{score: groups[score].transform("mean")},
        **{end: points[end].mask(several) for end in ends},
    )
    means.index = names
    return means[~means.index.duplicated()]


def seeds(points: pd.DataFrame) -> pd.DataFrame:
    """Rows of `points` that are one of several seeds of a strength."""
    return points[_network(points).duplicated(keep=False)]


def draw_seeds(axes: Axes, points: pd.DataFrame, score: str) -> None:
    """A dot for every seed, in the colour of its category, on top of the mean of all."""
    for category, rows in seeds(points).groupby("category", sort=False):
        axes.plot(rows.x, rows[score], zorder=3.2, color=style.category(category).colour,
                  label=SEED_LABEL, **SEEDS)  # fmt: skip


def seed_handle(points: pd.DataFrame) -> list[Line2D]:
    """Legend entry of seeds, where there are any."""
    return (
        [Line2D([], [], color=style.GREY, label=SEED_LABEL, **SEEDS)] if len(seeds(points)) else []
    )


def draw_arrows(axes: Axes, means: pd.DataFrame, score: str) -> None:
    """An arrow from every baseline to its harmonized twin, and on from strength to strength.

    `means` are rows of `networks`. Every series of a baseline has a path of its own, in the colour of
    its category: human maps and controls start at the same point.
    """
    trained = means.index[means.category != "untrained"]  # those are not on these axes
    twins = means[means.category.isin(TWINS) & means.baseline.isin(trained)]
    keys = [twins.model.astype(str), "baseline", twins.series.astype(str)]
    for (_, baseline, _), some in twins.groupby(keys, sort=False):
        arrow = ARROW | {"color": style.category(some.category.iloc[0]).colour}
        path = pd.concat([means.loc[[baseline]], some.sort_values("strength", kind="stable")])
        for start, end in pairwise(path[["x", score]].itertuples(index=False, name=None)):
            axes.annotate("", end, start, zorder=2.8, arrowprops=arrow)


def _network(points: pd.DataFrame) -> pd.Series:
    """Name of the network of every row: rows that differ in the seed of our training alone share it."""
    model = points.model.astype(str) + " "
    trained = (
        model
        + points.series.astype(str)
        + " "
        + points.strength.map("strength {:g}".format).astype(str)
    )
    return trained.where(points.strength.notna(), model + points.weights.astype(str))
