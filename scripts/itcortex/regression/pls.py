"""Partial least squares regression (PLS2) of many cross-validation problems at once.

A *problem* is one set of responses (an array in one time window) with some groups of samples held
out. All problems share the features and differ only in the rows that they may see. The code makes use
of that:

* Weights follow "improved kernel" PLS (Dayal & MacGregor 1997, doi:10.1002/(SICI)1099-128X(199701)
  11:1<73::AID-CEM435>3.0.CO;2-#): X is never deflated, only the small cross-product S = X'Y is.
* One component of all problems is one matrix product; no problem has an X'X of its own.
* Centring with the training mean of each problem is a rank-one term.
* The scores of the held-out rows come out of the same product as those of the training rows.

There are three ways to take the products, which give the same numbers: *direct* (t = X r, p = X't),
*gram* (X'X is computed once, and the held-out rows' part is taken off) and *dual* (K = XX' is computed
once, and all else happens in sample space). The one with the fewest operations is used, if it is exact
enough for these features. With `device` products are taken by torch. Which combination of sites gives a
component its weights is the `rule` (see `itcortex.regression.pls_rules`): `Exact` (default) or `Nipals`,
the same loop stopped at a tolerance as scikit-learn does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from itcortex.regression.design import Design, Problem
from itcortex.regression.pls_engines import Direct, Dual, Gram, rounding
from itcortex.regression.pls_rules import Exact, Nipals

#: Sums of squares of features, the largest over the median one, above which X'X and XX' are too coarse:
#: they hold the smaller ones to about 1e-16 of the largest.
_SPREAD = 1e8
#: Size of the chunks of problems that are solved at one time.
CHUNK_BYTES = 192 * 2**20
#: A site's cross-product X'y whose squared size has sunk to this share of its first size is rounding:
#: numbers are good to about 1e-16 of the first, and the rest is a margin.
_NOISE = 1e-22


@dataclass(frozen=True)
class Fit:
    """The solution of one problem.

    Attributes
    ----------
    problem : Problem
    predictions : float64 array (held-out row, site)
        Rows of the held-out groups, in the order of ``problem.held_out``.
    iterations : int array (component,)
        Number of passes of the inner loop for every component that was used; 0 under `Exact`.
    """

    problem: Problem
    predictions: np.ndarray
    iterations: np.ndarray

    @property
    def n_components(self) -> int:
        """Number of components used."""
        return len(self.iterations)


def fit_held_out(
    design: Design,
    responses: np.ndarray,
    problems: list[Problem],
    n_components: int,
    rule: Exact | Nipals | None = None,
    device: str | None = None,
    engine: type[Direct | Gram | Dual] | None = None,
) -> Iterator[Fit]:
    """Fit every problem and yield its `Fit`, in order of targets.

    Parameters
    ----------
    design : Design
        Features (row, channel) of all groups.
    responses : float64 array (target, row, site)
        In the same row coordinates as the design; not centred.
    problems : list of Problem
    n_components : int
        Upper bound. A problem stops earlier at its numerical rank: where every site's cross-product
        has sunk to rounding noise relative to its own first, or the next score relative to the
        largest. Each site is judged by itself, so that one with large responses ends no other's fit.
    rule : Exact or Nipals
        Inner rule; `Exact` when not given.
    device : str
        A torch device (``"cpu"``, ``"cuda"``) for the large products, in float64; numpy when not
        given. Predictions agree to 1e-8 sd of the responses.
    engine : Direct, Gram or Dual
        How the products are taken without a device; `cheapest_engine` when not given.

    Raises `ValueError` for fewer than one component, and `UserError` for a device that does not exist.
    """
    if n_components < 1:
        raise ValueError(f"n_components must be at least 1, got {n_components}")
    if device is None:
        engine = engine or cheapest_engine(design, responses, problems, n_components)
        products = engine(design)
    else:
        from itcortex.regression.pls_torch import Torch  # noqa: PLC0415 - torch takes seconds to import

        products = Torch(design, device)
    ordered = sorted(problems, key=lambda problem: problem.target)
    size = max(8, CHUNK_BYTES // products.bytes_per_problem(responses.shape[2], n_components))
    for start in range(0, len(ordered), size):
        chunk = ordered[start : start + size]
        yield from _solve(products, responses, chunk, n_components, rule or Exact())


def cheapest_engine(
    design: Design, responses: np.ndarray, problems: list[Problem], n_components: int
) -> type[Direct | Gram | Dual]:
    """The engine that needs the fewest operations for what `fit_held_out` is asked.

    `Direct` where one feature is so much larger than the others that they would be lost in products of
    features.
    """
    powers = np.einsum("nc,nc->c", design.rows, design.rows)
    if powers.max(initial=0) > _SPREAD * np.median(powers[powers > 0] if powers.any() else [1]):
        return Direct
    n, c = design.rows.shape
    m = responses.shape[2]
    lengths = np.diff(design.bounds)
    held = np.mean([sum(lengths[g] for g in problem.held_out) for problem in problems])
    steps = len(problems) * n_components
    cost = {
        Direct: steps * (4 * n * c + 8 * c * m),
        Gram: n * c * c + steps * (2 * c * c + 4 * held * c + 8 * c * m),
        Dual: n * n * c + steps * (2 * n * n + 12 * n * m),
    }
    return min(cost, key=cost.get)


def _solve(engine, responses, problems, n_components, rule):
    """All problems of one chunk, component by component."""
    state = engine.start(responses, problems)
    floor = rounding(engine, responses, problems)
    used = np.zeros(len(problems), int)
    active = np.ones(len(problems), bool)
    loadings = np.zeros((n_components, *floor.shape))
    iterations = np.zeros((len(problems), n_components), int)
    scores = []
    first_power, first_variance = None, None
    for component in range(n_components):
        moments = state.moments()
        power = np.einsum("bss->bs", moments).copy()
        first_power = power if component == 0 else first_power
        left = (power > _NOISE * first_power) & (power > floor)
        if not left.all():
            moments = np.where(left[:, :, None] & left[:, None, :], moments, 0)
        active &= left.any(1)
        vectors, powers = np.zeros(floor.shape), np.zeros(len(problems))
        vectors[active], powers[active], iterations[active, component] = rule.combine(
            moments[active], floor[active]
        )
        t, variance = state.advance(vectors, powers)
        first_variance = variance if component == 0 else np.maximum(first_variance, variance)
        active &= variance > engine.noise * first_variance
        if not active.any():
            break
        loadings[component] = state.deflate(t, np.where(active, variance, np.inf))
        scores.append(state.held_out_scores())
        used += active
    for index, problem in enumerate(problems):
        ones = [engine.design.ones[engine.design.group(g)] for g in problem.held_out]
        predictions = np.outer(np.concatenate(ones), state.means[index])
        if scores:
            held = np.array([step[index] for step in scores])
            predictions += held.T @ loadings[: len(scores), index]
        yield Fit(problem, predictions, iterations[index, : used[index]])
