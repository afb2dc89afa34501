"""Trends within families of networks, and between them.

A trend over all networks mixes two: whether a family's better members score higher (within), and
whether families with higher accuracy do (between). With x accuracy, y score, m a family's mean,

    slope = share * within + (1 - share) * between,    share = SS_within(x) / SS(x),

where within is the slope of y - m(y) on x - m(x), and between that of m(y) on m(x), each family
weighted by its members: exactly the least-squares slope. The mixed model has the same two slopes and
a random level of each family,

    y = a + b_within (x - m(x)) + b_between m(x) + u_family + e,

by restricted maximum likelihood (statsmodels; Mundlak 1978). Its within slope equals the one above,
its between slope weighs families by how well their level is known.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from itcortex.numerics import weighted
from itcortex.numerics.ranks import rankdata
from itcortex.tables.nulls import p_value, permuted_scores
from itcortex.tables.trends import family_draws, interval_of, note_of

LEVEL = 0.95
SHOWN = 5  # members that a family needs for a correlation of its own


@dataclass(frozen=True)
class Families:
    """Sums by family: members n, means of x and y, and sums of squares about them (family,)."""

    names: np.ndarray
    index: np.ndarray  # family of every network
    n: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, families: np.ndarray) -> "Families":
        """From accuracy, score and family (network,)."""
        names, index, n = np.unique(families, return_inverse=True, return_counts=True)
        mean = [np.bincount(index, values) / n for values in (x, y)]
        dx, dy = x - mean[0][index], y - mean[1][index]
        sums = [np.bincount(index, values) for values in (dx * dx, dy * dy, dx * dy)]
        return cls(names, index, n, *mean, *sums)


def decompose(sums: Families, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Statistics within and between families for counts (family, draw): each (draw,).

    `within_slope`, `within_r` (Pearson r of deviations from family means), `between_slope`,
    `between_spearman` (of family means) and `within_share` (of the variance of x). NaN where
    undefined: accuracies do not vary within any family, or between families.
    """
    xx, yy, xy = (values @ counts for values in (sums.xx, sums.yy, sums.xy))
    members = sums.n[:, None] * counts
    centre = (sums.x @ members) / members.sum(0)
    between = (members * (sums.x[:, None] - centre) ** 2).sum(0)
    varies = xx > 1e-12 * (xx + between)
    return {
        "within_slope": _ratio(xy, xx, varies),
        "within_r": _ratio(xy, np.sqrt(xx * yy), varies & (yy > 0)),
        "between_slope": weighted.slope(sums.x, sums.y, members),
        "between_spearman": weighted.spearman(sums.x, sums.y, counts),
        "within_share": _ratio(xx, xx + between, xx + between > 0),
    }


def _ratio(above: np.ndarray, below: np.ndarray, defined: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=defined)


def permutation_p(
    accuracy: np.ndarray,
    score: np.ndarray,
    families: np.ndarray,
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Two-sided p value of Spearman's rho where the scores of a family are alike.

    Under the null hypothesis families' mean scores have nothing to do with their accuracies, nor have
    deviations within a family: means are permuted among families and deviations within them
    (approximate where families differ much in size). With one network a family this is the ordinary
    permutation test. p = (1 + draws at least as extreme) / (1 + draws). NaN where rho is undefined.
    """
    drawn = permuted_scores(score, families, draws, rng)
    ranks = rankdata(drawn, axis=1).T
    rho = weighted.pearson(rankdata(accuracy), ranks, np.ones_like(ranks))
    return p_value(rho)


def mixed_model(accuracy: np.ndarray, score: np.ndarray, families: np.ndarray) -> list[dict]:
    """Slopes within and between families of the mixed model, as two rows with interval and p value.

    Intervals are Wald's with Student's t: networks minus families minus 1 degrees of freedom within,
    families minus 2 between. A row's note says where the fit cannot be trusted. No rows with fewer
    than three families, or where accuracy varies only within or only between them.
    """
    sums = Families.of(accuracy, score, families)
    freedom = [len(score) - len(sums.n) - 1, len(sums.n) - 2]
    columns = np.column_stack([accuracy - sums.x[sums.index], sums.x[sums.index]])
    if (
        min(freedom) < 1
        or not (columns.std(0) > 1e-9 * np.ptp(accuracy)).all()
        or not np.ptp(score)
    ):
        return []
    from statsmodels.regression.mixed_linear_model import MixedLM  # noqa: PLC0415 (seconds to load)

    centre, unit, scale = columns.mean(0), columns.std(0), score.std()
    design = np.column_stack([np.ones(len(score)), (columns - centre) / unit])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = MixedLM(score / scale, design, groups=sums.index).fit(reml=True)
    note = "" if fit.converged and not caught else "the variance between families is at its limit"
    rows = []
    for k, name in enumerate(["mixed_within_slope", "mixed_between_slope"]):
        value, error = (float(part[k + 1]) * scale / unit[k] for part in (fit.params, fit.bse))
        half = error * stdtrit(freedom[k], (1 + LEVEL) / 2)
        p = 2 * stdtr(freedom[k], -abs(value / error))
        rows.append(
            {"statistic": name, "value": value, "low": value - half, "high": value + half, "p": p}
            | {"note": note}
        )
    return rows


def family_table(
    accuracy: np.ndarray,
    score: np.ndarray,
    families: np.ndarray,
    *,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """All statistics of a trend that has families, and the trend inside every larger one.

    Returns one row a statistic: `statistic`, `family` (empty: all), `value`, `low`, `high`, `p`,
    `n_models`, `n_families`, `note`. Intervals are clustered by family, except those of the mixed
    model; a single family's rho has none.
    """
    sums = Families.of(accuracy, score, families)
    counts = family_draws(sums.names, draws, rng)
    members = counts[sums.index]
    values = {
        "spearman": weighted.spearman(accuracy, score, members),
        "slope": weighted.slope(accuracy, score, members),
    } | decompose(sums, counts)
    rows = [
        {"statistic": name, "value": drawn[0], **interval_of(drawn[1:], len(sums.n))}
        | {"note": note_of(drawn[0], len(sums.n))}
        for name, drawn in values.items()
    ]
    rows[0]["p"] = permutation_p(accuracy, score, families, draws, rng)
    rows += mixed_model(accuracy, score, families)
    table = pd.DataFrame(rows).assign(family="", n_models=len(score), n_families=len(sums.n))
    return pd.concat([table, _by_family(accuracy, score, sums)], ignore_index=True)


def _by_family(accuracy: np.ndarray, score: np.ndarray, sums: Families) -> pd.DataFrame:
    """Spearman's rho inside every family of at least `SHOWN` members."""
    rows = []
    for k in np.flatnonzero(sums.n >= SHOWN):
        one = sums.index == k
        rho = weighted.spearman(accuracy[one], score[one], np.ones((one.sum(), 1)))[0]
        rows.append(
            {"statistic": "spearman", "family": sums.names[k], "value": rho}
            | {"n_models": int(one.sum()), "n_families": 1, "note": ""}
        )
    return pd.DataFrame(rows)
