"""Ridge regression with a penalty of its own for every site, chosen without the held-out images.

For outer fold i and penalty a, the weights minimise ||y - X b - c||^2 + a s ||b||^2 over the other
folds, with an unpenalised intercept c. The unit s of penalties is the mean eigenvalue of the layer,
trace(X'X) / min(samples, channels) with X centred over all images (their features, no response).

*Choice of the penalty.* For outer fold i each site takes the penalty with the smallest squared error
summed over the folds j != i, each predicted by the fit without {i, j}. The inner score of (i, j)
comes from the fit without {i, j}; its penalty is the best over the folds other than i and j, by the
fits without {i, k}. So no number of outer fold i knows a response to i's images, and no error on
fold j enters its own inner score (only the weights, whose errors on k are compared, have seen j).

*Cost.* All fits are exact. With few channels, each fit solves its own normal equations (*primal*).
With many, one residual maker M = I - H for each penalty (H is the smoother of all images, intercept
included) gives every fit, for left-out rows L (the block form of leave-one-out, e.g. Hastie et al.
2009, section 7.10):

    predicted[L] = - M[L, L]^-1  M[L, not L] y[not L]

Only training responses are ever summed: a held-out one cannot touch its own prediction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.linalg.lapack import dpotri

from itcortex.errors import UserError
from itcortex.regression.design import Design

#: Penalties that are tried, in units of the layer's mean eigenvalue.
PENALTIES = tuple(float(value) for value in np.logspace(-4, 4, 9))

#: Features whose centred power is below this share of their power are rounding noise.
_CONSTANT = 1e-20

#: One fit: index of its penalty, the folds left out, and the predictions (row, column) of each.
_LeftOut = tuple[int, tuple[int, ...], list[np.ndarray]]


@dataclass(frozen=True)
class HeldOut:
    """Held-out predictions of ridge regression.

    Attributes
    ----------
    predictions : float64 array (target, row, site)
        NaN for groups that are not tested.
    penalties : float64 array (target, fold, site)
        Penalty chosen, in units of the mean eigenvalue.
    inner : float64 array (fold, group, site)
        ``inner[i, j]``: score of the first target on group j by fits without i and j.
    """

    predictions: np.ndarray
    penalties: np.ndarray
    inner: np.ndarray


def drop_rounding(design: Design, power: float) -> None:
    """Set the centred features to 0 where they are rounding noise of features of that power."""
    if np.vdot(design.rows, design.rows) <= _CONSTANT * power:
        design.rows[:] = 0


def cross_validate(
    design: Design,
    responses: np.ndarray,
    penalties: tuple[float, ...],
    score: Callable[[int, np.ndarray], np.ndarray],
    tested: int | None = None,
    way: Callable | None = None,
) -> HeldOut:
    """Predict every group from the others; each site's penalty is chosen without that group.

    Parameters
    ----------
    design : Design
        Rows (row, channel) with their mean over all samples taken off, at least three groups.
    responses : float64 array (target, row, site)
        In the same row coordinates as the design; not centred.
    penalties : tuple of float
    score : function of (fold, predictions (row, site))
        Score per site of predictions of the first target, for ``inner``.
    tested : int
        So many groups are tested; the others only train, and choose penalties. All, if not given.
    way : `primal` or `dual`
        How the fits are made; `cheaper_way` if not given. Both give the same numbers.

    Raises `UserError` for a penalty that is not positive and finite.
    """
    wrong = [p for p in penalties if not (np.isfinite(p) and p > 0)]
    if wrong or not len(penalties):
        raise UserError(f"ridge: penalties: {wrong or 'none'}; give one or more positive numbers")
    if design.n_groups < 3:
        raise ValueError(f"ridge needs at least 3 groups, got {design.n_groups}")
    n_targets, n_rows, n_sites = responses.shape
    columns = np.ascontiguousarray(responses.transpose(1, 0, 2)).reshape(n_rows, -1)
    folds = design.n_groups if tested is None else tested
    left_out = _left_out(design.n_groups, folds)
    singles = np.empty((len(penalties), *columns.shape))
    errors = np.zeros((len(penalties), folds, design.n_groups, columns.shape[1]))
    scores = np.full((len(penalties), folds, design.n_groups, n_sites), np.nan)
    power = np.vdot(design.rows, design.rows) / min(design.rows.shape)
    absolute = np.array(penalties) * (power if power > 0 else 1.0)
    fit = way or cheaper_way(design, columns, len(left_out))
    for index, held, predicted in fit(design, columns, absolute, left_out):
        if len(held) == 1:
            singles[index, design.group(held[0])] = predicted[0]
            continue
        for outer, fold, values in zip(held, held[::-1], predicted[::-1], strict=True):
            if outer >= folds:
                continue
            residual = columns[design.group(fold)] - values
            errors[index, outer, fold] = np.einsum("rc,rc->c", residual, residual)
            scores[index, outer, fold] = score(fold, values[:, :n_sites])
    chosen = errors.sum(2).argmin(0)
    predictions = np.full_like(columns, np.nan)
    for fold in range(folds):
        rows = design.group(fold)
        predictions[rows] = np.take_along_axis(singles[:, rows], chosen[None, fold, None], 0)[0]
    return HeldOut(
        predictions.reshape(n_rows, n_targets, n_sites).transpose(1, 0, 2),
        np.array(penalties)[chosen].reshape(folds, n_targets, n_sites).transpose(1, 0, 2),
        _inner_scores(errors[..., :n_sites], scores),
    )


def _inner_scores(errors: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Score (outer, fold, site) at the penalty that is best over the folds other than both."""
    inner = np.full(scores.shape[1:], np.nan)
    for outer, fold in np.ndindex(*inner.shape[:2]):
        if outer != fold:
            others = [k for k in range(inner.shape[1]) if k not in (outer, fold)]
            best = errors[:, outer, others].sum(1).argmin(0)
            inner[outer, fold] = np.take_along_axis(scores[:, outer, fold], best[None], 0)[0]
    return inner


def _left_out(n_groups: int, tested: int) -> list[tuple[int, ...]]:
    """Every tested group, and every pair of groups with a tested one (the first are)."""
    pairs = [pair for pair in combinations(range(n_groups), 2) if pair[0] < tested]
    return [*((g,) for g in range(tested)), *pairs]


def cheaper_way(design: Design, columns: np.ndarray, n_fits: int) -> Callable:
    """`primal` or `dual`: whichever needs fewer operations for one penalty and so many fits."""
    (n, c), m = design.rows.shape, columns.shape[1]
    held = 2 * n / design.n_groups
    in_channels = n_fits * (c**3 / 3 + c**2 * (2 * m + design.n_groups / 9) + 2 * held * c * m)
    in_samples = n_fits * (held**3 / 3 + 2 * held**2 * m) + 2 * n**2 * m
    in_samples += n**3 if _in_samples(design) else c**3 / 3 + c**2 * n + n**2 * c
    return primal if in_channels < in_samples else dual


def primal(
    design: Design, columns: np.ndarray, penalties: np.ndarray, left_out: list[tuple[int, ...]]
) -> Iterator[_LeftOut]:
    """All fits, each from its own normal equations in channel space; sums run over training groups."""
    by_group = []
    for group in map(design.group, range(design.n_groups)):
        x, ones, y = design.rows[group], design.ones[group], columns[group]
        by_group.append((x.T @ x, x.T @ y, ones @ x, ones @ y, ones @ ones))
    for held in left_out:
        training = [moments for group, moments in enumerate(by_group) if group not in held]
        gram, cross, x_sum, y_sum, n = (sum(terms) for terms in zip(*training, strict=True))
        gram = gram - np.outer(x_sum, x_sum / n)
        cross = cross - np.outer(x_sum, y_sum / n)
        for index, penalty in enumerate(penalties):
            shifted = gram.copy()
            shifted.flat[:: len(gram) + 1] += penalty
            factor = cho_factor(shifted, overwrite_a=True, check_finite=False)
            weights = cho_solve(factor, cross, check_finite=False)
            offset = (y_sum - x_sum @ weights) / n
            yield (
                index,
                held,
                [
                    design.rows[design.group(g)] @ weights
                    + np.outer(design.ones[design.group(g)], offset)
                    for g in held
                ],
            )


def dual(
    design: Design, columns: np.ndarray, penalties: np.ndarray, left_out: list[tuple[int, ...]]
) -> Iterator[_LeftOut]:
    """All fits, from one residual maker for each penalty."""
    gram = design.rows @ design.rows.T if _in_samples(design) else design.rows.T @ design.rows
    for index, penalty in enumerate(penalties):
        maker = residual_maker(design, gram, penalty)
        sums = [_sums_without(design, maker, columns, g) for g in range(design.n_groups)]
        for held in left_out:
            rows = [design.group(g) for g in held]
            block = np.block([[maker[a, b] for b in rows] for a in rows])
            seen = np.concatenate(
                [sums[g][other] for g, other in zip(held, held[::-1], strict=True)]
            )
            factor = cho_factor(block, overwrite_a=True, check_finite=False)
            solved = cho_solve(factor, seen, overwrite_b=True, check_finite=False)
            ends = np.cumsum([len(sums[g][g]) for g in held])
            yield index, held, np.split(-solved, ends[:-1])


def _in_samples(design: Design) -> bool:
    """Whether the residual maker costs less in sample space than in channel space."""
    n, c = design.rows.shape
    return c > 0.55 * n  # where c^3 / 3 + c^2 n + n^2 c operations pass n^3


def residual_maker(design: Design, gram: np.ndarray, penalty: float) -> np.ndarray:
    """M = I - H (row, row): what ridge regression on all rows leaves of the responses.

    The regression has an intercept. `gram` is X'X or XX', as its size says. With K = XX' and K 1 = 0
    (the design is centred), M = a (K + a)^-1 - 11'/n; in channel space (K + a)^-1 comes from the
    Woodbury identity.
    """
    shifted = gram.copy()
    shifted.flat[:: len(gram) + 1] += penalty
    factor = np.linalg.cholesky(shifted)
    if len(gram) == len(design.rows):
        lower, info = dpotri(factor, lower=1)
        if info != 0:
            raise np.linalg.LinAlgError(f"dpotri failed with info {info}")
        lower = np.tril(lower)
        maker = lower + np.tril(lower, -1).T
        maker *= penalty
    else:
        whitened = solve_triangular(factor, design.rows.T, lower=True, check_finite=False)
        maker = -(whitened.T @ whitened)
        maker.flat[:: len(maker) + 1] += 1
    maker -= np.outer(design.ones, design.ones / (design.ones @ design.ones))
    return maker


def _sums_without(design, maker, columns, group):
    """Sums over k of M[group, k] y[k], leaving out k = group and one other: (fold, row, column).

    Entry `group` leaves out nothing else. Sums run up to the fold that is left out and on from it;
    the total minus one term would let a held-out response touch its own prediction by rounding.
    """
    rows = maker[design.group(group)]
    sums = np.zeros((design.n_groups, len(rows), columns.shape[1]))
    before, after = np.zeros(sums.shape[1:]), np.zeros(sums.shape[1:])
    terms = [rows[:, design.group(k)] @ columns[design.group(k)] for k in range(design.n_groups)]
    terms[group] = np.zeros(sums.shape[1:])
    for k, term in enumerate(terms):
        sums[k] += before
        before += term
    for k in reversed(range(design.n_groups)):
        sums[k] += after
        after += terms[k]
    return sums
