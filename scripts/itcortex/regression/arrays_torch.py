"""Arrays on a torch device: the counterpart of `itcortex.regression.arrays.HostArrays`."""

import numpy as np
import torch

from itcortex.errors import UserError


def found_device(name: str) -> torch.device:
    """The device of that name; raises `UserError` for a GPU where there is none."""
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device {name!r}: torch finds no CUDA device; choose device 'cpu'")
    return device


class TorchArrays:
    """torch tensors of one dtype on one device."""

    def __init__(self, device: str, dtype: str):
        self._place = found_device(device)
        self.dtype, self._dtype = dtype, getattr(torch, dtype)

    def put(self, array: np.ndarray):
        """The array on the device, in this dtype."""
        return torch.as_tensor(np.ascontiguousarray(array)).to(self._place, self._dtype)

    def get(self, array) -> np.ndarray:
        """The array on the host, in float64."""
        return array.double().cpu().numpy()

    def zeros(self, *shape: int):
        """Zeros of a shape."""
        return torch.zeros(shape, dtype=self._dtype, device=self._place)

    def eye(self, size: int):
        """The identity."""
        return torch.eye(size, dtype=self._dtype, device=self._place)

    def swap(self, array):
        """The array with its last two axes swapped."""
        return array.mT

    def inverse(self, array):
        """Inverses of matrices (..., n, n)."""
        return torch.linalg.inv(array)

    def squares(self, array) -> np.ndarray:
        """Sums of squares of the columns of (row, column), summed in float64, on the host."""
        return torch.linalg.vector_norm(array, dim=0, dtype=torch.float64).square().cpu().numpy()

    def trace(self, array) -> float:
        """Trace, summed in float64."""
        return float(array.diagonal().double().sum())

    def eigh(self, gram):
        """Eigenvalues, ascending and at least 0, and eigenvectors."""
        values, vectors = torch.linalg.eigh(gram)
        return values.clamp_min(0), vectors
