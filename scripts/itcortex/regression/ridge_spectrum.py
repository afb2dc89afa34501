"""Products of features and their eigenvectors, for ridge regression on several training sets.

X'X (feature, feature) or, with more features than rows, XX' (row, row) of all rows is computed once.
That of some training rows is it less the held-out rows' part, or its rows and columns, around their
own mean. Where the parts of all folds fit in memory, X'X is their sum, so that none is taken twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK = 128 * 2**20  # bytes of features, in float64, that are centred at a time
_SOME_ROWS = 256
#: Bytes of the products of held-out rows that are kept, at most.
KEPT_BYTES = 3e9
#: Eigenvalues below this share of the largest are rounding.
_ROUNDING = {"float32": 1e-6, "float64": 1e-12}


@dataclass(frozen=True)
class Spectrum:
    """Training rows in the eigenvectors of their products: X = Z V', X'X = V L V'.

    Attributes
    ----------
    values : (k,) eigenvalues L, on the device
    cross : function of centred responses (training row, site) on the device, gives Z'Y (k, site)
    scores : function of indices among the training rows, gives their Z (row, k)
    others : function of indices of any rows of the features, gives their Z
    fitted : function of such indices and coefficients of Z (k, site), gives Z times these, without Z
    project : function of other features (row, feature), gives their Z
    weights : function of coefficients of Z (k, site), gives those of features, float64 (feature, site)
    mean : float64 array (feature,), mean of the training rows
    rows : int array, the training rows
    unit : mean eigenvalue, trace(X'X) / min(rows, features)
    """

    values: object
    cross: Callable
    scores: Callable
    others: Callable
    fitted: Callable
    project: Callable
    weights: Callable
    mean: np.ndarray
    rows: np.ndarray
    unit: float


class Products:
    """X'X or XX' of all rows of some features, around their common mean.

    Parameters
    ----------
    features : array (row, feature) of any float type
    arrays : where and how precisely products are taken (`itcortex.regression.arrays`)
    held_out : sets of rows (indices, ascending) that training sets will lack
        Where they do not overlap and are few enough, their products are kept for `spectrum`.
    components : int, optional
        So many leading eigenvectors of the training rows are kept, at most: their principal components.
    """

    def __init__(
        self,
        features: np.ndarray,
        arrays,
        held_out: Sequence[np.ndarray] = (),
        components: int | None = None,
    ):
        self.features, self.arrays, self.components = features, arrays, components
        self._kept: dict[bytes, object] = {}  # products of held-out rows
        self.in_rows = features.shape[1] > features.shape[0]
        self.centre = sum_of(features, np.arange(len(features))) / len(features)
        if self.in_rows:
            self.gram = self._between(features, features, self.centre)
        else:
            self.gram = self._squares_in_parts(held_out)
        trace = arrays.trace(self.gram)
        squares = float(arrays.squares(self.gram).sum())
        #: Participation ratio (sum l)^2 / sum l^2 of the eigenvalues l of all rows' products: their
        #: effective dimensionality. NaN for features that do not vary.
        self.dimensionality = trace**2 / squares if squares > 0 else np.nan

    def spectrum(self, rows: np.ndarray) -> Spectrum:
        """Eigenvectors of the products of some rows, centred by their own mean."""
        make = self._of_rows if self.in_rows else self._of_features
        return make(rows)

    def _of_features(self, rows: np.ndarray) -> Spectrum:
        features, arrays = self.features, self.arrays
        held = np.setdiff1d(np.arange(len(features)), rows, assume_unique=True)
        mean = (len(features) * self.centre - sum_of(features, held)) / len(rows)
        gram = self._kept.pop(held.tobytes(), None)
        if gram is None:
            gram = self.squares(held)
        gram *= -1
        gram += self.gram
        shift = arrays.put(mean - self.centre)
        gram -= len(rows) * shift[:, None] * shift[None]
        values, vectors = self._leading(*arrays.eigh(gram))

        def cross(responses):
            products = arrays.zeros(features.shape[1], responses.shape[1])
            place = 0
            for block in self._blocks(rows):
                part = self._centred(features[block], mean)
                products += part.T @ responses[place : place + len(block)]
                place += len(block)
            return vectors.T @ products

        def project(others: np.ndarray):
            return self._centred(others, mean) @ vectors

        return Spectrum(
            values, cross, lambda which: project(features[rows[which]]),
            lambda which: project(features[which]),
            lambda which, coefs: self._centred(features[which], mean) @ (vectors @ coefs), project,
            lambda coefficients: arrays.get(vectors @ coefficients), mean,
            rows, self._unit(values, rows),
        )  # fmt: skip

    def _of_rows(self, rows: np.ndarray) -> Spectrum:
        features, arrays = self.features, self.arrays
        gram = self.gram[rows][:, rows]
        by_row = gram.mean(0)
        centred_gram = gram - by_row[:, None] - by_row[None] + by_row.mean()
        values, vectors = self._leading(*arrays.eigh(centred_gram))
        del gram, centred_gram
        unit = self._unit(values, rows)
        kept = arrays.get(values) > _ROUNDING[arrays.dtype] * float(values[-1])
        values, vectors = values[kept], vectors[:, kept]
        lengths = values**0.5

        def centred(products):
            """Products with the training rows (other, training row), around the training mean."""
            return products - products.mean(1)[:, None] - by_row[None] + by_row.mean()

        mean = sum_of(features, rows) / len(rows)

        def weights(coefficients):
            by_row = (vectors / lengths) @ coefficients
            total = np.zeros((features.shape[1], coefficients.shape[1]))
            for start in range(0, len(rows), _SOME_ROWS):
                part = self._centred(features[rows[start : start + _SOME_ROWS]], mean)
                total += arrays.get(part.T @ by_row[start : start + _SOME_ROWS])
            return total

        def project(others: np.ndarray):
            products = self._between(others, features, self.centre)[:, rows]
            return centred(products) @ (vectors / lengths)

        return Spectrum(
            values,
            lambda responses: lengths[:, None] * (vectors.T @ responses),
            lambda which: vectors[which] * lengths,
            lambda which: centred(self.gram[which][:, rows]) @ (vectors / lengths),
            lambda which, coefs: centred(self.gram[which][:, rows]) @ ((vectors / lengths) @ coefs),
            project, weights, mean, rows, unit,
        )  # fmt: skip

    def _squares_in_parts(self, held_out: Sequence[np.ndarray]):
        """X'X of all rows; products of held-out rows are kept, if they are parts of it and few."""
        everything = np.arange(len(self.features))
        held = np.concatenate([*held_out, []]).astype(int)
        fits = kept_bytes(self.features.shape[1], len(held_out), self.arrays.dtype) > 0
        if not fits or len(np.unique(held)) < len(held):
            return self.squares(everything)
        total = self.squares(np.setdiff1d(everything, held, assume_unique=True))
        for rows in held_out:
            part = self.squares(rows)
            self._kept[rows.tobytes()] = part
            total += part
        return total

    def _leading(self, values, vectors) -> tuple:
        """The last eigenvalues and eigenvectors, which are the largest; all, if nothing was asked."""
        kept = slice(-self.components if self.components else None, None)
        return values[kept], vectors[:, kept]

    def _unit(self, values, rows: np.ndarray) -> float:
        """Mean eigenvalue of the training rows; 1 for features that do not vary."""
        most = self.components or self.features.shape[1]
        return float(values.sum()) / min(len(rows), self.features.shape[1], most) or 1.0

    def squares(self, rows: np.ndarray):
        """X'X of some rows around the common mean, a block of rows at a time."""
        total = self.arrays.zeros(self.features.shape[1], self.features.shape[1])
        for block in self._blocks(rows):
            part = self._centred(self.features[block], self.centre)
            total += part.T @ part
        return total

    def _between(self, some: np.ndarray, others: np.ndarray, centre: np.ndarray):
        """Products (row, row) of two sets of rows around `centre`, a block of features at a time."""
        total = self.arrays.zeros(len(some), len(others))
        size = max(1, _BLOCK // (8 * max(len(some), len(others))))
        for start in range(0, some.shape[1], size):
            block = slice(start, start + size)
            right = self._centred(others[:, block], centre[block])
            left = right if some is others else self._centred(some[:, block], centre[block])
            total += left @ right.T
        return total

    def _centred(self, values: np.ndarray, mean: np.ndarray):
        """Rows less their mean, on the device, in one pass."""
        dtype = self.arrays.dtype
        return self.arrays.put(np.subtract(values, mean, dtype=dtype, casting="same_kind"))

    def _blocks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        return blocks_of(rows, self.features.shape[1])


def kept_bytes(features: int, parts: int, dtype: str) -> float:
    """Memory of the products of held-out rows that `Products` keeps: of all parts, or of none."""
    needed = parts * features**2 * np.dtype(dtype).itemsize
    return needed if needed <= KEPT_BYTES else 0


def blocks_of(rows: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Indices of rows in pieces that hold at most `_BLOCK` bytes of `width` float64 values each."""
    size = max(1, _BLOCK // (8 * width))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def sum_of(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sum (feature,) of some rows in float64, without a copy of them all."""
    total = np.zeros(features.shape[1])
    for block in blocks_of(rows, features.shape[1]):
        total += features[block].sum(0, dtype=np.float64)
    return total
