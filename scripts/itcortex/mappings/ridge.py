"""Ridge regression from one layer to every site, with a penalty for each site."""

import numpy as np

from itcortex.mappings.features import build_design, layer_features
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.mappings.layer_scores import LayerPredictions
from itcortex.numerics.metrics import median_over_sites, pearson
from itcortex.regression.ridge import PENALTIES, cross_validate, drop_rounding


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    penalties: tuple[float, ...] = PENALTIES,
    kinds: Kinds = ONE_KIND,
    tested: int | None = None,
) -> LayerPredictions:
    """Cross-validated ridge regression from one layer to every site, for several targets at once.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
        Resampled to the grid of the responses; without a grid every cell of every channel counts.
    responses : float64 array (target, image, y, x, site)
    fold_of : int array (image,)
    penalties : tuple of float
        Positive, in units of the layer's mean eigenvalue; each site takes one of them in each fold.
    kinds : Kinds
        Kind of every image, for scores within kinds.
    tested : int
        So many folds are tested; the others only train, and choose penalty and layer. All, if not given.
    """
    n_targets, n_images, gy, gx, n_sites = responses.shape
    rows, basis = layer_features(maps, (gy, gx))
    design, order = build_design(rows, basis, fold_of)
    drop_rounding(design, np.vdot(rows, rows))
    in_order = responses[:, order].reshape(n_targets, n_images, gy * gx, n_sites)
    coordinates = np.einsum("gr,tigs->tirs", basis, in_order, optimize=True)
    sizes = np.concatenate([[0], np.cumsum(np.bincount(fold_of))])
    tested = design.n_groups if tested is None else tested

    def recorded(target, fold):
        return in_order[target, sizes[fold] : sizes[fold + 1]].reshape(-1, n_sites)

    def on_grid(values):
        return (basis @ values.reshape(-1, basis.shape[1], n_sites)).reshape(-1, n_sites)

    fits = cross_validate(
        design,
        coordinates.reshape(n_targets, -1, n_sites),
        penalties,
        lambda fold, values: pearson(recorded(0, fold), on_grid(values)),
        tested,
    )
    shape = (n_targets, tested, n_sites)
    metrics = {name: np.full(shape, np.nan) for name in kinds.scores}
    for target, fold in np.ndindex(n_targets, tested):
        predicted = on_grid(fits.predictions[target, design.group(fold)])
        images = order[sizes[fold] : sizes[fold + 1]]
        for name, values in kinds.score(recorded(target, fold), predicted, images).items():
            metrics[name][target, fold] = values
    predictions = np.empty((n_images, gy, gx, n_sites), np.float32)
    predictions[order] = on_grid(fits.predictions[0]).reshape(n_images, gy, gx, n_sites)
    ends = min(penalties), max(penalties)
    return LayerPredictions(
        metrics, median_over_sites(fits.inner), predictions,
        penalties=fits.penalties, at_edge=np.isin(fits.penalties, ends),
    )  # fmt: skip
