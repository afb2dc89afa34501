"""The features of a layer at every position of a recording's grid, and the design made of them."""

from collections.abc import Iterator

import numpy as np

from itcortex.errors import UserError
from itcortex.numerics.resample import axis_factors, resize_maps
from itcortex.regression.design import Design


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
) -> tuple[Design, np.ndarray]:
    """Design of rows (image, row, feature), images sorted by fold; returns it and that order.

    The mean over all samples is taken off. That changes no prediction, because every problem centres
    on its own training mean, and it avoids products of large numbers.
    """
    order = np.argsort(fold_of, kind="stable")
    n_images, n_rows, n_features = rows.shape
    ones = np.tile(basis.sum(0), n_images)
    stacked = rows[order].reshape(-1, n_features).astype(np.float64, copy=False)
    mean = (ones @ stacked) / (ones @ ones)
    for start in range(0, len(stacked), 256):  # in pieces: no second array of that size
        stacked[start : start + 256] -= np.outer(ones[start : start + 256], mean)
    sizes = np.bincount(fold_of) * n_rows
    return Design(stacked, ones, np.concatenate([[0], np.cumsum(sizes)])), order


def effective_dimensionality(maps: np.ndarray, grid: tuple[int, int]) -> float:
    """Effective dimensionality of a layer's features over the samples (images x positions).

    The participation ratio of the eigenvalues l of the features' covariance, (sum l)^2 / sum l^2: n
    where n directions vary alike, 1 where one direction varies. It equals tr(G)^2 / |G|^2 of the
    Gram matrix G of centred features, on whichever side is smaller, and is never above the number
    of samples less one. NaN for features that do not vary. Maps and grid as in `layer_features`.
    """
    rows, basis = layer_features(maps, grid)
    features = build_design(rows, basis, np.zeros(len(rows), dtype=int))[0].rows
    gram = features @ features.T if len(features) < features.shape[1] else features.T @ features
    squares = float(np.vdot(gram, gram))
    return float(np.trace(gram)) ** 2 / squares if squares > 0 else np.nan


_LOOKED_AT = 200  # images, at most, that standard deviations of units are taken from


def loudest_unit(maps: np.ndarray, grid: tuple[int, int]) -> float:
    """Standard deviation of a layer's loudest unit over that of its median unit.

    Units are those of `number_of_units`; those that never vary are left out. Of more than 200 images 200
    are taken, evenly spaced. NaN for a layer without variance. Maps (image, row, column, channel) or
    (image, channel), and grid, as in `layer_features`.
    """
    some = maps[np.linspace(0, len(maps) - 1, min(len(maps), _LOOKED_AT)).round().astype(int)]
    columns = (-1, maps.shape[-1]) if grid[0] * grid[1] > 1 else (len(some), -1)
    spread = some.reshape(columns).std(0, dtype=np.float64)
    spread = spread[spread > 0]
    return float(spread.max() / np.median(spread)) if len(spread) else np.nan


def number_of_units(maps: np.ndarray, grid: tuple[int, int]) -> int:
    """Units of a layer as mappings have them: channels on a grid, else channels times cells.

    The effective dimensionality is at most this number.
    """
    return int(maps.shape[-1] if grid[0] * grid[1] > 1 else np.prod(maps.shape[1:]))


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
        of_fold = maps[images]
        if on_grid:
            shape = (len(images) * grid[0] * grid[1], maps.shape[3])
            yield fold, images, resize_maps(of_fold, grid).reshape(shape)
        else:
            yield fold, images, of_fold.reshape(len(images), -1)
