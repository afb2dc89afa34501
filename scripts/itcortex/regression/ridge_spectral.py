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
errors.

*Folds* (`cross_predict`): each fold's X'X is that of all rows less that of the held-out rows, and has
an eigendecomposition of its own. To share the one of all rows instead, each fold and penalty would
need a matrix of held-out rows, P (n/k)^2 p for each of k folds, and the choice of penalties within a
fold more of them: at n = 22,248, p = 8,600, P = 20, k = 5 that is 17 TFLOP, against .9 to 6 a fold.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError
from itcortex.regression.arrays import arrays_on

#: Penalties that are tried, in units of the training rows' mean eigenvalue.
PENALTIES = tuple(float(value) for value in np.logspace(-4, 6, 21))

_ROWS = 2048  # rows that are centred or rotated at a time
_SITES = 512  # sites at a time
_NULL = {
    "float32": 1e-6,
    "float64": 1e-12,
}  # eigenvalues below this share of the largest are rounding


@dataclass(frozen=True)
class SpectralRidge:
    """A fitted ridge regression; `predict` gives responses to other rows.

    Attributes
    ----------
    penalties : float64 array (site,)
        Chosen penalty, in units of the mean eigenvalue.
    errors : float64 array (penalty, site)
        Mean squared leave-one-(group-)out error on the training rows.
    at_edge : bool array (site,)
        Whether the chosen penalty is the smallest or the largest that was tried.
    predict : function of features (row, feature), returns float64 array (row, site)
    """

    penalties: np.ndarray
    errors: np.ndarray
    at_edge: np.ndarray
    predict: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Spectrum:
    """Training rows in the eigenvectors of their products: `scores` (rows) and `project` (new rows)."""

    values: object  # eigenvalues (k,)
    cross: object  # W = Z'Y (k, site)
    scores: Callable  # indices of training rows -> Z (row, k)
    project: Callable  # features (row, feature) of any rows -> Z (row, k)
    count: int  # training rows
    responses_mean: np.ndarray  # (site,)
    unit: float  # mean eigenvalue


def fit_ridge(
    features: np.ndarray,
    responses: np.ndarray,
    penalties: tuple[float, ...] = PENALTIES,
    groups: np.ndarray | None = None,
    inner_rows: int = 4096,
    seed: int = 0,
    dtype: str = "float64",
    device: str = "cpu",
) -> SpectralRidge:
    """Ridge regression with a penalty for every site, chosen by leave-one-out on the training rows.

    Parameters
    ----------
    features : array (row, feature)
    responses : array (row, site)
        Finite.
    penalties : tuple of float
        Positive, in units of the mean eigenvalue, in ascending order.
    groups : int array (row,), optional
        Rows of one group (a picture under two names, a scene) are left out together.
    inner_rows : int
        Errors of at most about so many rows are summed, drawn by `seed` in whole groups.
    dtype : 'float64' or 'float32'
        Of products and eigenvectors. In float32 the eigenvalues are good to about 1e-7 of the largest.
    device : 'cpu' or a torch device

    Raises `UserError` for penalties that are not positive, finite and ascending, for values that are not
    finite, and for fewer than three groups.
    """
    _check(features, responses, penalties)
    rows = np.arange(len(features))
    arrays = arrays_on(device, dtype)
    spectrum = _decompose(features, responses, rows, None, arrays)
    return _choose(spectrum, responses, penalties, groups, inner_rows, seed, arrays)


def cross_predict(
    features: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    penalties: tuple[float, ...] = PENALTIES,
    groups: np.ndarray | None = None,
    inner_rows: int = 4096,
    seed: int = 0,
    dtype: str = "float64",
    device: str = "cpu",
) -> tuple[np.ndarray, list[SpectralRidge]]:
    """Predict every fold from the others by `fit_ridge`: predictions (row, site), and the folds' fits.

    `fold_of` (row,) numbers the folds from 0; rows of a negative number train every fit and are
    predicted by none (NaN). What the folds share is computed once: see the module.
    """
    _check(features, responses, penalties)
    arrays = arrays_on(device, dtype)
    whole = _whole_products(features, arrays)
    predictions = np.full(responses.shape, np.nan)
    fits = []
    for fold in range(int(fold_of.max()) + 1):
        held = np.flatnonzero(fold_of == fold)
        rows = np.flatnonzero(fold_of != fold)
        spectrum = _decompose(features, responses, rows, whole, arrays)
        within = None if groups is None else groups[rows]
        fits.append(
            _choose(spectrum, responses[rows], penalties, within, inner_rows, seed + fold, arrays)
        )
        predictions[held] = fits[-1].predict(features[held])
    return predictions, fits


def _check(features: np.ndarray, responses: np.ndarray, penalties: tuple[float, ...]) -> None:
    wrong = [p for p in penalties if not (np.isfinite(p) and p > 0)]
    if wrong or not len(penalties) or np.any(np.diff(penalties) <= 0):
        raise UserError(
            f"ridge: penalties: {wrong or list(penalties) or 'none'}; give positive numbers, "
            "in ascending order"
        )
    for name, values in (("features", features), ("responses", responses)):
        for start in range(0, len(values), _ROWS):
            if not np.isfinite(values[start : start + _ROWS]).all():
                raise UserError(
                    f"ridge: {name}: a value is not finite; leave out such rows or sites"
                )


# --- products and eigenvectors --------------------------------------------------------------------


@dataclass(frozen=True)
class _Products:
    """Products of all rows around their common mean: X'X (feature, feature) or XX' (row, row)."""

    centre: np.ndarray  # (feature,)
    gram: object
    of_rows: bool


def _whole_products(features: np.ndarray, arrays) -> _Products:
    """What several folds share."""
    centre = features.mean(0, dtype=np.float64)
    of_rows = features.shape[1] > len(features)
    rows = np.arange(len(features))
    product = _rows_product if of_rows else _features_product
    return _Products(centre, product(features, rows, centre, arrays), of_rows)


def _blocks(rows: np.ndarray, size: int = _ROWS):
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _centred(features: np.ndarray, rows: np.ndarray, centre: np.ndarray, arrays):
    return arrays.put(features[rows] - centre)


def _features_product(features, rows, centre, arrays):
    """X'X (feature, feature) of some rows around `centre`."""
    total = arrays.zeros(features.shape[1], features.shape[1])
    for block in _blocks(rows):
        part = _centred(features, block, centre, arrays)
        total += part.T @ part
    return total


def _rows_product(features, rows, centre, arrays):
    """XX' (row, row) of some rows around `centre`."""
    centred = _centred(features, rows, centre, arrays)
    return centred @ centred.T


def _decompose(
    features: np.ndarray,
    responses: np.ndarray,
    rows: np.ndarray,
    whole: _Products | None,
    arrays,
) -> _Spectrum:
    """Spectrum of the training rows `rows`, from the products of all rows where those are at hand."""
    mean = features[rows].mean(0, dtype=np.float64) if whole or len(rows) < len(features) else None
    mean = features.mean(0, dtype=np.float64) if mean is None else mean
    y_mean = responses[rows].mean(0, dtype=np.float64)
    centred_responses = arrays.put(responses[rows] - y_mean)
    in_rows = features.shape[1] > len(features)
    make = _row_spectrum if in_rows else _feature_spectrum
    values, cross, scores, project = make(features, rows, mean, centred_responses, whole, arrays)
    unit = float(values.sum()) / min(len(rows), features.shape[1])
    return _Spectrum(values, cross, scores, project, len(rows), y_mean, unit or 1.0)


def _feature_spectrum(features, rows, mean, responses, whole, arrays):
    """Eigenvectors of X'X: with fewer features than rows."""
    if whole is None:
        gram = _features_product(features, rows, mean, arrays)
    else:
        held = np.setdiff1d(np.arange(len(features)), rows, assume_unique=True)
        gram = whole.gram - _features_product(features, held, whole.centre, arrays)
        shift = arrays.put(mean - whole.centre)
        gram -= len(rows) * shift[:, None] * shift[None]
    products = arrays.zeros(features.shape[1], responses.shape[1])
    place = 0
    for block in _blocks(rows):
        part = _centred(features, block, mean, arrays)
        products += part.T @ responses[place : place + len(block)]
        place += len(block)
    values, vectors = arrays.eigh(gram)

    def project(some: np.ndarray):
        return arrays.put(some - mean) @ vectors

    return values, vectors.T @ products, lambda which: project(features[rows[which]]), project


def _row_spectrum(features, rows, mean, responses, whole, arrays):
    """Eigenvectors of XX': with more features than rows."""
    if whole is None:
        gram = _rows_product(features, rows, mean, arrays)
    else:
        gram = whole.gram[rows][:, rows]
        by_row = gram.mean(0)
        gram = gram - by_row[:, None] - by_row[None] + by_row.mean()
    values, vectors = arrays.eigh(gram)
    kept = arrays.get(values) > _NULL[arrays.dtype] * max(float(values[-1]), 0)
    values, vectors = values[kept], vectors[:, kept]
    lengths = values**0.5

    def project(some: np.ndarray):
        products = arrays.zeros(len(some), len(rows))
        centred = arrays.put(some - mean)
        for start in range(0, len(rows), _ROWS):
            block = rows[start : start + _ROWS]
            products[:, start : start + len(block)] = (
                centred @ _centred(features, block, mean, arrays).T
            )
        return products @ (vectors / lengths)

    cross = lengths[:, None] * (vectors.T @ responses)
    return values, cross, lambda which: vectors[which] * lengths, project


# --- choice of the penalty ------------------------------------------------------------------------


def _choose(spectrum, responses, penalties, groups, inner_rows, seed, arrays) -> SpectralRidge:
    """Every site's penalty by left-out errors, and the prediction with it."""
    if not len(spectrum.values):
        raise UserError("ridge: all rows of the features are the same: nothing can be predicted")
    groups = (
        np.arange(spectrum.count) if groups is None else np.unique(groups, return_inverse=True)[1]
    )
    if groups.max() < 2:
        raise UserError(
            f"ridge: {groups.max() + 1} groups of training rows; at least three are needed to choose a "
            "penalty"
        )
    left_out = _draw(groups, inner_rows, seed)
    absolute = [penalty * spectrum.unit for penalty in penalties]
    errors = _left_out_errors(spectrum, responses, left_out, absolute, arrays)
    best = errors.argmin(0)
    at_edge = (best == 0) | (best == len(penalties) - 1)
    shifts = arrays.put(np.array(absolute)[best])

    def predict(some: np.ndarray) -> np.ndarray:
        predicted = np.empty((len(some), len(best)))
        weights = spectrum.cross / (spectrum.values[:, None] + shifts[None])
        for start in range(0, len(some), _ROWS):
            part = spectrum.project(some[start : start + _ROWS])
            predicted[start : start + _ROWS] = arrays.get(part @ weights)
        return predicted + spectrum.responses_mean

    return SpectralRidge(np.array(penalties)[best], errors, at_edge, predict)


def _draw(groups: np.ndarray, inner_rows: int, seed: int) -> list[np.ndarray]:
    """Rows of each group whose errors count: all, or random groups with about `inner_rows` rows."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(groups))[:-1])
    if len(groups) <= inner_rows:
        return members
    drawn = np.random.default_rng(seed).permutation(len(members))
    until = np.searchsorted(np.cumsum([len(members[k]) for k in drawn]), inner_rows) + 1
    return [members[k] for k in sorted(drawn[:until])]


def _left_out_errors(spectrum, responses, left_out, absolute, arrays) -> np.ndarray:
    """Mean squared errors (penalty, site) of groups that the fit has not seen."""
    by_size: dict[int, list[np.ndarray]] = {}
    for rows in left_out:
        by_size.setdefault(len(rows), []).append(rows)
    total = np.zeros((len(absolute), responses.shape[1]))
    for size, members in by_size.items():
        step = max(1, _ROWS // size)
        for start in range(0, len(members), step):
            rows = np.stack(members[start : start + step])  # (group, size)
            total += _errors_of(spectrum, responses, rows, absolute, arrays)
    return total / sum(map(len, left_out))


def _errors_of(spectrum, responses, rows, absolute, arrays) -> np.ndarray:
    """Summed squared left-out errors (penalty, site) of groups of one size, rows (group, row)."""
    count, size = rows.shape
    flat = rows.ravel()
    scores = spectrum.scores(flat)
    observed = arrays.put(responses[flat] - spectrum.responses_mean)
    summed = np.zeros((len(absolute), responses.shape[1]))
    squares = scores**2 if size == 1 else None
    for index, penalty in enumerate(absolute):
        shrunk = 1 / (spectrum.values + penalty)
        if size == 1:
            left = 1 - 1 / spectrum.count - squares @ shrunk
            inverse = None
        else:
            blocks = scores.reshape(count, size, -1)
            inside = (blocks * shrunk) @ arrays.swap(blocks)
            inverse = arrays.inverse(arrays.eye(size)[None] - 1 / spectrum.count - inside)
        for start in range(0, responses.shape[1], _SITES):
            sites = slice(start, start + _SITES)
            rest = observed[:, sites] - scores @ (shrunk[:, None] * spectrum.cross[:, sites])
            if inverse is None:
                rest = rest / left[:, None]
            else:
                rest = inverse @ rest.reshape(count, size, -1)
                rest = rest.reshape(count * size, -1)
            summed[index, sites] = arrays.get((rest**2).sum(0))
    return summed
