"""How well predictions fit held-out responses: metrics per site, and their named summaries.

NaN policy, for the whole project: a site whose *recorded* responses do not vary within a fold has no
correlation there: its metrics are NaN, it is left out of medians and means, and tables count it in
`undefined_sites`. A *prediction* that does not vary explains nothing: its correlation is 0.
"""

import numpy as np

from itcortex.numerics.ranks import rankdata

#: Values whose standard deviation is below this share of their size do not vary.
_CONSTANT = 1e-10


def varies(values: np.ndarray) -> np.ndarray:
    """True for the columns of values (sample, site) that vary beyond rounding noise."""
    return values.std(0) > _CONSTANT * np.maximum(np.abs(values).max(0), 1e-300)


def pearson(recorded: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Pearson r per column of two arrays (sample, site); see the module's NaN policy."""
    a, b = recorded - recorded.mean(0), predicted - predicted.mean(0)
    norms = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    defined = varies(recorded)
    both = defined & varies(predicted) & (norms > 0)
    r = np.divide((a * b).sum(0), norms, out=np.zeros(a.shape[1]), where=both)
    return np.where(defined, np.clip(r, -1, 1), np.nan)


def spearman(recorded: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Spearman rho (ties share their mean rank) per column of two arrays (sample, site)."""
    constant = ~varies(predicted)
    rho = pearson(rankdata(recorded, axis=0), rankdata(predicted, axis=0))
    return np.where(varies(recorded), np.where(constant, 0.0, rho), np.nan)


def explained_variance(recorded: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """1 - var(recorded - predicted) / var(recorded) per column of two arrays (sample, site)."""
    total = recorded.var(0)
    residual = (recorded - predicted).var(0)
    share = np.divide(residual, total, out=np.full(total.shape, np.nan), where=varies(recorded))
    return 1 - share


#: Samples that a correlation needs at least. The density of Pearson's r of n unrelated samples is
#: proportional to (1 - r^2)^((n - 4) / 2): r is always +1 or -1 with two samples, most often near them
#: with three, any value alike with four, and most often near 0 only from five on.
FEWEST_SAMPLES = 5

METRICS = {"r": pearson, "rho": spearman, "explained_variance": explained_variance}


def median_over_sites(values: np.ndarray) -> np.ndarray:
    """Median over the last axis (site), leaving out undefined sites; NaN if none is defined."""
    count = np.isfinite(values).sum(-1)
    ordered = np.sort(values, axis=-1)  # NaN goes to the end
    low = np.maximum((count - 1) // 2, 0)[..., None]
    high = np.minimum(count // 2, values.shape[-1] - 1)[..., None]
    middle = np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1)
    return np.where(count > 0, middle[..., 0] / 2, np.nan)


def mean_defined(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean over an axis, leaving out undefined values; NaN if none is defined."""
    defined = np.isfinite(values)
    count = defined.sum(axis)
    total = np.where(defined, values, 0).sum(axis)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def predictivity(values: np.ndarray) -> np.ndarray:
    """Mean over folds of the median over sites of values (..., fold, site): the paper's score."""
    return mean_defined(median_over_sites(values))
