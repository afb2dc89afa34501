"""How a trend of scores with accuracy depends on the range of accuracy, and on families.

The same networks can show a rise over all accuracies and a fall among the best. A range curve is a
statistic over ranges of accuracy: above a cut that rises, and within a window that slides. What
narrows the range alone brings a correlation nearer to zero; it does not turn its sign.

Intervals come from whole families drawn with replacement, as many as there are (a clustered
bootstrap); every draw serves all ranges, so that the change from the full range to another has an
interval too. Draws in which a statistic is undefined are left out and counted. The ranges of a curve
overlap: its points are not independent, and its band is pointwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.numerics import sampling, weighted
from itcortex.tables.trend_limits import MINIMUM_FAMILIES

STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "spearman": weighted.spearman,
    "slope": weighted.slope,
}
FEW_FAMILIES = 10  # below, a bootstrap over families gives intervals that are too narrow


@dataclass(frozen=True)
class Ranges:
    """Which ranges of accuracy (%) a curve has: cuts, and windows [low, low + width), every `step`.

    A range with fewer than `minimum` networks is left out.
    """

    step: float
    width: float
    minimum: int

    def of(self, accuracy: np.ndarray) -> list[tuple[str, float, float]]:
        """(kind, low, high) of every range with enough networks; the first holds all of them."""
        lows = np.arange(np.floor(accuracy.min() / self.step), np.ceil(accuracy.max() / self.step))
        ranges = [("cut", low, np.inf) for low in lows * self.step]
        ranges += [("window", low, low + self.width) for low in lows * self.step]
        return [one for one in ranges if inside(accuracy, *one[1:]).sum() >= self.minimum]


def inside(accuracy: np.ndarray, low: float, high: float) -> np.ndarray:
    """True for networks with low <= accuracy < high."""
    return (accuracy >= low) & (accuracy < high)


def family_draws(families: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Counts (network, draw + 1) of networks whose whole families are drawn with replacement.

    The first column is the networks as they are, one of each.
    """
    names, family = np.unique(families, return_inverse=True)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return np.vstack([np.ones(len(names)), drawn]).T[family]


def range_curve(
    accuracy: np.ndarray,
    score: np.ndarray,
    families: np.ndarray,
    ranges: Ranges,
    *,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Spearman and slope over ranges of accuracy, with intervals clustered by family.

    Parameters
    ----------
    accuracy, score, families : (network,); accuracy in percent, all defined.

    Returns
    -------
    One row a range and statistic: `range` (cut or window), `from`, `to`, `statistic`, `value`, `low`,
    `high`, `change` (value minus that of all networks) with `change_low` and `change_high`,
    `n_models`, `n_families`, `undefined_draws`, `note`. Raises `ValueError` for fewer networks than
    `ranges.minimum`, which no range has.
    """
    if len(accuracy) < ranges.minimum:
        raise ValueError(f"{len(accuracy)} networks, {ranges.minimum} are needed in a range")
    counts = family_draws(families, draws, rng)
    rows = []
    for statistic, function in STATISTICS.items():
        whole = function(accuracy, score, counts)
        for kind, low, high in ranges.of(accuracy):
            part = inside(accuracy, low, high)
            values = function(accuracy[part], score[part], counts[part])
            rows.append(_row(kind, low, high, statistic, values, whole, families[part]))
    return pd.DataFrame(rows)


def _row(
    kind: str, low: float, high: float, statistic: str, values: np.ndarray, whole: np.ndarray,
    families: np.ndarray,
) -> dict:  # fmt: skip
    """One row of a range curve; first of `values` and of `whole` are the networks themselves."""
    n_families = len(np.unique(families))
    row = {"range": kind, "from": low, "to": high, "statistic": statistic, "value": values[0]}
    row |= interval_of(values[1:], n_families)
    changes = interval_of((values - whole)[1:], n_families)
    row |= {"change": values[0] - whole[0]}
    row |= {"change_low": changes["low"], "change_high": changes["high"]}
    row |= {"n_models": len(families), "n_families": n_families}
    undefined = int(np.isnan(values[1:]).sum())
    return row | {"undefined_draws": undefined, "note": note_of(values[0], n_families)}


def interval_of(values: np.ndarray, n_families: int) -> dict[str, float]:
    """`low` and `high` of draws (draw,), the undefined ones left out.

    NaN with fewer than `MINIMUM_FAMILIES` families, or where most draws are undefined.
    """
    if n_families < MINIMUM_FAMILIES or np.isfinite(values).mean() < 0.5:
        return {"low": np.nan, "high": np.nan}
    low, high = sampling.percentile_interval(values).tolist()
    return {"low": low, "high": high}


def note_of(value: float, n_families: int) -> str:
    """What a reader must know of a value: why it is missing, or why its interval is or is rough."""
    if not np.isfinite(value):
        return "undefined: nothing varies that could be compared"
    if n_families < MINIMUM_FAMILIES:
        return f"no interval: {MINIMUM_FAMILIES} families are needed, there are {n_families}"
    few = f"few families ({n_families}): the interval is a rough guide"
    return few if n_families < FEW_FAMILIES else ""
