"""Two networks on the same responses: what each explains beyond the other, and what both share.

With R2(A), R2(B) and R2(AB) the held-out variance that features of network A, of B and of both explain,

    unique(A) = R2(AB) - R2(B),   unique(B) = R2(AB) - R2(A),   shared = R2(A) + R2(B) - R2(AB)

(variation partitioning; Borcard, Legendre & Drapeau 1992; of voxels Lescroart et al. 2015).

*Why banded ridge.* Stacking the held-out predictions of A and of B is cheaper, but cannot undo what each
of them mixes: where both carry a shared part beside parts of their own, no sum of the two predictions
is the joint prediction, R2(AB) comes out too low and "shared" too high. Here one regression has both
sets of features, each with a penalty of its own (Nunez-Elizalde et al. 2019; Dupre la Tour et al. 2022):
features [sqrt(g) A, sqrt(1 - g) B], both scaled to the same power, with one penalty a have the penalties
a / g and a / (1 - g). g is one of `BANDS`, 1 and 0 among them, so that the joint fit can be A's or B's
alone. Every site takes the g and the a with the smallest error on left-out training images; no test
image has a say (see `itcortex.regression.ridge_spectral`).

*Cost*: one eigendecomposition for each g and split, of a matrix of all features of both networks, or of
samples (images times positions) where these are fewer. A network with more features than samples is
first replaced by the principal axes of its samples, which have the same inner products.

Variance is that of the responses with their noise: shares add up to R2(AB), not to 1. Differences of
held-out values may be negative where a network adds nothing.
"""

import math
from collections.abc import Sequence

import numpy as np

from itcortex.mappings.features import layer_features
from itcortex.mappings.folds import Division
from itcortex.regression.arrays import arrays_on
from itcortex.regression.ridge import PENALTIES
from itcortex.regression.ridge_spectral import HeldOutFits, Share

#: Shares g of the first network's features in the joint fit. The first two are either network alone.
BANDS = (1.0, 0.0, 0.5, 0.2, 0.8, 0.04, 0.96)
#: What squared errors are of: the training mean, the first network, the second, both.
MODELS = ("mean", "first", "second", "both")


def squared_errors(
    first: np.ndarray,
    second: np.ndarray,
    responses: np.ndarray,
    division: Division,
    splits: Sequence[int] | None = None,
    penalties: Sequence[float] = PENALTIES,
    seed: int = 0,
    *,
    dtype: str = "float64",
    device: str = "cpu",
) -> np.ndarray:
    """Squared errors (model, image, site) on held-out images, summed over positions.

    Parameters
    ----------
    first, second : arrays (sample, feature)
        Samples are the positions of a grid, one image after the other, or the images.
    responses : float64 array (image, y, x, site)
    division : Division
    splits : sequence of int
        Splits (index) that are fitted; all, if not given.
    penalties : sequence of float
        In units of the mean eigenvalue of the joint features.
    seed : int
        Draws the left-out training images where there are very many.
    dtype : 'float64' or 'float32'
        Precision of features, products and eigenvectors.
    device : 'cpu' or a torch device

    Models are those of `MODELS`. Images that the splits do not test are 0; one that several test has the
    sum.
    """
    n_images, n_sites = len(responses), responses.shape[3]
    flat = responses.reshape(-1, n_sites)
    n_positions = len(flat) // n_images
    pictures = division.pictures or tuple(map(str, range(n_images)))
    groups = np.repeat(np.unique(pictures, return_inverse=True)[1], n_positions)
    chosen = range(len(division)) if splits is None else splits
    splits = [division.splits[k] for k in chosen]
    shares = [
        Share(_samples(one.train, n_positions), _samples(one.test, n_positions)) for one in splits
    ]
    predictions = [[flat[share.train].mean(0)] for share in shares]
    best: list = [None] * len(shares)
    arrays = arrays_on(device, dtype)
    bands = [_of_unit_power(features, arrays) for features in (first, second)]
    features = np.empty((len(flat), sum(band.shape[1] for band in bands)), dtype)
    for band in BANDS:
        _join(bands, band, features)
        fits = HeldOutFits(
            features, penalties, groups=groups, seed=seed, dtype=dtype, device=device, shares=shares
        )
        for fit in fits.fit([flat], shares):
            explained = np.nan_to_num(fit.choice.explained, nan=-np.inf)
            if band in (1.0, 0.0):
                predictions[fit.share].append(fit.predictions)
            best[fit.share] = _better(best[fit.share], explained, fit.predictions)
    errors = np.zeros((len(MODELS), n_images, n_sites))
    for share, split, parts, (_, both) in zip(shares, splits, predictions, best, strict=True):
        test = split.test
        for model, predicted in enumerate([*parts, both]):
            squared = (flat[share.test] - predicted) ** 2
            errors[model, test] += squared.reshape(len(test), n_positions, n_sites).sum(1)
    return errors


def grid_samples(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Features (sample, feature) of a layer at the positions of a grid, one image after the other.

    Without a grid (1, 1) every cell of every channel is a feature.
    """
    rows, basis = layer_features(maps, grid)
    if len(basis) == 1:
        return rows[:, 0]
    samples = np.einsum("gr,irc->igc", basis, rows, optimize=True)
    return samples.reshape(-1, samples.shape[2])


def shares_of(errors: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of variance from summed errors (model, ...): r2 of each, unique ones, and shared.

    NaN where the responses do not vary beyond the mean of the training images.
    """
    mean, first, second, both = errors
    r2 = [
        1 - np.divide(one, mean, out=np.full(mean.shape, np.nan), where=mean > 0)
        for one in (first, second, both)
    ]
    return {
        "r2": r2[0], "r2_other": r2[1], "r2_both": r2[2], "unique": r2[2] - r2[1],
        "unique_other": r2[2] - r2[0], "shared": r2[0] + r2[1] - r2[2],
    }  # fmt: skip


def _samples(images: np.ndarray, n_positions: int) -> np.ndarray:
    return (images[:, None] * n_positions + np.arange(n_positions)).ravel()


def _of_unit_power(features: np.ndarray, arrays) -> np.ndarray:
    """Centred features with no more columns than rows, the same geometry, and a mean power of 1.

    Ridge regression sees inner products X X' = U L U' alone, which are those of U sqrt(L). A QR
    factorisation would keep small directions better, which no penalty lets through, and takes four
    times as long.
    """
    n_samples, n_features = features.shape
    mean = features.mean(0, dtype=np.float64)
    if n_features <= n_samples:
        rows = np.subtract(features, mean, dtype=arrays.dtype, casting="same_kind")
    else:
        products = arrays.zeros(n_samples, n_samples)
        for start in range(0, n_features, n_samples):
            block = slice(start, start + n_samples)
            part = arrays.put(features[:, block] - mean[block])
            products += part @ part.T
        values, vectors = arrays.eigh(products)
        rows = arrays.get(vectors * values**0.5).astype(arrays.dtype, copy=False)
    power = float(np.einsum("sf,sf->", rows, rows, dtype=np.float64)) / n_samples
    if power > 0:
        rows /= math.sqrt(power)
    return rows


def _join(bands: list[np.ndarray], share: float, joint: np.ndarray) -> None:
    """Write the features of both bands into `joint`, the first with this share of the power.

    A band without power stays, as zeros: the unit of penalties depends on the number of features, and
    all fits shall try the same.
    """
    width = bands[0].shape[1]
    np.multiply(bands[0], math.sqrt(share), out=joint[:, :width])
    np.multiply(bands[1], math.sqrt(1 - share), out=joint[:, width:])


def _better(best, explained: np.ndarray, predictions: np.ndarray):
    """For every site what explains most of left-out training images, and its predictions."""
    if best is None:
        return explained, predictions
    more = explained > best[0] + 1e-9  # rounding does not choose
    return np.where(more, explained, best[0]), np.where(more, predictions, best[1])
