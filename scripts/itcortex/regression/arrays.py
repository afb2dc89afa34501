"""Arrays and the few operations of ridge regression on them, on the host or on a torch device."""

import numpy as np
from scipy.linalg import eigh

from itcortex.errors import UserError

#: Bytes of a value in each precision of products and eigenvectors.
PRECISIONS = {"float32": 4, "float64": 8}


def arrays_on(device: str, dtype: str):
    """`HostArrays` for 'cpu', `TorchArrays` for any other device.

    Raises `UserError` for another dtype than float32 and float64, and for a device that is not there.
    """
    if dtype not in PRECISIONS:
        raise UserError(f"dtype {dtype!r}: choose float32 or float64")
    if device == "cpu":
        return HostArrays(dtype)
    from itcortex.regression.arrays_torch import TorchArrays  # noqa: PLC0415 - torch takes seconds to import

    return TorchArrays(device, dtype)


class HostArrays:
    """numpy arrays of one dtype."""

    def __init__(self, dtype: str):
        self.dtype = dtype

    def put(self, array: np.ndarray) -> np.ndarray:
        """The array in this dtype."""
        return np.ascontiguousarray(array, dtype=self.dtype)

    def get(self, array: np.ndarray) -> np.ndarray:
        """The array on the host, in float64."""
        return array.astype(np.float64)

    def zeros(self, *shape: int) -> np.ndarray:
        """Zeros of a shape."""
        return np.zeros(shape, self.dtype)

    def eye(self, size: int) -> np.ndarray:
        """The identity."""
        return np.eye(size, dtype=self.dtype)

    def swap(self, array: np.ndarray) -> np.ndarray:
        """The array with its last two axes swapped."""
        return array.swapaxes(-1, -2)

    def inverse(self, array: np.ndarray) -> np.ndarray:
        """Inverses of matrices (..., n, n)."""
        return np.linalg.inv(array)

    def squares(self, array: np.ndarray) -> np.ndarray:
        """Sums of squares of the columns of (row, column), summed and returned in float64."""
        return np.einsum("rc,rc->c", array, array, dtype=np.float64)

    def trace(self, array: np.ndarray) -> float:
        """Trace, summed in float64."""
        return float(np.trace(array, dtype=np.float64))

    def eigh(self, gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues, ascending and at least 0, and eigenvectors; `gram` is lost."""
        # LAPACK works on columns: of a symmetric matrix the transpose is one without a copy
        values, vectors = eigh(gram.T, driver="evd", overwrite_a=True, check_finite=False)
        return np.maximum(values, 0), vectors
