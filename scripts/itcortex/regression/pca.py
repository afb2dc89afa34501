"""Principal components of the training samples alone, for many cross-validation problems at once.

For every set of groups that is held out, features X become X V: V are the leading eigenvectors of
Z'Z, where Z are the training rows with their own mean taken off. No held-out sample, and no response,
has a part in V. With more features than rows, V = Z'U S^-1 from the eigenvectors U and eigenvalues S^2
of ZZ', and all ZZ' are parts of one Gram matrix of all rows, centred by rank-one terms.
"""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from scipy.linalg import eigh

from itcortex.regression import pls
from itcortex.regression.design import Design, Problem
from itcortex.regression.pls_rules import Exact, Nipals

#: Dimensions that ``"auto"`` keeps, at most: Brain-Score's number.
MOST = 1000
#: Components with a smaller share of the first one's variance are rounding.
_ROUNDING = 1e-12


class TrainingComponents:
    """Principal components of a layer's training rows, by what is held out.

    Parameters
    ----------
    design : Design
    dimensions : int or "auto"
        Components that are kept, or as many as the training rows have; ``"auto"`` keeps `MOST`.
    """

    def __init__(self, design: Design, dimensions: int | str):
        self.design, self.dimensions = design, MOST if dimensions == "auto" else dimensions
        rows = design.rows
        self.gram = rows @ rows.T if rows.shape[0] < rows.shape[1] else None

    def without(self, held_out: tuple[int, ...]) -> Design:
        """The design with components of the rows outside the groups `held_out` as features."""
        train = np.ones(len(self.design.rows), bool)
        for group in held_out:
            train[self.design.group(group)] = False
        ones = self.design.ones
        mean = np.where(train, ones, 0) / (ones[train] @ ones[train])  # as weights of rows
        if self.gram is None:
            rows = self.design.rows - np.outer(ones, mean @ self.design.rows)
            scores = rows @ self._leading(rows[train].T @ rows[train])[1]
        else:
            with_mean = self.gram @ mean
            centred = self.gram - np.outer(ones, with_mean) - np.outer(with_mean, ones)
            centred += np.outer(ones, ones) * (mean @ with_mean)
            powers, vectors = self._leading(centred[np.ix_(train, train)])
            scores = centred[:, train] @ (vectors / np.sqrt(powers))
        return Design(np.ascontiguousarray(scores), ones, self.design.bounds)

    def _leading(self, products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Largest eigenvalues (component,) and their eigenvectors (row, component), largest first."""
        size = len(products)
        kept = [max(0, size - self.dimensions), size - 1]
        powers, vectors = eigh(products, subset_by_index=kept, overwrite_a=True)
        powers, vectors = powers[::-1], vectors[:, ::-1]
        if powers[0] <= 0:  # nothing varies
            return np.ones(1), np.zeros((size, 1))
        real = powers > _ROUNDING * powers[0]
        return powers[real], vectors[:, real]


def fit_held_out(
    design: Design,
    responses: np.ndarray,
    problems: list[Problem],
    n_components: int,
    rule: Exact | Nipals | None,
    dimensions: int | str,
) -> Iterator[pls.Fit]:
    """As `itcortex.regression.pls.fit_held_out`, on components of every problem's training rows."""
    components = TrainingComponents(design, dimensions)
    by_held_out = sorted(problems, key=lambda problem: problem.held_out)
    for held_out, some in groupby(by_held_out, key=lambda problem: problem.held_out):
        reduced = components.without(held_out)
        yield from pls.fit_held_out(reduced, responses, list(some), n_components, rule)
