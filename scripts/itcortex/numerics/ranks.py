"""Ranks and rank correlations."""

import numpy as np


def rankdata(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Ranks from 1 along an axis (None: of all values, flat), as `scipy.stats.rankdata` has them.

    Ties share their mean rank; where there is a NaN, all ranks of its series are. To import scipy's
    takes a second, which Snakemake and nearly every job would pay.
    """
    values = np.ravel(values) if axis is None else np.moveaxis(np.asarray(values), axis, -1)
    order = np.argsort(values, axis=-1)
    inorder = np.take_along_axis(values, order, -1)
    is_new = np.ones(values.shape, bool)
    np.not_equal(inorder[..., 1:], inorder[..., :-1], out=is_new[..., 1:])
    first = np.flatnonzero(is_new)
    ties = np.diff(first, append=values.size)
    shared = first % max(values.shape[-1], 1) + (ties + 1) / 2
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, np.repeat(shared, ties).reshape(values.shape), -1)
    if values.shape[-1]:  # NaN goes to the end
        ranks[np.isnan(inorder[..., -1])] = np.nan
    return ranks if axis is None else np.moveaxis(ranks, -1, axis)


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
