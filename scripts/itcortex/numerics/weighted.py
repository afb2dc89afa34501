"""Correlations and slopes of samples in which each value occurs a number of times.

A bootstrap draw is a vector of counts: how often each of n values was drawn. Many draws are an array
of counts (n, draw), and a statistic of all of them is a few products of arrays. Results equal those
of the sample written out, `numpy.repeat(values, counts)`. Values and ranks are (n,), or (n, draw)
where they differ from draw to draw; every result is (draw,), NaN where it is undefined.
"""

import numpy as np


def weighted_ranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ranks (n, draw) of values (n,) among a draw's, ties sharing their mean rank.

    Of a value v: the number of drawn values below v, plus half of (the number equal to v, plus one).
    Ranks of values that were not drawn mean nothing.
    """
    order = np.argsort(values, kind="stable")
    ordered, drawn = values[order], counts[order]
    is_new = np.r_[True, ordered[1:] != ordered[:-1]]
    equal = np.add.reduceat(drawn, np.flatnonzero(is_new), axis=0)
    ranks = np.cumsum(equal, axis=0) - (equal - 1) / 2
    place = np.empty(len(values), dtype=int)
    place[order] = np.cumsum(is_new) - 1
    return ranks[place]


def _centred(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Values minus the mean of each draw, (n, draw)."""
    values = values if values.ndim == 2 else values[:, None]
    total = np.maximum(counts.sum(0), 1e-300)
    return values - np.einsum("kd,kd->d", np.broadcast_to(values, counts.shape), counts) / total


def _product(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.einsum("kd,kd,kd->d", a, b, counts)


def _varies(squares: np.ndarray, values: np.ndarray) -> np.ndarray:
    """True for draws whose sum of squares is more than rounding noise of the values' size."""
    return squares > 1e-20 * len(values) * max(float(np.square(values).max(initial=0)), 1e-300)


def pearson(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Pearson r of a and b in every draw; NaN where one of them is constant."""
    da, db = _centred(a, counts), _centred(b, counts)
    aa, bb = _product(da, da, counts), _product(db, db, counts)
    defined = _varies(aa, a) & _varies(bb, b)
    r = np.full(counts.shape[1], np.nan)
    return np.divide(_product(da, db, counts), np.sqrt(aa * bb), out=r, where=defined)


def spearman(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Spearman rho of a and b, (n,), in every draw; NaN where one of them is constant."""
    return pearson(weighted_ranks(a, counts), weighted_ranks(b, counts), counts)


def slope(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Least-squares slope of y on x, (n,), in every draw; NaN where x is constant."""
    dx = _centred(x, counts)
    xx = _product(dx, dx, counts)
    steps = np.full(counts.shape[1], np.nan)
    return np.divide(np.einsum("kd,k,kd->d", dx, y, counts), xx, out=steps, where=_varies(xx, x))
