"""What a statistic gives where score and accuracy have nothing to do with each other.

Members of a family score alike, so that plain permutations of networks would call too much
significant. Here families' mean scores are permuted among families, and deviations from these means
within a family: every permutation keeps families together.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from itcortex.numerics.sampling import percentile_interval


def permuted_scores(
    score: np.ndarray, families: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Scores (draws + 1, network) that have nothing to do with accuracy; the first row is `score`.

    Approximate where families differ much in size. With one network a family this is the ordinary
    permutation.
    """
    _, index, n = np.unique(families, return_inverse=True, return_counts=True)
    mean = np.bincount(index, score) / n
    deviations = score - mean[index]
    order = np.argsort(index, kind="stable")
    drawn = np.empty((draws + 1, len(score)))
    drawn[0] = score
    for k in range(1, draws + 1):
        shuffled = rng.permutation(len(score))
        within = shuffled[np.argsort(index[shuffled], kind="stable")]
        drawn[k, order] = deviations[within]
        drawn[k] += rng.permutation(mean)[index]
    return drawn


def p_value(values: np.ndarray) -> float:
    """Two-sided p value of the first of values (draws + 1,): the share as far from zero.

    The first counts itself: p is never below 1 / (draws + 1). NaN where the first is undefined;
    permutations without a value are left out.
    """
    known = values[np.isfinite(values)]
    if not np.isfinite(values[0]):
        return np.nan
    return float(np.mean(np.abs(known) >= abs(values[0]) - 1e-12))


def null_of(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    top1: np.ndarray,
    score: np.ndarray,
    families: np.ndarray,
    *,
    draws: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    """The statistic of unrelated numbers, and how far the value is from it.

    Returns `null` (median over permutations), `null_low` and `null_high` (95 % of them), and `p`: twice
    the share of permutations that are as low, or as high, the smaller of the two, with the value itself
    among them. A statistic that cannot be positive, the slope of the frontier, has a null below zero.
    """
    permuted = permuted_scores(score, families, draws, rng)
    values = np.array([statistic(top1, one) for one in permuted])
    low, high = percentile_interval(values[1:]).tolist()
    rounding = 1e-12 * np.abs(values).max()
    sides = [np.mean(values <= values[0] + rounding), np.mean(values >= values[0] - rounding)]
    return {"null": float(np.median(values[1:])), "null_low": low, "null_high": high,
            "p": min(2 * float(min(sides)), 1.0)}  # fmt: skip


def holm(table: pd.DataFrame, within: list[str]) -> pd.Series:
    """p values (column `p`) corrected by Holm (1979) among the rows that share the columns `within`.

    The k-th smallest of m p values is multiplied by m - k + 1, and is never below the one before.
    Rows without a p value are no tests: they stay NaN and count for nothing. (statsmodels has the same,
    and collects the garbage of the whole process at each call.)
    """
    corrected = pd.Series(np.nan, index=table.index)
    tested = table[table["p"].notna()]
    for _, rows in tested.groupby(within, observed=True, dropna=False):
        ordered = rows["p"].sort_values()
        factors = np.arange(len(ordered), 0, -1)
        corrected[ordered.index] = np.minimum(np.maximum.accumulate(ordered * factors), 1)
    return corrected
