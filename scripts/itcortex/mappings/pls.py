"""Encoding of one layer: from its maps to held-out predictions and scores of every site."""

from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings.folds import pair_problems, single_problems
from itcortex.numerics.metrics import METRICS, median_over_sites, pearson
from itcortex.numerics.resample import axis_factors
from itcortex.regression import pls
from itcortex.regression.pls_rules import Exact, Nipals


@dataclass
class LayerScores:
    """What one layer predicts.

    Attributes
    ----------
    metrics : dict of float64 arrays (target, fold, site)
        Every metric of `itcortex.numerics.metrics.METRICS`, on the held-out fold.
    inner : float64 array (fold, fold)
        ``inner[i, j]``: median over sites of r on fold j by models fitted without i and j.
    predictions : float32 array (image, y, x, site)
        Held-out predictions of the first target.
    n_components : int
        Fewest components that any problem reached; below the asked number, the rank ended it.
    """

    metrics: dict[str, np.ndarray]
    inner: np.ndarray
    predictions: np.ndarray
    n_components: int


def join_images(recorded: tuple[str, ...], available: tuple[str, ...], where: str) -> list[int]:
    """Index into `available` of every recorded image id; `UserError` lists those that are missing."""
    index = {name: i for i, name in enumerate(available)}
    missing = [name for name in recorded if name not in index]
    if missing:
        raise UserError(
            f"{where}: {len(missing)} of {len(recorded)} recorded images have no activations: "
            f"{missing[:5]}; images with activations: {list(available[:5])}"
        )
    return [index[name] for name in recorded]


def grid_features(maps: np.ndarray, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Features at every grid position, in an orthonormal basis of what the maps can span there.

    Parameters
    ----------
    maps : array (image, h, w, channel)
    grid : (gy, gx)

    Returns
    -------
    rows : float64 array (image, row, channel)
    basis : float64 array (gy * gx, row)
        Orthonormal; ``basis @ rows[i]`` are the features resampled to the grid.
    """
    if maps.ndim != 4:
        raise UserError(
            f"a layer of shape {maps.shape[1:]} has no map: it cannot predict responses on a grid; "
            "name layers with a spatial map"
        )
    (q_y, r_y), (q_x, r_x) = (axis_factors(maps.shape[1 + k], grid[k]) for k in (0, 1))
    rows = np.einsum("yh,ihwc->iywc", r_y, maps, optimize=True, dtype=np.float64)
    rows = np.einsum("xw,iywc->iyxc", r_x, rows, optimize=True)
    return rows.reshape(len(maps), -1, maps.shape[3]), np.kron(q_y, q_x)


def layer_features(maps: np.ndarray, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """As `grid_features`; on a grid of one position every cell of every channel is a feature."""
    if grid[0] * grid[1] > 1:
        return grid_features(maps, grid)
    return maps.reshape(len(maps), 1, -1), np.ones((1, 1))


def build_design(
    rows: np.ndarray, basis: np.ndarray, fold_of: np.ndarray
) -> tuple[pls.Design, np.ndarray]:
    """Design of rows (image, row, feature), images sorted by fold; returns it and that order.

    The mean over all samples is taken off: it changes no prediction (every problem centres on its
    own training mean) and spares products of large numbers.
    """
    order = np.argsort(fold_of, kind="stable")
    n_images, n_rows, n_features = rows.shape
    ones = np.tile(basis.sum(0), n_images)
    stacked = rows[order].reshape(-1, n_features).astype(np.float64, copy=False)
    mean = (ones @ stacked) / (ones @ ones)
    for start in range(0, len(stacked), 256):  # in pieces: no second array of that size
        stacked[start : start + 256] -= np.outer(ones[start : start + 256], mean)
    sizes = np.bincount(fold_of) * n_rows
    return pls.Design(stacked, ones, np.concatenate([[0], np.cumsum(sizes)])), order


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    n_components: int,
    nested: bool = True,
    rule: Exact | Nipals | None = None,
) -> LayerScores:
    """Cross-validated PLS from one layer to every site, for several sets of responses at once.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
        Resampled to the grid of the responses; for responses without a grid every cell of every
        channel is a feature (see `itcortex.numerics.resample.pool_maps`).
    responses : float64 array (target, image, y, x, site)
        Targets share the features: time windows, controls. The first one chooses layers.
    fold_of : int array (image,)
        Fold of every image, from 0, all in use.
    n_components : int
        PLS components, at most.
    nested : bool
        Whether `inner`, which chooses layers, is wanted; it costs most of the fits.
    rule : Exact or Nipals
        Inner rule of PLS, see `itcortex.regression.pls_rules`; `Exact` when not given.
    """
    n_targets, n_images, gy, gx, n_sites = responses.shape
    rows, basis = layer_features(maps, (gy, gx))
    design, order = build_design(rows, basis, fold_of)
    in_order = responses[:, order].reshape(n_targets, n_images, gy * gx, n_sites)
    coordinates = np.einsum("gr,tigs->tirs", basis, in_order, optimize=True)
    problems = [p for t in range(n_targets) for p in single_problems(design.n_groups, t)]
    problems += pair_problems(design.n_groups, 0) if nested else []
    fits = pls.fit_held_out(
        design, coordinates.reshape(n_targets, -1, n_sites), problems, n_components, rule
    )
    scores = empty_scores(responses.shape, design.n_groups, n_components)
    for fit in fits:
        problem = fit.problem
        scores.n_components = min(scores.n_components, fit.n_components)
        for fold, images, on_grid in _by_fold(design, basis, problem, fit.predictions):
            recorded = in_order[problem.target, images]
            if problem.target == 0 and len(problem.held_out) == 1:
                scores.predictions[order[images]] = on_grid.reshape(-1, gy, gx, n_sites)
            _score(scores, problem, fold, recorded.reshape(-1, n_sites), on_grid)
    return scores


def empty_scores(shape: tuple[int, ...], n_folds: int, n_components: int) -> LayerScores:
    """Scores to be filled in, for responses of a shape (target, image, y, x, site)."""
    return LayerScores(
        metrics={name: np.full((shape[0], n_folds, shape[4]), np.nan) for name in METRICS},
        inner=np.full((n_folds, n_folds), np.nan),
        predictions=np.full(shape[1:], np.nan, np.float32),
        n_components=n_components,
    )


def _score(scores, problem, fold, recorded, on_grid):
    """Put the scores of one problem on one of its held-out folds where they belong."""
    predicted = on_grid.reshape(recorded.shape)
    if len(problem.held_out) == 2:
        other = sum(problem.held_out) - fold
        scores.inner[other, fold] = median_over_sites(pearson(recorded, predicted))
        return
    for name, metric in METRICS.items():
        scores.metrics[name][problem.target, fold] = metric(recorded, predicted)


def _by_fold(design, basis, problem, predicted):
    """Split predicted rows by fold: (fold, slice of images in design order, values on the grid)."""
    width, start = basis.shape[1], 0
    for fold in problem.held_out:
        rows = design.group(fold)
        part = predicted[start : start + rows.stop - rows.start]
        start += len(part)
        values = part.reshape(-1, width, part.shape[1])
        images = slice(rows.start // width, rows.stop // width)
        yield fold, images, np.einsum("gr,irs->igs", basis, values, optimize=True)


def chosen_predictions(
    results: list[LayerScores], chosen: np.ndarray, fold_of: np.ndarray
) -> np.ndarray:
    """Held-out predictions (image, y, x, site) of the layer chosen for every image's fold."""
    return np.stack([results[chosen[fold]].predictions[i] for i, fold in enumerate(fold_of)])
