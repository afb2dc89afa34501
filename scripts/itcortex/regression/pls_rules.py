"""Inner rules of PLS2: which combination of sites gives the next component its weights.

Weights are w = S v / |S v|, where S = X'Y is the cross-product deflated so far and v a combination of
sites. Since |S v|^2 = v' M v with M = S'S, either rule needs only M (site x site), whatever the number
of channels and samples. A rule is a frozen dataclass with one method::

    combine(moments (problem, site, site), floor (problem, site))
        -> unit v (problem, site), v'Mv (problem,), iterations (problem,)
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dsyevr


@dataclass(frozen=True)
class Exact:
    """The dominant singular vector of S: the fixed point of the NIPALS loop, whatever the order."""

    def combine(self, moments, floor):
        """Unit eigenvector of the largest eigenvalue of each M; no iterations (0)."""
        size = moments.shape[1]
        vectors, powers = np.ones(moments.shape[:2]), moments[:, 0, 0].copy()
        for index, matrix in enumerate(moments if size > 1 else ()):
            values, vector, _, _, info = dsyevr(matrix, range="I", il=size, iu=size)
            if info != 0:
                raise np.linalg.LinAlgError(f"dsyevr failed with info {info}")
            vectors[index], powers[index] = vector[:, 0], values[0]
        return vectors, powers, np.zeros(len(moments), int)


@dataclass(frozen=True)
class Nipals:
    """The power iteration that scikit-learn's PLSRegression stops early, replayed step by step.

    It starts from the first site that is not constant and ends where ``|w_new - w_old|^2 < tol``.
    There it has not yet converged, so that its result depends on the order of the sites. Linsley et
    al. (2023) ran it with scikit-learn's tolerance of that time, 1e-4; Brain-Score's is 1e-6.

    One pass of scikit-learn's loop takes u = Y v to w = X'u / |X'u|, t = Xw and v = Y't / t't: up to a
    positive factor v becomes M v, and ``|w_new - w_old|^2 = d'Md`` for the difference d of the two v
    scaled to v'Mv = 1. The 2e-16 that scikit-learn adds to norms is left out. A site counts as constant
    where its part of S is rounding (see `itcortex.regression.pls_engines`); scikit-learn looks for
    values above 2e-16, and so may start in the rounding error of a constant site with a large mean.
    """

    tol: float = 1e-4
    max_iter: int = 500

    def combine(self, moments, floor):
        """Each problem's v where its loop stops; a problem that has stopped is not touched again."""
        n_problems, n_sites = moments.shape[:2]
        varies = np.einsum("bss->bs", moments) > floor
        vectors = np.zeros((n_problems, n_sites))
        vectors[np.arange(n_problems), varies.argmax(1)] = 1.0
        powers, iterations = np.zeros(n_problems), np.zeros(n_problems, int)
        running = np.flatnonzero(varies.any(1))
        m = moments[running]
        v, ahead = _scaled(vectors[running], m)
        for step in range(1, self.max_iter + 1):
            if step == 1:  # scikit-learn compares the first w with a vector of hundreds
                done = np.full(len(running), n_sites == 1)
            else:
                old, old_ahead = v, ahead
                v, ahead = _scaled(old_ahead, m)
                done = np.einsum("bs,bs->b", v - old, ahead - old_ahead) < self.tol
            if step == self.max_iter:
                done[:] = True
            if done.any():
                stopped, unit = running[done], 1 / np.linalg.norm(v[done], axis=1)
                vectors[stopped], powers[stopped] = v[done] * unit[:, None], unit**2
                iterations[stopped] = step
                running, v, ahead, m = (values[~done] for values in (running, v, ahead, m))
            if not len(running):
                break
        return vectors, powers, iterations


def _scaled(v: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """v scaled so that v'Mv = 1 (that is, |w| = 1), and Mv."""
    ahead = np.matmul(m, v[:, :, None])[:, :, 0]
    size = np.sqrt(np.einsum("bs,bs->b", v, ahead))[:, None]
    return v / size, ahead / size
