"""Encoding of one layer: from its maps to held-out predictions and scores of every site."""

import numpy as np

from itcortex.mappings.features import build_design, layer_features
from itcortex.mappings.folds import pair_problems, single_problems
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.mappings.layer_scores import LayerPredictions, empty_predictions
from itcortex.numerics.metrics import median_over_sites, pearson
from itcortex.regression import pls
from itcortex.regression.pca import fit_held_out as fit_components
from itcortex.regression.pls_rules import Exact, Nipals


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    n_components: int,
    nested: bool = True,
    rule: Exact | Nipals | None = None,
    kinds: Kinds = ONE_KIND,
    device: str | None = None,
    tested: int | None = None,
    pca: int | str | None = None,
) -> LayerPredictions:
    """Cross-validated PLS from one layer to every site, for several sets of responses at once.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
        Resampled to the grid of the responses; for responses without a grid every cell of every
        channel is a feature (see `itcortex.numerics.resample.pool_maps`).
    responses : float64 array (target, image, y, x, site)
        Targets share the features: time windows, controls. The first one chooses layers.
    fold_of : int array (image,)
        Fold of every image, counted from 0; no fold is empty.
    n_components : int
        PLS components, at most.
    nested : bool
        Whether to compute `inner`, which chooses layers and costs most of the fits.
    rule : Exact or Nipals
        Inner rule of PLS, see `itcortex.regression.pls_rules`; `Exact` when not given.
    kinds : Kinds
        Kind of every image, for scores within kinds.
    device : str
        A torch device for the large products; numpy when not given.
    tested : int
        So many folds are tested; the others only train, and choose the layer. All, if not given.
    pca : int, "auto" or None
        Principal components of the training images that every model is fitted to; None for the
        features themselves (see `itcortex.regression.pca`).
    """
    n_targets, n_images, gy, gx, n_sites = responses.shape
    rows, basis = layer_features(maps, (gy, gx))
    design, order = build_design(rows, basis, fold_of)
    in_order = responses[:, order].reshape(n_targets, n_images, gy * gx, n_sites)
    coordinates = np.einsum("gr,tigs->tirs", basis, in_order, optimize=True)
    tested = design.n_groups if tested is None else tested
    problems = [p for t in range(n_targets) for p in single_problems(tested, t)]
    problems += pair_problems(design.n_groups, 0, tested) if nested else []
    asked = (design, coordinates.reshape(n_targets, -1, n_sites), problems, n_components, rule)
    fits = pls.fit_held_out(*asked, device) if pca is None else fit_components(*asked, pca)
    scores = empty_predictions(responses.shape, tested, design.n_groups, n_components, kinds)
    for fit in fits:
        problem = fit.problem
        scores.n_components = min(scores.n_components, fit.n_components)
        for fold, images, on_grid in _by_fold(design, basis, problem, fit.predictions):
            recorded = in_order[problem.target, images]
            if problem.target == 0 and len(problem.held_out) == 1:
                scores.predictions[order[images]] = on_grid.reshape(-1, gy, gx, n_sites)
            recorded = recorded.reshape(-1, n_sites)
            predicted = on_grid.reshape(recorded.shape)
            if len(problem.held_out) == 2:
                other = sum(problem.held_out) - fold
                if other < tested:
                    scores.inner[other, fold] = median_over_sites(pearson(recorded, predicted))
                continue
            for name, values in kinds.score(recorded, predicted, order[images]).items():
                scores.metrics[name][problem.target, fold] = values
    return scores


def _by_fold(design, basis, problem, predicted):
    """Split predicted rows by fold: (fold, slice of images in design order, values on the grid)."""
    width, start = basis.shape[1], 0
    for fold in problem.held_out:
        rows = design.group(fold)
        of_fold = predicted[start : start + rows.stop - rows.start]
        start += len(of_fold)
        values = of_fold.reshape(-1, width, of_fold.shape[1])
        images = slice(rows.start // width, rows.stop // width)
        yield fold, images, np.einsum("gr,irs->igs", basis, values, optimize=True)
