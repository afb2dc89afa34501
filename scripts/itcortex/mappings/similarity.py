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

Responses enter as they were recorded: sites are not z-scored. Twins, images with the same pixels, are
one image with the mean of their responses: no image is compared with itself. Within kinds of image
(`itcortex.mappings.kinds`) only samples of one kind are compared.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.features import fold_samples
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.mappings.layer_scores import LayerScores
from itcortex.similarity.geometry import compare, cosine, debiased_gram, rdm


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    kinds: Kinds = ONE_KIND,
    pictures: tuple[str, ...] = (),
    tested: int | None = None,
) -> LayerScores:
    """RSA of one layer and the array on every fold, for several sets of responses.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
    responses : float64 array (target, image, y, x, site)
    fold_of : int array (image,)
    kinds : Kinds
        Kind of every image, for scores within kinds.
    pictures : tuple of str
        What every image shows; twins, which are in one fold, have the same. Empty: no two are alike.
    tested : int
        So many folds are tested; the others only choose the layer. All, if not given.

    Nothing is fitted, so that ``inner[i, j]`` is the score of fold j for every i. Raises
    `UserError` for a single site, or fewer than three samples in a fold.
    """
    return _by_fold(maps, responses, fold_of, kinds, pictures, tested, _RSA)


def fit_layer_cka(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    kinds: Kinds = ONE_KIND,
    pictures: tuple[str, ...] = (),
    tested: int | None = None,
) -> LayerScores:
    """Debiased linear CKA (in ``metrics["r"]``) on every fold; otherwise as `fit_layer`.

    Raises `UserError` for a single site, or fewer than four samples in a fold.
    """
    return _by_fold(maps, responses, fold_of, kinds, pictures, tested, _CKA)


def one_image_a_picture(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    kinds: Kinds,
    pictures: tuple[str, ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Kinds]:
    """Maps, responses, folds and kinds with one image a picture: of twins the mean of the responses."""
    _, first, picture_of = np.unique(pictures, return_index=True, return_inverse=True)
    if len(first) == len(pictures):
        return maps, responses, fold_of, kinds
    share = np.zeros((len(first), len(pictures)))
    share[picture_of, np.arange(len(pictures))] = 1
    share /= share.sum(1, keepdims=True)
    means = np.einsum("pi,tiyxs->tpyxs", share, responses, optimize=True)
    if kinds.of_image is not None:
        kinds = replace(kinds, of_image=kinds.of_image[first])
    return maps[first], means, fold_of[first], kinds


class _Similarity(NamedTuple):
    """How geometries are made and compared, and the fewest samples that allow it."""

    mapping: str
    geometry: Callable[[np.ndarray], np.ndarray]
    compare: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    fewest: int


def _cka(recorded: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return {"r": cosine(recorded, predicted), "rho": np.nan}


_RSA = _Similarity("rsa", rdm, compare, fewest=3)
_CKA = _Similarity("cka", debiased_gram, _cka, fewest=4)


def _by_fold(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    kinds: Kinds,
    pictures: tuple[str, ...],
    tested: int | None,
    similarity: _Similarity,
) -> LayerScores:
    """Similarity of the geometries of features and sites on every fold, for every target."""
    maps, responses, fold_of, kinds = one_image_a_picture(maps, responses, fold_of, kinds, pictures)
    n_targets, _, gy, gx, n_sites = responses.shape
    n_folds, samples = fold_of.max() + 1, np.bincount(fold_of).min() * gy * gx
    if n_sites < 2 or samples < similarity.fewest:
        raise UserError(
            f"mapping {similarity.mapping}: needs at least 2 sites and {similarity.fewest} samples "
            f"(positions x images) in every fold, got {n_sites} and {samples}; use fewer folds or "
            "another mapping"
        )
    metrics = {name: np.full((n_targets, n_folds, 1), np.nan) for name in kinds.scores}
    for fold, images, features in fold_samples(maps, (gy, gx), fold_of):
        of_fold = responses[:, images].reshape(n_targets, -1, n_sites)
        for kind, rows in {"": slice(None), **kinds.samples(images, len(features))}.items():
            predicted = similarity.geometry(features[rows])
            for target, sites in enumerate(of_fold):
                found = similarity.compare(similarity.geometry(sites[rows]), predicted)
                for name, value in ({kind: found["r"]} if kind else found).items():
                    metrics[name][target, fold, 0] = value
    tested = n_folds if tested is None else tested
    inner = np.tile(metrics["r"][0, :, 0], (tested, 1))
    np.fill_diagonal(inner, np.nan)
    return LayerScores({name: values[:, :tested] for name, values in metrics.items()}, inner)
