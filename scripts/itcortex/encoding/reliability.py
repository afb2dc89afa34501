"""How much of the mean response over repeats is no noise."""

import numpy as np

from itcortex.numerics.metrics import varies
from itcortex.numerics.sampling import random_halves


def split_half(trials: np.ndarray, splits: int, rng: np.random.Generator) -> np.ndarray:
    """Reliability per site of the mean over repeats, from random halves of the trials.

    Parameters
    ----------
    trials : array (sample, site, repeat)
        NaN where a repeat is missing.
    splits : int
        Number of random splits; repeats of every sample and site are split on their own.

    Returns
    -------
    float64 array (site,)
        1 - s^2 mean(1 / n) / var(mean): the share of the variance, over samples, of the mean over all n
        repeats that is no noise. s^2 is the variance of a single trial's noise, told by the difference d
        of two half means of a and b trials: d^2 / (1 / a + 1 / b), on average over samples and splits.
        NaN where fewer than three samples have two repeats, and where the means do not vary.

    Where all samples have the same even number of repeats this is 2 r / (1 + r) (Spearman-Brown), r
    being the correlation of half means. It holds for odd numbers too, and where samples have different
    numbers, some of them a single repeat, as long as the noise of a trial is the same in all.
    """
    counts = np.isfinite(trials).sum(-1)
    halved = counts >= 2
    sizes = np.maximum([counts // 2, counts - counts // 2], 1)
    weights = np.where(halved, 1 / (1 / sizes).sum(0), 0)
    noise = np.zeros(trials.shape[1])
    for _ in range(splits):
        first, second = random_halves(trials, rng)
        noise += (weights * np.nan_to_num(first - second) ** 2).sum(0)
    noise /= splits * np.maximum(halved.sum(0), 1)
    result = np.full(trials.shape[1], np.nan)
    for site in np.flatnonzero(halved.sum(0) >= 3):
        known = counts[:, site] > 0
        means = np.nanmean(trials[known, site].astype(np.float64), -1)
        if varies(means[:, None]):
            of_mean = noise[site] * (1 / counts[known, site]).mean()
            result[site] = 1 - of_mean / means.var(ddof=1)
    return result
