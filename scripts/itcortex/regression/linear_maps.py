"""The linear map behind a fit to all samples, for predictions of samples that come later.

`pls.fit_held_out` and `ridge.cross_validate` give predictions of held-out rows and no weights. A linear
map is known by what it makes of the unit vectors and of zero: these are added as one more group, which
is held out. So a kept map is that of the very fits that are scored. With more channels than samples the
fits run in an orthonormal basis of the samples' span, outside of which the weights of both are zero.
"""

from dataclasses import dataclass

import numpy as np

from itcortex.regression import pls, ridge
from itcortex.regression.design import Design, Problem
from itcortex.regression.pls_rules import Exact, Nipals

#: Size of the unit vectors, in root mean squares of the features: too small to count in the unit of
#: ridge's penalties (a share of 1e-6 / samples) or in PLS's bounds of rounding.
_PROBE = 1e-3


@dataclass(frozen=True)
class LinearMap:
    """y = x'B + b: `coefficients` B (channel, site) and `intercept` b (site,)."""

    coefficients: np.ndarray
    intercept: np.ndarray

    def predict(self, rows: np.ndarray, ones: np.ndarray | None = None) -> np.ndarray:
        """Responses (row, site) of rows (row, channel).

        `ones` (row,) is the constant of the samples in the rows' coordinates (see `Design`); 1 if not
        given.
        """
        ones = np.ones(len(rows)) if ones is None else ones
        return rows @ self.coefficients + np.outer(ones, self.intercept)


def fit_pls(
    design: Design,
    responses: np.ndarray,
    n_components: int,
    rule: Exact | Nipals | None = None,
) -> tuple[LinearMap, int]:
    """PLS on all rows of a design: its linear map, and the number of components that it has.

    Parameters
    ----------
    design : Design
        Rows (row, channel); need not be centred.
    responses : float64 array (row, site)
        In the same row coordinates.
    n_components, rule
        As of `itcortex.regression.pls.fit_held_out`, which also says when there are fewer components.
    """
    probed, back = _with_probe(design)
    padded = np.vstack(
        [responses, np.zeros((len(probed.rows) - len(responses), responses.shape[1]))]
    )
    problem = Problem(0, (probed.n_groups - 1,))
    (fit,) = pls.fit_held_out(probed, padded[None], [problem], n_components, rule)
    return back(fit.predictions), fit.n_components


def fit_ridge(
    design: Design, responses: np.ndarray, penalties: tuple[float, ...] = ridge.PENALTIES
) -> tuple[LinearMap, np.ndarray]:
    """Ridge regression on all rows: its linear map, and each site's penalty (site,).

    A site takes the penalty with the smallest squared error summed over the design's groups, each
    predicted from the others. Parameters as of `fit_pls`; the design has at least three groups, and
    penalties are in units of the mean eigenvalue (`itcortex.regression.ridge`).
    """
    if design.n_groups < 3:
        raise ValueError(f"ridge needs at least 3 groups, got {design.n_groups}")
    probed, back = _with_probe(design)
    padded = np.vstack(
        [responses, np.zeros((len(probed.rows) - len(responses), responses.shape[1]))]
    )
    fits = ridge.cross_validate(
        probed, padded[None], penalties, lambda fold, values: np.full(values.shape[1], np.nan)
    )
    probe = probed.n_groups - 1
    return back(fits.predictions[0, probed.group(probe)]), fits.penalties[0, probe]


def _with_probe(design: Design):
    """The centred design with unit vectors and zero as its last group, and how their fit is read."""
    mean = (design.ones @ design.rows) / (design.ones @ design.ones)
    centred = Design(design.rows - np.outer(design.ones, mean), design.ones, design.bounds)
    ridge.drop_rounding(centred, np.vdot(design.rows, design.rows))
    rows, basis = centred.rows, None
    if rows.shape[1] > rows.shape[0]:
        basis, coordinates = np.linalg.qr(rows.T)
        rows = np.ascontiguousarray(coordinates.T)
    n_rows, n_channels = rows.shape
    size = _PROBE * np.linalg.norm(rows) / np.sqrt(rows.size) or 1.0
    units = np.vstack([size * np.eye(n_channels), np.zeros((1, n_channels))])
    ones = np.concatenate([design.ones, np.zeros(n_channels), [1.0]])
    probed = Design(
        np.vstack([rows, units]), ones, np.append(design.bounds, n_rows + n_channels + 1)
    )

    def back(predictions: np.ndarray) -> LinearMap:
        weights = predictions[:-1] / size
        coefficients = weights if basis is None else basis @ weights
        return LinearMap(coefficients, predictions[-1] - mean @ coefficients)

    return probed, back
