"""Representational similarity (RSA) and linear CKA of a layer and an array, fold by fold.

Neither fits anything: each compares the geometry of the *samples* of one held-out fold in the layer
(patterns over channels) and in the array (patterns over sites). Samples are the grid positions of the
fold's images, or the images themselves where a recording has no grid.

What the columns of the tables hold, one number a fold (site axis of length 1):

========  ===============================  ====================================  ==================
mapping   r                                rho                                   explained_variance
========  ===============================  ====================================  ==================
rsa       Pearson of the two RDMs          Spearman of the two RDMs              NaN: not defined
cka       *debiased* linear CKA            NaN: not defined                      NaN: not defined
========  ===============================  ====================================  ==================

Responses enter as they are: sites are not z-scored.
"""

from collections.abc import Callable, Iterator

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.pls import LayerScores
from itcortex.numerics.metrics import METRICS, pearson, spearman, varies
from itcortex.numerics.resample import resize_maps

_BLOCK_VALUES = 2**22  # of a layer's, at a time in float64: it may have a million units an image


def rdm(patterns: np.ndarray) -> np.ndarray:
    """Representational dissimilarity matrix (sample, sample) of patterns (sample, channel).

    1 - Pearson r over channels (Kriegeskorte et al. 2008), rounded to 12 digits: equal patterns,
    which up-sampled maps have at their edges, are ties for Spearman on every machine. The
    dissimilarities of a pattern that does not vary over channels are NaN.
    """
    size = np.maximum(patterns.max(1), -patterns.min(1)).astype(np.float64)
    mean, products = patterns.mean(1, dtype=np.float64), np.zeros((len(patterns), len(patterns)))
    width = max(1, _BLOCK_VALUES // len(patterns))
    for start in range(0, patterns.shape[1], width):
        centred = patterns[:, start : start + width].astype(np.float64)
        centred -= mean[:, None]
        products += centred @ centred.T
    norms = np.sqrt(np.diag(products))
    constant = norms <= 1e-10 * np.maximum(size, 1e-300) * np.sqrt(patterns.shape[1])
    norms = np.where(constant, 1.0, norms)
    distances = np.round(1 - np.clip(products / norms[:, None] / norms, -1, 1), 12)
    distances[constant] = distances[:, constant] = np.nan
    np.fill_diagonal(distances, 0)
    return distances


def compare(recorded: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Pearson r and Spearman rho of the upper triangles of two RDMs (sample, sample).

    Pairs that are undefined (NaN) in the recorded RDM are left out. Those that are undefined in the
    predicted one count as 1 (uncorrelated), so that all layers are compared on the same pairs. NaN
    if fewer than three pairs are left or the recorded RDM does not vary.
    """
    upper = np.triu_indices(len(recorded), 1)
    recorded, predicted = recorded[upper][:, None], predicted[upper][:, None]
    defined = np.isfinite(recorded[:, 0])
    if defined.sum() < 3:
        return {"r": np.nan, "rho": np.nan}
    recorded, predicted = recorded[defined], np.nan_to_num(predicted[defined], nan=1.0)
    return {
        "r": float(pearson(recorded, predicted)[0]),
        "rho": float(spearman(recorded, predicted)[0]),
    }


def compare_layer(maps: np.ndarray, recorded: np.ndarray) -> dict[str, float]:
    """`compare` a layer's maps (image, ...) with a recorded RDM (image, image) over all images.

    The pattern of an image is its whole map: every cell of every channel, as published RDMs of
    whole populations are compared. Raises `UserError` if the numbers of images differ.
    """
    if recorded.shape != (len(maps), len(maps)):
        raise UserError(
            f"rsa: a dissimilarity matrix of shape {recorded.shape} cannot be compared with the "
            f"activations of {len(maps)} images; give both for the same images, in one order"
        )
    return compare(recorded, rdm(maps.reshape(len(maps), -1)))


def fit_layer(maps: np.ndarray, responses: np.ndarray, fold_of: np.ndarray) -> LayerScores:
    """RSA of one layer and the array on every fold, for several sets of responses.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
    responses : float64 array (target, image, y, x, site)
    fold_of : int array (image,)

    Nothing is fitted, so that ``inner[i, j]`` is the score of fold j for every i. Raises
    `UserError` for a single site, or fewer than three samples in a fold.
    """
    return _by_fold(maps, responses, fold_of, rdm, compare, "rsa", fewest=3)


def fit_layer_cka(maps: np.ndarray, responses: np.ndarray, fold_of: np.ndarray) -> LayerScores:
    """Debiased linear CKA (in ``metrics["r"]``) on every fold; otherwise as `fit_layer`.

    Raises `UserError` for a single site, or fewer than four samples in a fold.
    """

    def similarity(recorded, predicted):
        return {"r": cosine(recorded, predicted), "rho": np.nan}

    return _by_fold(maps, responses, fold_of, debiased_gram, similarity, "cka", fewest=4)


def linear_cka(x: np.ndarray, y: np.ndarray, debiased: bool = True) -> float:
    """Linear centred kernel alignment of two sets of patterns (sample, channel), (sample, site).

    The plain estimator (Kornblith et al. 2019), ||Y'X||^2 / (||X'X|| ||Y'Y||) with centred
    columns, nears 1 when channels outnumber samples, whatever they are. The debiased one replaces
    HSIC by its unbiased estimate (Song et al. 2012): about 0 for independent patterns, and possibly
    below it. NaN if y does not vary over samples; 0 if x does not.
    """
    gram = debiased_gram if debiased else centred_gram
    return cosine(gram(y), gram(x))


def centred_gram(patterns: np.ndarray) -> np.ndarray:
    """X X' (sample, sample) of patterns (sample, channel) whose columns were centred."""
    centred = patterns.astype(np.float64)
    centred = centred[:, varies(centred)]
    centred -= centred.mean(0)
    return centred @ centred.T


def debiased_gram(patterns: np.ndarray) -> np.ndarray:
    """Gram matrix (sample, sample), U-centred: zero diagonal, rows that sum to 0.

    The scalar product of two such matrices is n (n - 3) times the unbiased HSIC (Szekely & Rizzo
    2014), so that their cosine is the debiased CKA. Needs at least four samples.
    """
    gram = centred_gram(patterns)
    n = len(gram)
    np.fill_diagonal(gram, 0)
    rows = gram.sum(0)
    gram += rows.sum() / ((n - 1) * (n - 2)) - (rows[:, None] + rows) / (n - 2)
    np.fill_diagonal(gram, 0)
    return gram


def cosine(recorded: np.ndarray, predicted: np.ndarray) -> float:
    """Cosine of the angle between two matrices; NaN if the recorded one is 0, 0 if the other is."""
    norms = np.linalg.norm(recorded), np.linalg.norm(predicted)
    if norms[0] == 0:
        return np.nan
    return float(np.vdot(recorded, predicted) / (norms[0] * norms[1])) if norms[1] > 0 else 0.0


def fold_samples(
    maps: np.ndarray, grid: tuple[int, int], fold_of: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Features of the samples of every fold: (fold, images of the fold, (sample, channel)).

    Maps are resampled to the grid of the responses; for a grid of one position the whole map is
    the pattern. Raises `UserError` for a layer without a map on a larger grid.
    """
    on_grid = grid[0] * grid[1] > 1
    if on_grid and maps.ndim != 4:
        raise UserError(
            f"a layer of shape {maps.shape[1:]} has no map: it cannot be compared with responses "
            "on a grid; name layers with a spatial map"
        )
    for fold in range(fold_of.max() + 1):
        images = np.flatnonzero(fold_of == fold)
        part = maps[images]
        if on_grid:
            shape = (len(images) * grid[0] * grid[1], maps.shape[3])
            yield fold, images, resize_maps(part, grid).reshape(shape)
        else:
            yield fold, images, part.reshape(len(images), -1)


def _by_fold(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    geometry: Callable,
    similarity: Callable,
    mapping: str,
    fewest: int,
) -> LayerScores:
    """Similarity of the geometries of features and sites on every fold, for every target."""
    n_targets, _, gy, gx, n_sites = responses.shape
    n_folds, samples = fold_of.max() + 1, np.bincount(fold_of).min() * gy * gx
    if n_sites < 2 or samples < fewest:
        raise UserError(
            f"mapping {mapping}: needs at least 2 sites and {fewest} samples (positions x images) "
            f"in every fold, got {n_sites} and {samples}; use fewer folds or another mapping"
        )
    metrics = {name: np.full((n_targets, n_folds, 1), np.nan) for name in METRICS}
    for fold, images, features in fold_samples(maps, (gy, gx), fold_of):
        predicted = geometry(features)
        for target in range(n_targets):
            recorded = geometry(responses[target, images].reshape(-1, n_sites))
            for name, value in similarity(recorded, predicted).items():
                metrics[name][target, fold, 0] = value
    inner = np.tile(metrics["r"][0, :, 0], (n_folds, 1))
    np.fill_diagonal(inner, np.nan)
    return LayerScores(metrics, inner, None, n_components=0)
