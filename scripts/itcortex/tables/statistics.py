"""Does predictivity fall as accuracy rises? Rank, slope and frontier statistics over models.

The unit of resampling is the model family, not the model: members of a family share much of their
design, so intervals that treat them as independent are too narrow.

NaN policy, for the whole module (`reason_undefined`, `reason_without_interval`): a statistic that
is undefined is NaN and its note says why. A bootstrap draw in which it is undefined is replaced by
another, with at most `MAXIMUM_TRIES` times the number of draws in all, and the note counts them.
Models without an accuracy or a score are left out, and the note counts them too.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from itcortex.errors import UserError, nearest
from itcortex.numerics.ranks import rank_correlation
from itcortex.numerics.sampling import percentile_interval
from itcortex.tables.condition_contrasts import are_harmonized
from itcortex.tables.nulls import holm, null_of
from itcortex.tables.trend_limits import MINIMUM_FAMILIES, MINIMUM_MODELS, NOT_BASELINE

MAXIMUM_TRIES = 10
QUANTILE = 0.9
LEVEL = 0.95
ONE_TEST = ["recording", "mapping", "protocol"]


def pearson(top1: np.ndarray, score: np.ndarray) -> float:
    """Pearson r of accuracy and score."""
    return float(np.corrcoef(top1, score)[0, 1])


def slope(top1: np.ndarray, score: np.ndarray) -> float:
    """Least-squares slope: score per percentage point of top-1."""
    centred = top1 - top1.mean()
    return float(centred @ score / (centred @ centred))


def theil_sen_slope(top1: np.ndarray, score: np.ndarray) -> float:
    """Median of the slopes between all pairs of models: a slope that outliers do not move."""
    i, j = np.triu_indices(len(top1), 1)
    run = top1[j] - top1[i]
    return float(np.median((score[j] - score[i])[run != 0] / run[run != 0]))


def quantile_slope(top1: np.ndarray, score: np.ndarray) -> float:
    """Slope of the 0.9 quantile of the score: how the best models at each accuracy fare.

    The line of least pinball loss (Koenker & Bassett 1978), exactly: the loss is convex in the slope and
    bends at slopes between two models alone, so that bisection over these finds the least. Of several
    slopes with the same loss it is the smallest.
    """
    i, j = np.triu_indices(len(top1), 1)
    run = top1[j] - top1[i]
    slopes = np.unique((score[j] - score[i])[run != 0] / run[run != 0])
    at_quantile = int(np.ceil(QUANTILE * len(top1) - 1e-9)) - 1
    weights = np.where(np.arange(len(top1)) < at_quantile, QUANTILE - 1, QUANTILE)
    weights[at_quantile] -= weights.sum()

    def rises(slope: float) -> bool:
        """Whether a steeper line has a larger loss."""
        order = np.argsort(score - slope * top1, kind="stable")
        return -weights @ top1[order] >= 0

    low, high = 0, len(slopes) - 1
    while low < high:
        middle = (low + high) // 2
        if rises((slopes[middle] + slopes[middle + 1]) / 2):
            high = middle
        else:
            low = middle + 1
    return float(slopes[low])


def frontier(top1: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Vertices of the upper convex hull, from the least to the most accurate model.

    Returns
    -------
    (vertex, 2) array of accuracy (%) and score. Of models with equal accuracy only the best can
    be a vertex (Andrew's monotone chain).
    """
    vertices: list[tuple[float, float]] = []
    for x, y in sorted(zip(top1.tolist(), score.tolist(), strict=True)):
        if vertices and vertices[-1][0] == x:
            vertices.pop()  # sorted by score within one accuracy: this one is at least as good
        while len(vertices) > 1 and _turns_up(vertices[-2], vertices[-1], (x, y)):
            vertices.pop()
        vertices.append((x, y))
    return np.array(vertices)


def _turns_up(a: tuple, b: tuple, c: tuple) -> bool:
    """True where `b` is on or under the line from `a` to `c`."""
    return (b[0] - a[0]) * (c[1] - a[1]) >= (b[1] - a[1]) * (c[0] - a[0])


def frontier_slope(top1: np.ndarray, score: np.ndarray) -> float:
    """Mean slope of the frontier's falling part, from its peak to the most accurate model.

    Zero where the most accurate model is the peak. By construction it is never above zero, for
    unrelated numbers too: it describes the frontier of the paper's figure. What tests it is its
    distance from what unrelated numbers give (`nulls.null_of`).
    """
    vertices = frontier(top1, score)
    peak, last = vertices[vertices[:, 1].argmax()], vertices[-1]
    return float((last[1] - peak[1]) / (last[0] - peak[0])) if last[0] > peak[0] else 0.0


STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "spearman": rank_correlation,
    "slope": slope,
    "theil_sen_slope": theil_sen_slope,
    "quantile_slope": quantile_slope,
    "frontier_slope": frontier_slope,
    "pearson": pearson,
}
#: Statistics that a score without variance does not have.
CORRELATIONS = ("spearman", "pearson")
#: Groups of networks beside single categories.
ALL, WITH_HARMONIZED = "all", "with_harmonized"


@dataclass(frozen=True)
class Estimate:
    """One statistic with its 95 % interval; `note` says why a number is missing."""

    value: float
    low: float
    high: float
    n_models: int
    n_families: int
    note: str


def reason_undefined(
    statistic: str, top1: np.ndarray, score: np.ndarray, minimum: int = MINIMUM_MODELS
) -> str:
    """Why a statistic has no value on these models, or '' where it has one."""
    if len(top1) < minimum:
        return f"{len(top1)} {'model' if len(top1) == 1 else 'models'}, {minimum} are needed"
    if np.ptp(top1) == 0:
        return "all models have the same accuracy"
    if statistic in CORRELATIONS and np.ptp(score) == 0:
        return "all models have the same score"
    return ""


def reason_without_interval(n_families: int) -> str:
    """Why a statistic that has a value gets no interval, or ''."""
    if n_families < MINIMUM_FAMILIES:
        noun = "family" if n_families == 1 else "families"
        return f"no interval: {n_families} {noun}, {MINIMUM_FAMILIES} are needed"
    return ""


def clustered_draws(
    statistic: str,
    top1: np.ndarray,
    score: np.ndarray,
    families: np.ndarray,
    *,
    draws: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, int]:
    """Bootstrap a statistic by drawing whole families with replacement, as many as there are.

    Returns
    -------
    values : (draw,) array; shorter than `draws` where the limit of tries was reached.
    redrawn : number of draws in which the statistic was undefined.
    """
    members = [np.flatnonzero(families == family) for family in np.unique(families)]
    values, redrawn = [], 0
    while len(values) < draws and len(values) + redrawn < MAXIMUM_TRIES * draws:
        drawn = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        if reason_undefined(statistic, top1[drawn], score[drawn], minimum=2):
            redrawn += 1
        else:
            values.append(STATISTICS[statistic](top1[drawn], score[drawn]))
    return np.array(values), redrawn


def with_interval(
    statistic: str,
    top1: np.ndarray,
    score: np.ndarray,
    families: np.ndarray,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """One statistic of (model,) arrays with its percentile interval, by the module's NaN policy."""
    known = np.isfinite(top1) & np.isfinite(score)
    notes = [f"left out: {np.sum(~known)} without accuracy or score"] if not known.all() else []
    top1, score, families = top1[known], score[known], families[known]
    counts = {"n_models": len(top1), "n_families": len(np.unique(families))}
    low = high = value = np.nan
    if reason := reason_undefined(statistic, top1, score):
        return Estimate(value, low, high, **counts, note="; ".join([reason, *notes]))
    value = STATISTICS[statistic](top1, score)
    if reason := reason_without_interval(counts["n_families"]):
        return Estimate(value, low, high, **counts, note="; ".join([reason, *notes]))
    values, redrawn = clustered_draws(statistic, top1, score, families, draws=draws, rng=rng)
    if redrawn:
        notes.insert(0, f"{redrawn} undefined draws drawn anew")
    if len(values) < draws:
        notes.insert(0, f"no interval: only {len(values)} of {draws} draws defined")
    else:
        low, high = percentile_interval(values, LEVEL).tolist()
    return Estimate(value, low, high, **counts, note="; ".join(notes))


def scored(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of trained networks, harmonized ones included: real images, main window."""
    return summary[
        (summary.control == "none")
        & summary.main_window.astype(bool)
        & (summary.category != "untrained")
    ]


def baseline(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows that the trade-off is about: real images, main window, networks trained for accuracy."""
    rows = scored(summary)
    return rows[~rows.category.isin(NOT_BASELINE)]


def groups(of_test: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All networks trained for accuracy, each category of them, and all with the harmonized ones.

    The last group is there only if a network is harmonized.
    """
    models = baseline(of_test)
    yield ALL, models
    for category in sorted(models.category.unique()):
        yield category, models[models.category == category]
    rows = scored(of_test)
    harmonized = are_harmonized(rows)
    if harmonized.any():
        yield WITH_HARMONIZED, rows[harmonized | ~rows.category.isin(NOT_BASELINE)]


def require_score(summary: pd.DataFrame, score: str) -> None:
    """Raise `UserError` if `score` is no column of numbers in `summary`."""
    numeric = summary.select_dtypes("number").columns.tolist()
    if score not in numeric:
        raise UserError(f"score {score!r} is not in the summary table; {nearest(score, numeric)}")


def tradeoff_table(
    summary: pd.DataFrame, score: str, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Every statistic for every recording (x mapping x protocol), over all models and per category.

    Beside value and interval: what unrelated numbers give (`null`, `null_low`, `null_high`, see
    `nulls.null_of`), the permutation p value `p`, and `p_holm`, corrected over recordings.

    Parameters
    ----------
    summary : one row per recording, model, weights, mapping, protocol, control and window.
    score : column of `summary` that is held against `top1` (%).
    draws : bootstrap draws, and permutations.

    Raises
    ------
    UserError : `score` is no column of numbers in `summary`.
    """
    require_score(summary, score)
    apart = rng.spawn(1)[0]  # intervals do not depend on how many permutations there are
    rows = []
    for keys, of_test in summary.groupby(ONE_TEST, observed=True):
        test = dict(zip(ONE_TEST, keys, strict=True))
        for group, some in groups(of_test):
            columns = some.top1.to_numpy(float), some[score].to_numpy(float), some.family.to_numpy()
            for statistic in STATISTICS:
                found = with_interval(statistic, *columns, draws=draws, rng=rng)
                null = _null(statistic, *columns, found, draws=draws, rng=apart)
                name = {"score": score, "statistic": statistic, "group": group}
                rows.append(test | name | asdict(found) | null)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    return table.assign(p_holm=holm(table, ["mapping", "protocol", "statistic", "group"]))


def _null(
    statistic: str, top1: np.ndarray, score: np.ndarray, families: np.ndarray, found: Estimate,
    *, draws: int, rng: np.random.Generator,
) -> dict[str, float]:  # fmt: skip
    """`null_of` the networks that a value is of; NaN where there is no value."""
    if not np.isfinite(found.value):
        return dict.fromkeys(("null", "null_low", "null_high", "p"), np.nan)
    known = np.isfinite(top1) & np.isfinite(score)
    columns = top1[known], score[known], families[known]
    return null_of(STATISTICS[statistic], *columns, draws=draws, rng=rng)
