"""Layout of activations in files: one dataset for each layer, read and written in parts."""

import json
import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from isal import isal_zlib

from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.store.hdf5 import (
    COMPRESSION,
    create_result,
    open_result,
    read_attributes_of,
    read_names,
    write_attributes,
    write_names,
)

READ_BYTES = 32 * 2**20
CHUNK_BYTES = 2 * 2**20  # about so much of a layer is packed at a time, and read at least
_BATCHES_WAITING = 2


@dataclass(frozen=True)
class Activations:
    """One model's layers on one set of stimuli; `read` loads one layer at a time.

    `layers` are in order of depth. `attributes` hold timm name, weights digest, preprocessing.
    """

    path: Path
    layers: tuple[str, ...]
    image_ids: tuple[str, ...]
    attributes: dict = field(default_factory=dict)

    @property
    def depths(self) -> dict[str, float]:
        """Relative depth, from 0 to 1, of every layer in order."""
        return {layer["name"]: layer["depth"] for layer in self.attributes["layers"]}

    def read(self, layer: str, images: list[int], reduce: Callable | None = None) -> np.ndarray:
        """Activations (image, h, w, channel) of `images`, in their order.

        `reduce`, if given, is applied to a few images at a time (maps in, arrays out), so that a
        layer that does not fit in memory can be made smaller while it is read.
        """
        with open_result(self.path, "activations") as handle:
            dataset = handle["layers"][layer]
            if reduce is None:
                return dataset[...][images]
            step = dataset.chunks[0]  # a part of a chunk is unpacked at the cost of all of it
            nbytes = step * math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
            size = max(1, READ_BYTES // nbytes) * step
            starts = range(0, len(dataset), size)
            parts = [reduce(dataset[start : start + size]) for start in starts]
        return np.concatenate(parts)[images]


def write_activations(
    path: str | Path,
    batches,
    layers: tuple[str, ...],
    image_ids,
    attributes: dict,
    dtype: str,
    threads: int = 1,
    packed: bool = True,
) -> None:
    """Write activations batch by batch, so that memory does not grow with the number of images.

    `batches` yields (first image's index, {layer: array (image, h, w, channel)}), all of them but the
    last with as many images as the first; every layer of `layers` is written at its own resolution as
    `dtype` (float16 or float32). A value that is not finite raises `UserError` with layer and image.

    `packed` files take some two thirds of the space. For a GPU, which makes more in a second than
    eight threads pack, they are left as they are. Any reader of HDF5 opens both.

    One batch is packed, by `threads` threads, and written while the next is made: at most two wait.
    What fails there is raised here, before the next batch is asked for.
    """
    with (
        atomic_path(path) as temporary,
        create_result(temporary, "activations") as handle,
        ThreadPoolExecutor(threads, "pack") as packers,
        ThreadPoolExecutor(1, "write") as writer,  # alone with the file
    ):
        file = _Layers(path, handle.create_group("layers"), layers, image_ids, dtype, packed)
        waiting: deque[Future] = deque()
        try:
            for start, arrays in batches:
                if len(waiting) == _BATCHES_WAITING:
                    waiting.popleft().result()
                waiting.append(writer.submit(file.write, start, arrays, packers))
            while waiting:
                waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
        handle.attrs["order"] = json.dumps(list(layers))
        write_names(handle, "image_ids", image_ids)
        write_attributes(handle, attributes)


def read_layer_shapes(path: str | Path) -> tuple[tuple[int, ...], ...]:
    """Shape of an image's maps in every layer, in order of depth, without reading them."""
    with open_result(path, "activations") as handle:
        return tuple(handle["layers"][name].shape[1:] for name in json.loads(handle.attrs["order"]))


class _Layers:
    """The layers of a file that is being written; one thread calls `write`, batch after batch."""

    def __init__(
        self, path: str | Path, group: h5py.Group, layers, image_ids, dtype: str, packed: bool
    ):
        self.path, self.group, self.layers, self.image_ids = path, group, layers, image_ids
        self.dtype, self.packed = np.dtype(dtype), packed
        self.datasets: dict[str, h5py.Dataset] = {}

    def write(self, start: int, arrays: dict[str, np.ndarray], packers: Executor) -> None:
        """Write a batch (layer: array) whose first image is `start`."""
        pieces, places = [], []
        for layer in self.layers:
            values = arrays[layer]
            if layer not in self.datasets:
                self.datasets[layer] = self._create(layer, values)
            dataset = self.datasets[layer]
            chunk = dataset.chunks
            for offset in range(0, len(values), chunk[0]):
                pieces.append((layer, start + offset, values[offset : offset + chunk[0]], chunk))
                places.append((dataset, (start + offset, *[0] * (values.ndim - 1))))
        contents = packers.map(self._content, *zip(*pieces, strict=True))
        for (dataset, place), content in zip(places, contents, strict=True):
            dataset.id.write_direct_chunk(place, content)

    def _create(self, layer: str, values: np.ndarray) -> h5py.Dataset:
        """A layer's dataset; a chunk is the first batch, or a part of it where that is large."""
        size, nbytes = len(values), values[0].size * self.dtype.itemsize
        while size % 2 == 0 and size * nbytes > CHUNK_BYTES:
            size //= 2
        return self.group.create_dataset(
            layer,
            shape=(len(self.image_ids), *values.shape[1:]),
            dtype=self.dtype,
            chunks=(size, *values.shape[1:]),
            **(COMPRESSION if self.packed else {}),
        )

    def _content(
        self, layer: str, first: int, values: np.ndarray, chunk: tuple[int, ...]
    ) -> bytes | np.ndarray:
        """A chunk as it stands in the file, filled up with zeros."""
        with np.errstate(over="ignore"):  # caught below, with the layer's name
            values = np.ascontiguousarray(values, dtype=self.dtype)
        for offset in np.flatnonzero(~_finite(values)):
            raise UserError(
                f"{self.path}: layer {layer!r} has a value that is not finite for image "
                f"{self.image_ids[first + offset]!r} (as {self.dtype}; float16 ends at 65504: "
                "try activations: {dtype: float32})"
            )
        if self.packed:
            return _packed(values, math.prod(chunk))
        if values.shape == chunk:
            return values
        whole = np.zeros(chunk, self.dtype)
        whole[: len(values)] = values
        return whole


def _packed(values: np.ndarray, size: int) -> bytes:
    """Values, filled up with zeros to `size`, as HDF5's own filters of `COMPRESSION` would pack them."""
    words = values.reshape(-1).view(f"<u{values.itemsize}")  # byte 0 is the first in memory
    shuffled = np.zeros((values.itemsize, size), np.uint8)
    for byte, row in enumerate(shuffled):  # faster than copying every second or fourth byte
        np.right_shift(words, 8 * byte, out=row[: len(words)], casting="unsafe")
    return isal_zlib.compress(shuffled, 1)


def _finite(values: np.ndarray) -> np.ndarray:
    """Whether all values of an image are finite (image,)."""
    by_image = np.ascontiguousarray(values).reshape(len(values), -1)
    if values.dtype == np.float16:  # by the bits of the exponent: arithmetic in float16 is slow
        return ((by_image.view(np.uint16) & 0x7C00) != 0x7C00).all(1)
    return np.isfinite(by_image).all(1)


def open_activations(path: str | Path) -> Activations:
    """Names, order and attributes of the layers in a file that `write_activations` wrote."""
    with open_result(path, "activations") as handle:
        return Activations(
            path=Path(path),
            layers=tuple(json.loads(handle.attrs["order"])),
            image_ids=read_names(handle, "image_ids"),
            attributes=read_attributes_of(handle),
        )
