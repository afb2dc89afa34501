"""Images that stay in their file until they are asked for."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from itcortex.store.hdf5 import open_result

#: Images of one set that are read at once; larger sets stay in their file.
IN_MEMORY_BYTES = 2**30


class StoredImages:
    """Images uint8 (image, row, column, rgb) of a file of stimuli, as an array that is read piecewise.

    One image, or a slice of images, is read when it is asked for. A list of images gives these images in
    that order, again unread. `numpy.asarray` reads all.
    """

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(
        self, path: str | Path, shape: tuple[int, ...], order: Sequence[int] | None = None
    ):
        self._path = path
        self._order = np.arange(shape[0]) if order is None else np.asarray(order, int)
        self.shape = (len(self._order), *shape[1:])

    def __len__(self) -> int:
        """Number of images."""
        return len(self._order)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The images one after the other."""
        with open_result(self._path, "stimuli") as handle:
            for index in self._order:
                yield handle["images"][index]

    def __getitem__(self, key) -> "np.ndarray | StoredImages":
        """An image, a slice of images, or those of a list of indices."""
        chosen = self._order[key]
        if not isinstance(key, (int, np.integer, slice)):
            return StoredImages(self._path, self.shape, chosen)
        with open_result(self._path, "stimuli") as handle:
            images = handle["images"]
            if chosen.ndim == 0:
                return images[chosen]
            read = np.empty((len(chosen), *self.shape[1:]), np.uint8)
            for row, index in enumerate(chosen):  # h5py takes indices that rise only
                read[row] = images[index]
            return read

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """All images."""
        return np.asarray(self[:], dtype)
