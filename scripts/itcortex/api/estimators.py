"""The workflow's regressions as estimators of scikit-learn, and its folds as a splitter."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.validation import check_is_fitted, validate_data

from itcortex.encoding.protocols import RULES
from itcortex.errors import UserError, choose
from itcortex.mappings.folds import assign_folds
from itcortex.regression import linear_maps, ridge
from itcortex.regression.design import Design


class _LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """What both have in common: checks of arrays, and predictions from `coef_` and `intercept_`."""

    def predict(self, X: Any) -> np.ndarray:
        """Responses (sample, site) or (sample,) predicted from features X (sample, channel)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        predicted = X @ np.atleast_2d(self.coef_).T + self.intercept_
        return predicted[:, 0] if self.coef_.ndim == 1 else predicted

    def _checked(self, X: Any, y: Any, fewest: int) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True,
            ensure_min_samples=fewest,
        )  # fmt: skip
        return X, np.asarray(y, np.float64)

    def _keep(self, found: linear_maps.LinearMap, flat: bool) -> None:
        self.coef_ = found.coefficients[:, 0] if flat else found.coefficients.T
        self.intercept_ = float(found.intercept[0]) if flat else found.intercept


class PLS(_LinearRegressor):
    """Partial least squares regression (PLS2), the mapping of the paper.

    Parameters
    ----------
    n_components : int
        Components, at most: the fit ends earlier at the numerical rank of the features.
    rule : str
        Inner loop: ``"exact"``, the dominant singular vector of X'Y; ``"nipals_1e-4"`` or
        ``"nipals_1e-6"``, stopped at that tolerance as scikit-learn's PLSRegression does.

    Attributes
    ----------
    coef_ : array (site, channel), or (channel,) for responses (sample,)
    intercept_ : array (site,), or a number
    n_components_ : int
        Components that the fit has.

    See Also
    --------
    sklearn.cross_decomposition.PLSRegression : with ``scale=False``, the same but for the inner loop.

    Notes
    -----
    Features and responses are centred and not scaled. The fit is that of `itcortex.regression.pls`,
    read off by what it predicts for unit vectors (`itcortex.regression.linear_maps`).

    References
    ----------
    Dayal & MacGregor (1997), J. Chemometrics 11:73-85.

    Examples
    --------
    >>> import numpy as np
    >>> from itcortex import PLS
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> PLS(n_components=4).fit(X, X @ [1.0, 2.0, 3.0, 4.0]).coef_.round(6).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """

    def __init__(self, n_components: int = 25, rule: str = "exact"):
        self.n_components = n_components
        self.rule = rule

    def fit(self, X: Any, y: Any) -> "PLS":
        """Fit to features X (sample, channel) and responses y (sample, site) or (sample,)."""
        choose(self.rule, RULES, "rule")
        X, y = self._checked(X, y, fewest=2)
        columns = y.reshape(len(y), -1)
        design = Design(X, np.ones(len(X)), np.array([0, len(X)]))
        found, self.n_components_ = linear_maps.fit_pls(
            design, columns, self.n_components, RULES[self.rule]
        )
        self._keep(found, y.ndim == 1)
        return self


class RidgePerTarget(_LinearRegressor):
    """Ridge regression with a penalty of its own for every target, chosen by cross-validation.

    A target takes the penalty with the smallest squared error over the held-out folds.

    Parameters
    ----------
    penalties : tuple of float
        In units of the mean eigenvalue of the centred features, trace(X'X) / min(samples, channels).
    folds : int or "image"
        Folds that choose the penalties, at least 3; ``"image"``: one for each group.
    seed : int
        Draws the folds.

    Attributes
    ----------
    coef_ : array (site, channel), or (channel,) for responses (sample,)
    intercept_ : array (site,), or a number
    penalties_ : array (site,)
        Penalty of every target.

    Notes
    -----
    Exact fits of `itcortex.regression.ridge`; the intercept is not penalised.

    Examples
    --------
    A target that the features hold takes a small penalty, noise a large one:

    >>> import numpy as np
    >>> from itcortex import RidgePerTarget
    >>> rng = np.random.default_rng(0)
    >>> X, noise = rng.standard_normal((60, 5)), rng.standard_normal(60)
    >>> fit = RidgePerTarget().fit(X, np.column_stack([X[:, 0], noise]))
    >>> bool(fit.penalties_[0] < 0.01 < fit.penalties_[1])
    True
    """

    def __init__(
        self,
        penalties: Sequence[float] = ridge.PENALTIES,
        folds: int | str = 5,
        seed: int = 0,
    ):
        self.penalties = penalties
        self.folds = folds
        self.seed = seed

    def fit(self, X: Any, y: Any, groups: Sequence | None = None) -> "RidgePerTarget":
        """Fit to features X (sample, channel) and responses y (sample, site) or (sample,).

        `groups` (sample,) are held out together when penalties are chosen.
        """
        X, y = self._checked(X, y, fewest=3)
        fold_of = _fold_of(len(X), groups, self.folds, self.seed)
        order = np.argsort(fold_of, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(fold_of))])
        columns = y.reshape(len(y), -1)[order]
        design = Design(X[order], np.ones(len(X)), bounds)
        found, self.penalties_ = linear_maps.fit_ridge(design, columns, tuple(self.penalties))
        self._keep(found, y.ndim == 1)
        return self


class GroupedKFold(BaseCrossValidator):
    """The workflow's folds: groups are never divided, and folds are nearly equal in samples.

    Groups are dealt to the smallest fold in an order drawn by `seed` over their sorted names, so that
    the order of samples does not matter.

    Parameters
    ----------
    folds : int or "image"
        Number of folds, at least 3; ``"image"``: one for each group.
    seed : int

    See Also
    --------
    sklearn.model_selection.GroupKFold : folds by size, without a draw.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_predict
    >>> from itcortex import PLS, GroupedKFold
    >>> X = np.random.default_rng(0).standard_normal((40, 3))
    >>> pictures = np.repeat(np.arange(20), 2)
    >>> held_out = cross_val_predict(PLS(3), X, X[:, 0], groups=pictures, cv=GroupedKFold(5))
    >>> bool(np.allclose(held_out, X[:, 0]))
    True
    """

    def __init__(self, folds: int | str = 10, seed: int = 0):
        self.folds = folds
        self.seed = seed

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Sequence | None = None) -> int:
        """Number of folds."""
        if self.folds != "image":
            return int(self.folds)
        if groups is None and X is None:
            raise UserError("GroupedKFold: folds: 'image' needs X or groups to count the folds")
        return len(X) if groups is None else len(set(np.asarray(groups).tolist()))

    def _iter_test_masks(self, X=None, y=None, groups=None) -> Iterator[np.ndarray]:
        fold_of = _fold_of(len(X), groups, self.folds, self.seed)
        for fold in range(fold_of.max() + 1):
            yield fold_of == fold


def _fold_of(n_samples: int, groups: Sequence | None, folds: int | str, seed: int) -> np.ndarray:
    """Fold of every sample (see `itcortex.mappings.folds.assign_folds`)."""
    names = range(n_samples) if groups is None else np.asarray(groups).tolist()
    if len(names) != n_samples:
        raise UserError(f"groups: {len(names)} labels for {n_samples} samples; give one each")
    names = tuple(str(name) for name in names)
    return assign_folds(names, folds, np.random.default_rng(seed))
