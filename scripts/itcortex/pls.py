"""Partial least squares regression (PLS2) of many cross-validation problems at once.

A *problem* is one set of responses (an array in one time window) with some groups of samples held
out. All problems share the features, and differ only in which rows they may see. Written for that:

* Weights follow "improved kernel" PLS (Dayal & MacGregor 1997, doi:10.1002/(SICI)1099-128X(199701)
  11:1<73::AID-CEM435>3.0.CO;2-#): X is never deflated, only the small cross-product S = X'Y is.
* One component of all problems is one matrix product; no problem has an X'X of its own.
* Centring with the training mean of each problem is a rank-one term.
* Scores of the held-out rows come with those of the training rows.

Three ways to take the products give the same numbers; the one with the fewest operations is used:
*lock* (t = X r, p = X't), *gram* (X'X once, minus the held-out rows' part) and *dual* (K = XX' once,
everything in sample space). The weight vector of a component is the dominant left singular vector of
the deflated S (the fixed point of the NIPALS inner loop), so the order of sites does not matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dsyevr

from itcortex.pls_engines import Dual, Gram, Lock, rounding

_CHUNK_BYTES = 48 * 2**20


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
        What the constant vector of the samples is in these rows: 1 everywhere, or `Q'1` where the
        rows are coordinates in an orthonormal basis Q of the samples (see `itcortex.resample`).
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


def predict_held_out(
    design: Design, responses: np.ndarray, problems: list[Problem], n_components: int
) -> Iterator[tuple[Problem, np.ndarray, int]]:
    """Fit every problem and yield (problem, predictions, components used), in order of targets.

    Parameters
    ----------
    design : Design
        Features (row, channel) of all groups.
    responses : float64 array (target, row, site)
        In the same row coordinates as the design; not centred.
    problems : list of Problem
    n_components : int
        Upper bound; a problem stops earlier at its numerical rank: where the squared size of its
        cross-product, or of its next score, has sunk to rounding noise relative to the largest.

    Yields
    ------
    problem, float64 array (held-out row, site), int
        Rows of the held-out groups, in the order of ``problem.held_out``.
    """
    if n_components < 1:
        raise ValueError(f"n_components must be at least 1, got {n_components}")
    engine = _engine(design, responses, problems, n_components)
    ordered = sorted(problems, key=lambda problem: problem.target)
    size = max(8, _CHUNK_BYTES // engine.bytes_per_problem(responses.shape[2], n_components))
    for start in range(0, len(ordered), size):
        yield from _solve(engine, responses, ordered[start : start + size], n_components)


def _engine(design, responses, problems, n_components):
    """The engine that needs the fewest operations."""
    n, c = design.rows.shape
    m = responses.shape[2]
    lengths = np.diff(design.bounds)
    held = np.mean([sum(lengths[g] for g in problem.held_out) for problem in problems])
    steps = len(problems) * n_components
    cost = {
        Lock: steps * (4 * n * c + 8 * c * m),
        Gram: n * c * c + steps * (2 * c * c + 4 * held * c + 8 * c * m),
        Dual: n * n * c + steps * (2 * n * n + 12 * n * m),
    }
    return min(cost, key=cost.get)(design)


def _solve(engine, responses, problems, n_components):
    """All problems of one chunk, component by component."""
    state = engine.start(responses, problems)
    n_sites, used = responses.shape[2], np.zeros(len(problems), int)
    active = np.ones(len(problems), bool)
    floor = rounding(engine.design, responses, problems)
    loadings = np.zeros((n_components, len(problems), n_sites))
    scores = []
    first_power, first_variance = None, None
    for component in range(n_components):
        vectors, powers = _dominant(state.moments())
        first_power = powers if component == 0 else first_power
        active &= (powers > engine.noise * first_power) & (powers > floor)
        t, variance = state.advance(vectors, powers)
        first_variance = variance if component == 0 else np.maximum(first_variance, variance)
        active &= variance > engine.noise * first_variance
        if not active.any():
            break
        loadings[component] = state.deflate(t, np.where(active, variance, np.inf))
        scores.append(state.held_out_scores())
        used += active
    for index, problem in enumerate(problems):
        ones = np.concatenate(
            [engine.design.ones[engine.design.group(g)] for g in problem.held_out]
        )
        prediction = np.outer(ones, state.means[index])
        for component, held in enumerate(scores):
            prediction += np.outer(held[index], loadings[component, index])
        yield problem, prediction, int(used[index])


def _dominant(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit eigenvectors (problem, site) and values of the largest eigenvalue of each matrix."""
    size = moments.shape[1]
    vectors, values = np.empty(moments.shape[:2]), np.empty(len(moments))
    for index, matrix in enumerate(moments):
        if size == 1:
            vectors[index], values[index] = 1.0, matrix[0, 0]
            continue
        found, vector, _, _, info = dsyevr(matrix, range="I", il=size, iu=size)
        if info != 0:
            raise np.linalg.LinAlgError(f"dsyevr failed with info {info}")
        vectors[index], values[index] = vector[:, 0], found[0]
    return vectors, values
