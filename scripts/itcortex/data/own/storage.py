"""Responses as they are kept: float32, where that loses nothing that matters."""

from collections.abc import Sequence

import numpy as np

from itcortex.errors import UserError

#: Largest error that storing may make, as a share of a site's standard deviation (root mean square).
MOST_LOST = 1e-3
#: A site that varies less, as a share of its values, is constant but for rounding.
_CONSTANT = 1e-13
_EPSILON = float(np.finfo(np.float32).eps)


def as_float32(values: np.ndarray, sites: Sequence[str], where: str) -> np.ndarray:
    """Responses (..., site) as float32.

    Raises `UserError` for a site of small differences on a large offset, such as 1,000,000.01 and
    1,000,000.02, which float32 would make one: it keeps seven digits.
    """
    stored = values.astype(np.float32, copy=False)
    if values.dtype.kind not in "iuf" or values.dtype.itemsize <= 2 or stored is values:
        return stored
    for k, site in enumerate(sites):
        exact = np.asarray(values[..., k], np.float64)
        exact = exact[np.isfinite(exact)]
        if not exact.size:
            continue
        spread, largest = exact.std(), np.abs(exact).max()
        if spread <= _CONSTANT * largest or _EPSILON * largest <= MOST_LOST * spread:
            continue
        lost = np.sqrt(np.mean((exact - exact.astype(np.float32)) ** 2))
        if lost > MOST_LOST * spread:
            raise UserError(
                f"{where}: site {site!r}: its responses differ by {spread:.3g} (standard deviation) "
                f"around {exact.mean():.9g}, and are kept in seven digits (float32), which would lose "
                f"{lost / spread:.2g} of that; subtract a constant from each site's, such as its mean, "
                "or leave the column out if it is no site's"
            )
    return stored
