"""Ridge regression of many sites on many features: one eigendecomposition for all sites and penalties.

For training rows X (n, p) and Y (n, m), centred by their own means, with X'X = V L V' (or, where
p > n, XX' = U L U'), Z = X V and W = Z'Y, the fit with penalty a predicts a new row x as

    y(a) = mean(Y) + (x - mean(X)) V (L + a)^-1 W ,

and leaves out training group g, exactly and without another fit, with the errors (block form of
leave-one-out, e.g. Hastie et al. 2009, section 7.10)

    e_g(a) = (I - 1/n - Z_g (L + a)^-1 Z_g')^-1 (Y_g - mean(Y) - Z_g (L + a)^-1 W) .

Every site takes the penalty with the smallest squared error over left-out groups of training rows.
The unit of penalties is the mean eigenvalue of the training rows, trace(X'X) / min(n, p).

*Cost*, with P penalties: X'X n p^2, its eigenvectors 4/3 to 9 p^3 (as the machine's library does
them), X'Y 2 n p m; then the errors of q left-out rows, 2 q p^2 to rotate them and 2 q p m P. With all
n rows the last term is P times that of X'Y and would be most of the time, so that no more than
`inner_rows` are drawn, in whole groups: the penalty is then chosen on a sample of exact left-out
errors. Further sets of responses (shuffled ones) cost X'Y and their errors.

*Folds*: each fold's X'X is that of all rows less that of the held-out rows (of which that of all rows
is the sum, so that no product is taken twice), and has an eigendecomposition of its own. To share the
one of all rows instead, each fold and penalty would need the smoother between held-out rows,
P (n/k)^2 p for each of k folds, and the choice of penalties within a fold that between them and the q
left-out rows, 2 P q (n/k) p: at n = 22,248, p = 8,600, P = 20, k = 5 and q = 4,096 that is 17 and 31
TFLOP for all folds, against .9 to 6 a fold.

*Precision*: in float32 eigenvalues are good to about 1e-7 of the largest, so that penalties below 1e-6
of it are not told apart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError
from itcortex.numerics.metrics import varies
from itcortex.regression.arrays import arrays_on
from itcortex.regression.linear_maps import LinearMap
from itcortex.regression.ridge_left_out import LeftOut
from itcortex.regression.ridge_spectrum import Products, Spectrum, blocks_of

#: Penalties that are tried, in units of the training rows' mean eigenvalue.
PENALTIES = tuple(float(value) for value in np.logspace(-4, 6, 21))
#: Training rows whose left-out errors choose the penalty, at most.
INNER_ROWS = 4096


@dataclass(frozen=True)
class Choice:
    """What the left-out errors of the training rows say of every site.

    Attributes
    ----------
    penalties : float64 array (site,)
        Chosen penalty, in units of the mean eigenvalue.
    errors : float64 array (penalty, site)
        Mean squared leave-one-(group-)out error on the training rows.
    explained : float64 array (site,)
        Share of the variance of left-out rows that the chosen penalty explains beyond the mean of the
        other rows, 1 - error / error of that mean; NaN for a site that does not vary.
    at_edge : bool array (site,)
        Whether the chosen penalty is the smallest or the largest that was tried.
    """

    penalties: np.ndarray
    errors: np.ndarray
    explained: np.ndarray
    at_edge: np.ndarray


@dataclass(frozen=True)
class SpectralRidge(Choice):
    """A ridge regression on all rows; `predict` gives responses (row, site) to rows (row, feature).

    `linear_map` gives its coefficients and intercept.
    """

    predict: Callable[[np.ndarray], np.ndarray]
    linear_map: Callable[[], LinearMap]


@dataclass(frozen=True)
class Share:
    """Rows that train a fit, and others that it predicts, as indices."""

    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class HeldOutFit:
    """One share and target (index): its choice, and `predictions` (test row, site) in float64."""

    share: int
    target: int
    choice: Choice
    predictions: np.ndarray


class HeldOutFits:
    """Ridge regression of several sets of responses on one set of features, for several shares.

    Parameters
    ----------
    features : array (row, feature)
    penalties : tuple of float
        Positive, in units of the mean eigenvalue, in ascending order.
    groups : int array (row,), optional
        Rows of one group (a picture under two names, the positions of an image) are left out together.
    inner_rows : int
        Errors of at most about so many rows are summed, drawn by `seed` in whole groups.
    dtype : 'float64' or 'float32'
        Of products and eigenvectors.
    device : 'cpu' or a torch device
    shares : those that `fit` will be called with, if they are known
        Products of held-out rows are then not taken twice (`Products`).
    components : int, optional
        Principal components of each share's training rows that are the features, at most; those of
        left-out training rows are the same, as in a pipeline of PCA and `RidgeCV`.

    Raises `UserError` for penalties that are not positive, finite and ascending, and for features that
    are not finite.
    """

    def __init__(
        self,
        features: np.ndarray,
        penalties: Sequence[float] = PENALTIES,
        *,
        groups: np.ndarray | None = None,
        inner_rows: int = INNER_ROWS,
        seed: int = 0,
        dtype: str = "float64",
        device: str = "cpu",
        shares: Sequence[Share] = (),
        components: int | None = None,
    ):
        _check_penalties(penalties)
        _check_finite("features", features)
        # numpy's own float64 would make float32 arrays float64, at twice the time
        self.features, self.penalties = features, tuple(map(float, penalties))
        self.groups = np.arange(len(features)) if groups is None else groups
        self.inner_rows, self.seed = inner_rows, seed
        self.arrays = arrays_on(device, dtype)
        rows = np.arange(len(features))
        held_out = [np.setdiff1d(rows, share.train, assume_unique=True) for share in shares]
        self.products = Products(features, self.arrays, held_out, components)

    @property
    def dimensionality(self) -> float:
        """Effective dimensionality of the features over all rows (`Products.dimensionality`)."""
        return self.products.dimensionality

    def fit(self, targets: Sequence[np.ndarray], shares: Sequence[Share]) -> Iterator[HeldOutFit]:
        """A fit for every share and target, shares outermost; targets are arrays (row, site).

        Raises `UserError` for responses that are not finite, and for fewer than three groups of
        training rows.
        """
        for index, share in enumerate(shares):
            spectrum = self.products.spectrum(share.train)
            left_out = self._left_out(spectrum, self.seed + index)
            # few sites are rotated back rather than many test rows forth
            few = sum(responses.shape[1] for responses in targets) < len(share.test)
            tested = None if few else spectrum.others(share.test)
            for number, responses in enumerate(targets):
                choice, coefficients, mean = self._choose(spectrum, left_out, responses)
                products = (
                    spectrum.fitted(share.test, coefficients) if few else tested @ coefficients
                )
                yield HeldOutFit(index, number, choice, self.arrays.get(products) + mean)
            del spectrum, left_out, tested, coefficients  # before there are those of the next

    def fit_all(self, responses: np.ndarray) -> SpectralRidge:
        """The fit to all rows; raises as `fit`."""
        spectrum = self.products.spectrum(np.arange(len(self.features)))
        left_out = self._left_out(spectrum, self.seed)
        choice, coefficients, mean = self._choose(spectrum, left_out, responses)

        def predict(others: np.ndarray) -> np.ndarray:
            predicted = np.empty((len(others), len(mean)))
            for rows in blocks_of(np.arange(len(others)), others.shape[1]):
                predicted[rows] = self.arrays.get(spectrum.project(others[rows]) @ coefficients)
            return predicted + mean

        def linear_map() -> LinearMap:
            weights = spectrum.weights(coefficients)
            return LinearMap(weights, mean - spectrum.mean @ weights)

        return SpectralRidge(**vars(choice), predict=predict, linear_map=linear_map)

    def _left_out(self, spectrum: Spectrum, seed: int) -> LeftOut:
        groups = np.unique(self.groups[spectrum.rows], return_inverse=True)[1]
        if groups.max() < 2:
            raise UserError(
                f"ridge: {groups.max() + 1} groups of training rows; at least three are needed to "
                "choose a penalty"
            )
        absolute = [penalty * spectrum.unit for penalty in self.penalties]
        return LeftOut.drawn(spectrum, groups, self.inner_rows, seed, absolute, self.arrays)

    def _choose(self, spectrum: Spectrum, left_out: LeftOut, responses: np.ndarray):
        """Every site's penalty by left-out errors; its coefficients of Z, and the training mean."""
        _check_finite("responses", responses)
        trained = responses[spectrum.rows]
        mean = trained.mean(0, dtype=np.float64)
        centred = self.arrays.put(trained - mean)
        cross = spectrum.cross(centred)
        errors, of_mean = left_out.errors(centred, cross)
        best = errors.argmin(0)
        least = np.take_along_axis(errors, best[None], 0)[0]
        choice = Choice(
            np.array(self.penalties)[best],
            errors,
            1 - np.divide(least, of_mean, out=np.full(len(best), np.nan), where=varies(trained)),
            (best == 0) | (best == len(self.penalties) - 1),
        )
        shifts = self.arrays.put(np.array(left_out.absolute)[best])
        return choice, cross / (spectrum.values[:, None] + shifts[None]), mean


def fit_ridge(
    features: np.ndarray,
    responses: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
    groups: np.ndarray | None = None,
    **more,
) -> SpectralRidge:
    """Ridge regression with a penalty for every site, chosen by leave-one-out on all rows.

    Parameters as of `HeldOutFits`, which takes `more`. Also raises `UserError` for features that do not
    vary.
    """
    fits = HeldOutFits(features, penalties, groups=groups, **more)
    if not fits.dimensionality > 0:
        raise UserError("ridge: all rows of the features are the same: nothing can be predicted")
    return fits.fit_all(responses)


def cross_predict(
    features: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
    **more,
) -> tuple[np.ndarray, list[Choice]]:
    """Predict every fold from the others: predictions (row, site), and the choice of every fold.

    `fold_of` (row,) numbers the folds from 0; rows of a negative number train every fit and are
    predicted by none (NaN).
    """
    shares = [
        Share(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
        for fold in range(int(fold_of.max()) + 1)
    ]
    predictions = np.full(responses.shape, np.nan)
    choices = []
    fits = HeldOutFits(features, penalties, shares=shares, **more)
    for found in fits.fit([responses], shares):
        predictions[shares[found.share].test] = found.predictions
        choices.append(found.choice)
    return predictions, choices


def _check_penalties(penalties: Sequence[float]) -> None:
    wrong = [p for p in penalties if not (np.isfinite(p) and p > 0)]
    if wrong or not len(penalties) or np.any(np.diff(penalties) <= 0):
        raise UserError(
            f"ridge: penalties: {wrong or list(penalties) or 'none'}; give positive numbers, "
            "in ascending order"
        )


def _check_finite(name: str, values: np.ndarray) -> None:
    for rows in blocks_of(np.arange(len(values)), values.shape[1]):
        if not np.isfinite(values[rows]).all():
            raise UserError(f"ridge: {name}: a value is not finite; leave out such rows or sites")
