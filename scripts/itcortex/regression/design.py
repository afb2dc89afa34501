"""Samples in groups that are held out together, and the fits that are asked for."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """Predict the rows of the groups `held_out` for responses `target` from all other groups."""

    target: int
    held_out: tuple[int, ...]


@dataclass(frozen=True)
class Design:
    """Features of one layer, rows stacked group by group.

    Attributes
    ----------
    rows : float64 array (row, channel)
    ones : float64 array (row,)
        The constant vector of the samples in the coordinates of these rows: 1 everywhere, or `Q'1`
        where the rows are coordinates in an orthonormal basis Q of the samples (see
        `itcortex.numerics.resample`).
    bounds : int array (group + 1,)
        Rows ``bounds[g]:bounds[g + 1]`` belong to group g.
    """

    rows: np.ndarray
    ones: np.ndarray
    bounds: np.ndarray

    def group(self, index: int) -> slice:
        """Rows of one group."""
        return slice(int(self.bounds[index]), int(self.bounds[index + 1]))

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.bounds) - 1
