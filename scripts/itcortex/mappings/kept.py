"""A mapping that is fitted to all images of a recording, and kept to predict responses to others."""

from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError
from itcortex.mappings import ridge_spectral
from itcortex.mappings.features import layer_features
from itcortex.numerics.resample import pool_maps
from itcortex.regression import linear_maps, ridge
from itcortex.regression.design import Design
from itcortex.regression.pls_rules import Exact, Nipals

#: Mappings that predict sites, and so can be kept.
KEPT = ("pls", "ridge")


@dataclass(frozen=True)
class KeptMapping:
    """From a layer's maps to the responses of all sites.

    Attributes
    ----------
    weights : LinearMap
        From a layer's features at a position of the grid to the sites.
    grid : (gy, gx)
        Grid of the recording; (1, 1) without one.
    pool : int
        Cells a side to which maps are averaged for a recording without a grid.
    """

    weights: linear_maps.LinearMap
    grid: tuple[int, int]
    pool: int

    def predict(self, maps: np.ndarray) -> np.ndarray:
        """Responses (image, y, x, site) predicted from maps (image, h, w, channel) or (image, channel).

        Raises `UserError` for maps with another number of features than the mapping was fitted to.
        """
        rows, basis = _features(maps, self.grid, self.pool)
        n_images, n_rows, n_features = rows.shape
        if n_features != len(self.weights.coefficients):
            raise UserError(
                f"the mapping was fitted to {len(self.weights.coefficients)} features of a layer, and "
                f"these maps {maps.shape[1:]} have {n_features}; give the layer's own maps"
            )
        ones = np.tile(basis.sum(0), n_images)
        values = self.weights.predict(rows.reshape(-1, n_features).astype(np.float64), ones)
        on_grid = np.einsum("gr,irs->igs", basis, values.reshape(n_images, n_rows, -1))
        return on_grid.reshape(n_images, *self.grid, -1)


def fit_kept(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    mapping: str,
    n_components: int,
    rule: Exact | Nipals | None = None,
    pool: int = 7,
    penalties: tuple[float, ...] = ridge.PENALTIES,
    groups: np.ndarray | None = None,
) -> tuple[KeptMapping, dict]:
    """Fit one layer to all images, with the settings of the cross-validated fit.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
    responses : float64 array (image, y, x, site)
    fold_of : int array (image,)
        Folds that choose the penalties of ridge regression; PLS does not need them.
    mapping : "pls" or "ridge"
    n_components, rule
        Of PLS.
    pool : int
        See `KeptMapping`.
    penalties : tuple of float
        Of ridge regression.
    groups : int array (image,), optional
        What every image shows: penalties are chosen on images that are left out one by one, and not on
        folds (`itcortex.mappings.ridge_spectral`).

    Returns
    -------
    The mapping, and what was found on the way: `n_components`, or `penalties` (one for each site).
    """
    if mapping not in KEPT:
        raise UserError(f"mapping {mapping!r} predicts no sites; keep one of {', '.join(KEPT)}")
    n_images, gy, gx, n_sites = responses.shape
    if mapping == "ridge" and groups is not None:
        reduced = maps if gy * gx > 1 else pool_maps(maps, pool)
        fit = ridge_spectral.fit_all(reduced, responses, groups, penalties)
        facts = {"penalties": fit.penalties.tolist()}
        return KeptMapping(fit.linear_map(), (gy, gx), pool), facts
    rows, basis = _features(maps, (gy, gx), pool)
    order = np.argsort(fold_of, kind="stable")
    stacked = rows[order].reshape(-1, rows.shape[2]).astype(np.float64)
    flat = responses[order].reshape(n_images, gy * gx, n_sites)
    coordinates = np.einsum("gr,igs->irs", basis, flat, optimize=True).reshape(-1, n_sites)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(fold_of))]) * rows.shape[1]
    design = Design(stacked, np.tile(basis.sum(0), n_images), bounds)
    if mapping == "pls":
        weights, used = linear_maps.fit_pls(design, coordinates, n_components, rule)
        facts = {"n_components": int(used)}
    else:
        weights, found = linear_maps.fit_ridge(design, coordinates, penalties)
        facts = {"penalties": found.tolist()}
    return KeptMapping(weights, (gy, gx), pool), facts


def _features(maps: np.ndarray, grid: tuple[int, int], pool: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (image, row, channel) and basis of a layer, pooled where there is no grid."""
    reduced = maps if grid[0] * grid[1] > 1 else pool_maps(maps, pool)
    return layer_features(reduced, grid)
