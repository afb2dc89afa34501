"""Products and states behind `itcortex.regression.pls`: PLS in channel space and in sample space.

An *engine* holds what all problems share (the design, X'X or XX'); its *state* holds a chunk of
problems between two components. States offer the same four steps: `moments`, `advance`, `deflate`,
`held_out_scores`.
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg.blas import dger

#: Fewer sites than these have their moments taken anew for every component.
_FEW_SITES = 16
#: Share of its power to which a site sinks before its problem's moments are taken anew; they are good
#: to about 1e-12 of themselves then.
_SUNK = 1e-4


def rounding(engine, responses, problems):
    """Size (squared) to which a site's X'y of nothing but rounding errors may come (problem, site)."""
    size = np.empty((len(problems), responses.shape[2]))
    for index, problem in enumerate(problems):
        rows = [engine.design.group(g) for g in training_groups(engine.design, problem)]
        size[index] = sum((responses[problem.target, r] ** 2).sum(0) for r in rows)
    return size * engine.power * 1e-28


def training_groups(design, problem):
    """Groups that a problem may see."""
    return [g for g in range(design.n_groups) if g not in problem.held_out]


def response_means(design, responses, problems):
    """Number of training samples (problem,) and mean responses over them (problem, site).

    Sums run over training groups only (never total minus held out), so that a held-out response
    cannot touch its own prediction, not even in the last bit.
    """
    groups = [design.group(g) for g in range(design.n_groups)]
    counts = np.array([design.ones[rows] @ design.ones[rows] for rows in groups])
    sums = {
        target: np.array([design.ones[rows] @ responses[target, rows] for rows in groups])
        for target in {problem.target for problem in problems}
    }
    training = [training_groups(design, problem) for problem in problems]
    n = np.array([counts[seen].sum() for seen in training])
    means = [sums[p.target][seen].sum(0) for p, seen in zip(problems, training, strict=True)]
    return n, np.array(means) / n[:, None]


def feature_means(design, problems, n):
    """Mean features (problem, channel) over each problem's n training samples."""
    groups = [design.group(g) for g in range(design.n_groups)]
    sums = np.array([design.ones[rows] @ design.rows[rows] for rows in groups])
    training = [training_groups(design, problem) for problem in problems]
    return np.array([sums[seen].sum(0) for seen in training]) / n[:, None]


class Direct:
    """Products with X itself: t = X r on all rows, p = X't on training rows."""

    noise = (
        1e-22  # of a score's t't: squares of numbers good to about 1e-16 of the first, and a margin
    )

    def __init__(self, design):
        self.design = design
        self.power = np.vdot(design.rows, design.rows)

    def bytes_per_problem(self, n_sites: int, n_components: int) -> int:
        """Memory of one problem's cross-product, loadings and weights."""
        return 8 * self.design.rows.shape[1] * (n_sites + 2 * n_components)

    def start(self, responses, problems):
        """State of a chunk of problems before the first component."""
        return _Primal(self, responses, problems)

    def project(self, weights, state):
        """Scores of the held-out rows, X_c't (problem, channel) and t't (problem,)."""
        t = self.design.rows @ weights.T
        t -= np.outer(self.design.ones, np.einsum("bc,bc->b", state.x_means, weights))
        held = []
        for index, problem in enumerate(state.problems):
            held.append(np.concatenate([t[self.design.group(g), index] for g in problem.held_out]))
            for g in problem.held_out:
                t[self.design.group(g), index] = 0
        products = t.T @ self.design.rows
        products -= (self.design.ones @ t)[:, None] * state.x_means
        return held, products, np.einsum("nb,nb->b", t, t)


class Gram(Direct):
    """Products with X'X of all rows; the held-out rows' part is taken off."""

    noise = 1e-13  # t't comes out of a difference of numbers of the size of |X|^2

    def __init__(self, design):
        super().__init__(design)
        self.gram = design.rows.T @ design.rows

    def project(self, weights, state):
        """As `Direct.project`, with products that cost channel x channel instead of rows."""
        offsets = np.einsum("bc,bc->b", state.x_means, weights)
        products = weights @ self.gram
        products -= (state.n * offsets)[:, None] * state.x_means
        scores = {}
        for g in range(self.design.n_groups):  # problems without the same group share its product
            out = [i for i, problem in enumerate(state.problems) if g in problem.held_out]
            rows = self.design.rows[self.design.group(g)]
            raw = weights[out] @ rows.T
            products[out] -= raw @ rows
            raw -= np.outer(offsets[out], self.design.ones[self.design.group(g)])
            scores |= {(i, g): values for i, values in zip(out, raw, strict=True)}
        held = [
            np.concatenate([scores[i, g] for g in problem.held_out])
            for i, problem in enumerate(state.problems)
        ]
        return held, products, np.einsum("bc,bc->b", products, weights)


class _Moments:
    """S'S of every problem (problem, site, site), followed from component to component.

    Taking the component out of S, S - p q', makes S'S - v q' - q v' + (p'p) q q' with v = S'p, which
    costs about a site-th of S'S. What is left of it keeps the rounding of what it was: once some site
    has sunk to `_SUNK` of its power, that problem's S'S is taken from S itself.
    """

    def __init__(self, n_problems: int, n_sites: int):
        self.values = np.zeros((n_problems, n_sites, n_sites))
        self.first = np.full((n_problems, n_sites), np.inf)  # none has been taken

    def now(self, take: Callable[[int], np.ndarray]) -> np.ndarray:
        """S'S as it is; `take` gives that of a problem (index) from S."""
        power = np.einsum("bss->bs", self.values)
        sunk = (power < _SUNK * self.first).any(1) | (power.shape[1] < _FEW_SITES)
        for index in np.flatnonzero(sunk):
            self.values[index] = take(index)
            self.first[index] = power[index]
        return self.values

    def deflate(self, ahead: np.ndarray, length: np.ndarray, q: np.ndarray) -> None:
        """Follow S - p q', by v = S'p (problem, site), p'p (problem,) and q (problem, site)."""
        half = ahead - length[:, None] / 2 * q
        self.values -= half[:, :, None] * q[:, None]
        self.values -= q[:, :, None] * half[:, None]


class _Primal:
    """Problems in channel space: S = X_c'Y (problem, site, channel) and what came before."""

    def __init__(self, engine, responses, problems):
        self.engine, self.problems = engine, problems
        design = engine.design
        self.n, self.means = response_means(design, responses, problems)
        self.x_means = feature_means(design, problems, self.n)
        shape = (len(problems), responses.shape[2], design.rows.shape[1])
        self.cross = np.empty(shape)
        target, parts = None, None
        for index, problem in enumerate(problems):
            if problem.target != target:
                target = problem.target
                slices = [design.group(g) for g in range(design.n_groups)]
                parts = [responses[target, rows].T @ design.rows[rows] for rows in slices]
            first, *others = training_groups(design, problem)
            self.cross[index] = parts[first]
            for g in others:
                self.cross[index] += parts[g]
            self.cross[index] -= np.outer(self.n[index] * self.means[index], self.x_means[index])
        self.loadings, self.weights = [], []
        self.squares = _Moments(*shape[:2])

    def moments(self):
        """S'S (problem, site, site): its dominant eigenvector gives the next weights."""
        return self.squares.now(lambda index: self.cross[index] @ self.cross[index].T)

    def advance(self, vectors, powers):
        """Weights r of the next component; returns (X_c't, t't)."""
        scale = np.where(powers > 0, np.sqrt(np.abs(powers)), 1.0)
        w = np.matmul((vectors / scale[:, None])[:, None, :], self.cross)[:, 0]
        r = w.copy()
        for p, previous in zip(self.loadings, self.weights, strict=True):
            r -= np.einsum("bc,bc->b", p, w)[:, None] * previous
        self.held, products, variance = self.engine.project(r, self)
        self.weights.append(r)
        return products, variance

    def deflate(self, products, variance):
        """Take the component out of S; returns the responses' loadings q (problem, site)."""
        q = np.matmul(self.cross, self.weights[-1][:, :, None])[:, :, 0] / variance[:, None]
        p = products / variance[:, None]
        ahead = np.matmul(self.cross, products[:, :, None])[:, :, 0]
        self.squares.deflate(ahead, np.einsum("bc,bc->b", products, products), q)
        for index in range(len(self.problems)):
            dger(-1.0, products[index], q[index], a=self.cross[index].T, overwrite_a=1)
        self.loadings.append(p)
        return q

    def held_out_scores(self):
        """Scores of the held-out rows of every problem for the latest component."""
        return self.held


class Dual:
    """Everything in sample space, with K = XX': for rows far fewer than channels."""

    noise = 1e-13

    def __init__(self, design):
        self.design = design
        self.kernel = design.rows @ design.rows.T
        self.power = np.trace(self.kernel)

    def bytes_per_problem(self, n_sites: int, n_components: int) -> int:
        """Memory of one problem's residual responses, their image under K, and scores."""
        return 8 * len(self.kernel) * (2 * n_sites + 2 * n_components)

    def start(self, responses, problems):
        """State of a chunk of problems before the first component."""
        return _Sample(self, responses, problems)


class _Parts:
    """KY of one target's responses Y (row, site) by group, around each group's own mean.

    So a problem's KY is a sum over its training groups, which problems share, and responses far from 0
    lose no digits.
    """

    def __init__(self, design, kernel, responses):
        groups = [design.group(g) for g in range(design.n_groups)]
        ones = [design.ones[rows] for rows in groups]
        self.means = np.array(
            [a @ responses[rows] / (a @ a) for rows, a in zip(groups, ones, strict=True)]
        )
        self.ones = np.array([a @ kernel[rows] for rows, a in zip(groups, ones, strict=True)])
        self.products = [
            (responses[rows] - np.outer(a, mean)).T @ kernel[rows]
            for rows, a, mean in zip(groups, ones, self.means, strict=True)
        ]

    def add(self, image, training: list[int], mean) -> None:
        """Add KY (site, row) of the training groups, around their `mean` (site,)."""
        for group in training:
            image += self.products[group]
        image += (self.means[training] - mean).T @ self.ones[training]


class _Sample:
    """Problems in sample space: residual responses Y (problem, site, row) and KY."""

    def __init__(self, engine, responses, problems):
        self.engine, self.problems = engine, problems
        design = engine.design
        self.n, self.means = response_means(design, responses, problems)
        self.train = np.zeros((len(problems), len(design.rows)), bool)
        self.residual = np.zeros((len(problems), responses.shape[2], len(design.rows)))
        self.image = np.zeros_like(self.residual)
        target, parts = None, None
        for index, problem in enumerate(problems):
            if problem.target != target:
                target = problem.target
                parts = _Parts(design, engine.kernel, responses[target])
            training = training_groups(design, problem)
            for g in training:
                rows = design.group(g)
                self.train[index, rows] = True
                centred = responses[target, rows].T
                self.residual[index, :, rows] = centred - np.outer(
                    self.means[index], design.ones[rows]
                )
            parts.add(self.image[index], training, self.means[index])
        self.raw, self.scores, self.variances = [], [], []
        self.squares = _Moments(*self.residual.shape[:2])

    def moments(self):
        """Y'KY (problem, site, site), equal to S'S of the primal form."""
        return self.squares.now(self._taken)

    def _taken(self, index):
        moments = self.residual[index] @ self.image[index].T
        return (moments + moments.T) / 2

    def advance(self, vectors, powers):
        """Scores of the next component on all rows; returns (t on training rows, t't)."""
        scale = np.where(powers > 0, np.sqrt(np.abs(powers)), 1.0)
        ahead = np.matmul((vectors / scale[:, None])[:, None, :], self.image)[:, 0]
        raw = ahead.copy()
        for t, previous, variance in zip(self.scores, self.raw, self.variances, strict=True):
            raw -= (np.einsum("bn,bn->b", t, ahead) / variance)[:, None] * previous
        ones = self.engine.design.ones
        offsets = np.where(self.train, raw, 0) @ ones / self.n
        self.centred = raw - offsets[:, None] * ones
        t = np.where(self.train, self.centred, 0)
        self.raw.append(raw)
        return t, np.einsum("bn,bn->b", t, t)

    def deflate(self, t, variance):
        """Take the component out of Y; returns the responses' loadings q (problem, site)."""
        q = np.matmul(self.residual, t[:, :, None])[:, :, 0] / variance[:, None]
        ahead = t @ self.engine.kernel
        products = np.matmul(self.image, t[:, :, None])[:, :, 0]
        self.squares.deflate(products, np.einsum("bn,bn->b", ahead, t), q)
        for index in range(len(self.problems)):
            dger(-1.0, t[index], q[index], a=self.residual[index].T, overwrite_a=1)
            dger(-1.0, ahead[index], q[index], a=self.image[index].T, overwrite_a=1)
        self.scores.append(t)
        self.variances.append(variance)
        return q

    def held_out_scores(self):
        """Scores of the held-out rows of every problem for the latest component."""
        design = self.engine.design
        return [
            np.concatenate([self.centred[index, design.group(g)] for g in problem.held_out])
            for index, problem in enumerate(self.problems)
        ]
