"""Sparse random projection of layers while they are put out: no whole wide layer is ever held.

A layer's units x (after maps are averaged to `side`) become R x, where R (dimension, unit) is that of
scikit-learn's `SparseRandomProjection`: a share s = 1 / sqrt(units) of the weights is not 0, and those
are +-1 / sqrt(s * dimensions) (Li, Hastie & Church 2006, doi:10.1145/1150402.1150436). Squared distances
between images are kept to 1 +- eps, for all pairs at once, by the lemma of Johnson and Lindenstrauss.
"""

import numpy as np
import torch
from scipy.sparse import csc_matrix, csr_matrix

#: Distortion of squared distances that `auto` allows.
EPS = 0.1


class Projection:
    """A projection for every number of units, drawn when it is needed; the same for the same seed.

    Parameters
    ----------
    dimensions : int
        A layer with fewer units keeps its units as they are.
    seed : int
    """

    def __init__(self, dimensions: int, seed: int):
        self.dimensions, self.seed = dimensions, seed
        self._components: dict[tuple[int, torch.device], csc_matrix | torch.Tensor] = {}

    @classmethod
    def for_images(cls, n_images: int, dimensions: int | str, seed: int) -> "Projection":
        """For so many images, ``"auto"`` are the dimensions that keep their distances to `EPS`."""
        from sklearn.random_projection import johnson_lindenstrauss_min_dim  # noqa: PLC0415 (takes a second, for few jobs)

        needed = johnson_lindenstrauss_min_dim(n_images, eps=EPS)
        return cls(int(needed if dimensions == "auto" else dimensions), seed)

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        """Float32 maps (image, ..., unit) as vectors (image, dimension)."""
        units = maps.reshape(len(maps), -1)
        if units.shape[1] <= self.dimensions:
            return units
        key = (units.shape[1], units.device)
        if key not in self._components:
            self._components[key] = self.components(*key)
        components = self._components[key]
        if isinstance(components, csc_matrix):
            return torch.from_numpy((components @ units.numpy().T).T)
        return (components @ units.T).T

    def components(self, n_units: int, device: torch.device) -> csc_matrix | torch.Tensor:
        """The sparse matrix (dimension, unit) for so many units; not on a CPU it is one of torch."""
        from sklearn.random_projection import SparseRandomProjection  # noqa: PLC0415 (takes a second, for few jobs)

        drawn = SparseRandomProjection(self.dimensions, random_state=self.seed)
        rows = drawn.fit(np.zeros((1, n_units), np.float32)).components_
        if device.type == "cpu":  # by columns: units are read in order, sums stay in the cache
            return csc_matrix(rows, dtype=np.float32)
        components = csr_matrix(rows, dtype=np.float32)
        parts = (components.indptr, components.indices, components.data)
        crow, columns, values = map(torch.from_numpy, parts)
        return torch.sparse_csr_tensor(crow, columns, values, components.shape, device=device)
