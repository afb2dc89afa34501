"""Harmonized networks: one point a strength, its seeds around it, arrows from the baseline."""

from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes

from itcortex.figures import style

COLOUR = style.CATEGORIES["harmonized"].colour
SEEDS = {"marker": "o", "markersize": 2.4, "markeredgewidth": 0, "linestyle": "none",
         "color": COLOUR, "alpha": 0.75, "label": "seeds (star: their mean)"}  # fmt: skip
ARROW = {"arrowstyle": "-|>", "color": COLOUR, "lw": 1.0, "shrinkA": 3, "shrinkB": 5,
         "mutation_scale": 8}  # fmt: skip


def networks(points: pd.DataFrame, score: str) -> pd.DataFrame:
    """`points` (columns model, weights, series, strength, baseline, x, `score`), a row a network.

    Seeds of one model, series and strength are one network, at their mean. The mean of several has no
    interval: those of the seeds are over images, not over seeds. Rows are indexed by the network's
    name; `baseline` is the name of the network that one is compared with, NaN if it is not among
    `points`.
    """
    names = _network(points)
    groups = points.groupby(names, sort=False)
    several = groups.x.transform("size") > 1
    ends = [column for column in (f"{score}_low", f"{score}_high") if column in points]
    name_of = dict(
        zip(points.model.astype(str) + " " + points.weights.astype(str), names, strict=True)
    )
    shown = "strength " + points.strength.map("{:g}".format)
    found = points.assign(
        weights=shown.where(points.strength.notna(), points.weights.astype(str)),
        baseline=points.baseline.astype(str).map(name_of).groupby(names).transform("first"),
        x=groups.x.transform("mean"),
        **{score: groups[score].transform("mean")},
        **{end: points[end].mask(several) for end in ends},
    )
    found.index = names
    return found[~found.index.duplicated()]


def seeds(points: pd.DataFrame) -> pd.DataFrame:
    """Rows of `points` that are one of several seeds of a strength."""
    return points[_network(points).duplicated(keep=False)]


def draw_arrows(axes: Axes, found: pd.DataFrame, score: str) -> None:
    """An arrow from every baseline to its harmonized twin, and on from strength to strength.

    `found` are rows of `networks`.
    """
    trained = found.index[found.category != "untrained"]  # those are not on these axes
    twins = found[(found.category == "harmonized") & found.baseline.isin(trained)]
    for (_, baseline), some in twins.groupby([twins.model.astype(str), "baseline"], sort=False):
        path = pd.concat([found.loc[[baseline]], some.sort_values("strength", kind="stable")])
        for start, end in pairwise(path[["x", score]].itertuples(index=False, name=None)):
            axes.annotate("", end, start, zorder=2.8, arrowprops=ARROW)


def _network(points: pd.DataFrame) -> pd.Series:
    """Name of the network that every row is of: what was trained alike but for the seed is one."""
    model = points.model.astype(str) + " "
    trained = model + points.series.astype(str) + " " + points.strength.map("strength {:g}".format)
    return trained.where(points.strength.notna(), model + points.weights.astype(str))
