"""Ranks and rank correlations."""

import numpy as np


def rankdata(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """`scipy.stats.rankdata`, imported when it is needed: planning need not pay that second."""
    from scipy import stats  # noqa: PLC0415

    return stats.rankdata(values, axis=axis)


def unit_ranks(values: np.ndarray) -> np.ndarray | None:
    """Ranks of a map's pixels (ties share their mean rank), centred and of length 1: float32, flat.

    The scalar product of two such vectors is Spearman's rho. The result is None for a map that has
    no ranks: one that does not vary, or that holds a value which is not finite.
    """
    flat = np.ravel(values)
    if not np.isfinite(flat).all() or flat.min() == flat.max():
        return None
    ranks = rankdata(flat)
    ranks -= ranks.mean()
    return (ranks / np.sqrt(ranks @ ranks)).astype(np.float32)


def correlate_ranks(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Spearman's rho of two maps given as `unit_ranks`; NaN if either has none."""
    return np.nan if a is None or b is None else float(np.clip(a @ b, -1, 1))


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rho of two series of numbers (n,) that vary; ties share their mean rank."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def partial(rho: float, with_a: float, with_b: float) -> float:
    """Partial correlation of a and b given c, from the three correlations among them.

    (r_ab - r_ac r_bc) / sqrt((1 - r_ac^2)(1 - r_bc^2)), with `rho` r_ab, `with_a` r_ac and `with_b`
    r_bc; NaN where c determines a or b.
    """
    left = (1 - with_a**2) * (1 - with_b**2)
    return (rho - with_a * with_b) / np.sqrt(left) if left > 1e-9 else np.nan
