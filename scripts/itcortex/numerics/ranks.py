"""Ranks and rank correlations."""

import numpy as np
from scipy.stats import rankdata


def unit_ranks(values: np.ndarray) -> np.ndarray | None:
    """Ranks of a map's pixels (ties share their mean), centred, of length 1, float32, flat.

    The scalar product of two of them is Spearman's rho. None for a map that has no ranks: one that
    does not vary, or holds a value that is not finite.
    """
    flat = np.ravel(values)
    if not np.isfinite(flat).all() or flat.min() == flat.max():
        return None
    ranks = rankdata(flat)
    ranks -= ranks.mean()
    return (ranks / np.sqrt(ranks @ ranks)).astype(np.float32)


def spearman(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Spearman's rho of two maps given as `unit_ranks`; NaN if either has none."""
    return np.nan if a is None or b is None else float(np.clip(a @ b, -1, 1))


def partial(rho: float, with_a: float, with_b: float) -> float:
    """Partial correlation of a and b, from theirs and both's correlations with a third variable.

    (r_ab - r_ac r_bc) / sqrt((1 - r_ac^2)(1 - r_bc^2)); NaN where the third determines one of them.
    """
    left = (1 - with_a**2) * (1 - with_b**2)
    return (rho - with_a * with_b) / np.sqrt(left) if left > 1e-9 else np.nan
