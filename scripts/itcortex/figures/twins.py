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
TRAINED = r"^(.*strength-(\d[\d.]*(?:e[+-]?\d+)?))/seed-\d+$"  # weights that our training names


def networks(points: pd.DataFrame, score: str) -> pd.DataFrame:
    """`points` (columns model, weights, x, `score`) with seeds of one strength as one row, their mean.

    The mean of several has no interval: those of the seeds are over images, not over seeds. Rows are
    indexed by "model weights" less the seed; `strength` is NaN where weights are called otherwise.
    """
    parts = points.weights.astype(str).str.extract(TRAINED)
    groups = points.groupby(_strength_of(points.model, points.weights), sort=False)
    several = groups.x.transform("size") > 1
    ends = [column for column in (f"{score}_low", f"{score}_high") if column in points]
    found = points.assign(
        weights=("strength " + parts[1]).fillna(points.weights.astype(str)),
        strength=parts[1].astype(float),
        x=groups.x.transform("mean"),
        **{score: groups[score].transform("mean")},
        **{end: points[end].mask(several) for end in ends},
    )
    found.index = _strength_of(points.model, points.weights)
    return found[~found.index.duplicated()]


def seeds(points: pd.DataFrame) -> pd.DataFrame:
    """Rows of `points` that are one of several seeds of a strength."""
    return points[_strength_of(points.model, points.weights).duplicated(keep=False)]


def draw_arrows(axes: Axes, found: pd.DataFrame, score: str) -> None:
    """An arrow from every baseline to its harmonized twin, and on from strength to strength.

    `found` are rows of `networks` with a column `baseline` ("model weights", or empty).
    """
    trained = found.index[found.category != "untrained"]  # those are not on these axes
    baselines = found.baseline.astype(str).str.replace(TRAINED, r"\1", regex=True)
    twins = found[(found.category == "harmonized") & baselines.isin(trained)]
    for (_, baseline), some in twins.groupby([twins.model.astype(str), baselines], sort=False):
        path = pd.concat([found.loc[[baseline]], some.sort_values("strength", kind="stable")])
        for start, end in pairwise(path[["x", score]].itertuples(index=False, name=None)):
            axes.annotate("", end, start, zorder=2.8, arrowprops=ARROW)


def _strength_of(model: pd.Series, weights: pd.Series) -> pd.Series:
    """Model and weights as one name, less the seed where our training named the weights."""
    named = weights.astype(str)
    return model.astype(str) + " " + named.str.replace(TRAINED, r"\1", regex=True)
