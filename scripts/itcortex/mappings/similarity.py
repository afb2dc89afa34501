"""Representational similarity (RSA) and linear CKA of a layer and an array, fold by fold.

Neither fits anything: each compares the geometry of the *samples* of one held-out fold in the layer
(patterns over channels) and in the array (patterns over sites). Samples are the grid positions of the
fold's images, or the images themselves where a recording has no grid.

The columns of the tables hold one number for each fold (the site axis has length 1):

========  ===============================  ====================================  ==================
mapping   r                                rho                                   explained_variance
========  ===============================  ====================================  ==================
rsa       Pearson of the two RDMs          Spearman of the two RDMs              NaN: not defined
cka       *debiased* linear CKA            NaN: not defined                      NaN: not defined
========  ===============================  ====================================  ==================

Responses enter as they were recorded: sites are not z-scored.
"""

from collections.abc import Callable

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.features import fold_samples
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import METRICS
from itcortex.similarity.geometry import compare, cosine, debiased_gram, rdm


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
    return LayerScores(metrics, inner)
