"""Intervals and spreads from draws."""

import numpy as np

from itcortex.errors import UserError
from itcortex.numerics.metrics import mean_defined, predictivity


def spread(count: int, wanted: int) -> list[int]:
    """Indices of `wanted` of `count` images (all, if there are fewer), evenly spread over them."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(int)).tolist()


def random_halves(trials: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Means over two random halves of the trials (..., repeat) that exist, each (...).

    Trials are split for every sample and site on its own; of an odd number the second half has one
    more. NaN where there are fewer than two.
    """
    exists = np.isfinite(trials)
    n_repeats = exists.sum(-1)[..., None]
    keys = np.where(exists, rng.random(trials.shape), np.inf)
    rank = np.argsort(np.argsort(keys, axis=-1), axis=-1)
    first = rank < n_repeats // 2
    second = (rank < n_repeats) & ~first
    values, usable = np.nan_to_num(trials), n_repeats[..., 0] >= 2
    means = [
        np.divide(
            (values * half).sum(-1), half.sum(-1), out=np.full(usable.shape, np.nan), where=usable
        )
        for half in (first, second)
    ]
    return means[0], means[1]


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Bounds (2, ...) between which the share `level` of draws (draw, ...) lies, equal tails outside.

    Undefined draws (NaN) are left out.
    """
    return np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)


def bootstrap_mean(
    values: np.ndarray, draws: int, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the mean of values (image,), resampled over images; NaN without any."""
    if not len(values):
        return np.nan, np.nan
    weights = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=draws)
    low, high = percentile_interval(weights @ values / len(values), level).tolist()
    return low, high


def bootstrap_over_kinds(
    values: np.ndarray, draws: int, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the mean over kinds of `predictivity`, of values (kind, fold, site).

    All kinds have the same draw of folds and sites. NaN where no kind has a value.
    """
    _, n_folds, n_sites = values.shape
    if not np.isfinite(values).any():
        return np.nan, np.nan
    results = np.empty(draws)
    for k in range(draws):
        folds, sites = rng.integers(n_folds, size=(n_folds, 1)), rng.integers(n_sites, size=n_sites)
        results[k] = mean_defined(predictivity(values[:, folds, sites]))
    low, high = percentile_interval(results, level).tolist()
    return low, high


def draws_at_once(n_values: int) -> int:
    """Draws that are made together of so many values: at most 250, and 16 million values in all."""
    return max(1, min(250, 2**24 // max(n_values, 1)))


def bootstrap_predictivity(
    values: np.ndarray, draws: int, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of `predictivity`, resampling folds and sites of values (fold, site).

    Folds without a defined site are left out of a draw's mean; a draw without any defined value is
    drawn anew. Raises `UserError` if no value is defined at all.
    """
    if not np.isfinite(values).any():
        raise UserError("no site has a defined score in any fold: nothing to resample")
    n_folds, n_sites = values.shape
    results = np.full(draws, np.nan)
    while (undefined := np.flatnonzero(np.isnan(results))).size:
        batch = undefined[: draws_at_once(values.size)]
        folds = rng.integers(n_folds, size=(len(batch), n_folds, 1))
        sites = rng.integers(n_sites, size=(len(batch), 1, n_sites))
        results[batch] = predictivity(values[folds, sites])
    low, high = percentile_interval(results, level).tolist()
    return low, high
