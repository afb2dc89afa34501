"""Layout of activations in files: one dataset for each layer, read and written in parts."""

import json
import math
import struct
from collections import deque
from collections.abc import Callable, Iterator
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
_STORED_BYTES = 2**16 - 1  # the most that deflate holds in one block without packing it


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
    quick: bool = False,
) -> None:
    """Write activations batch by batch, so that memory does not grow with the number of images.

    `batches` yields (first image's index, {layer: array (image, h, w, channel)}), all of them but the
    last with as many images as the first; every layer of `layers` is written at its own resolution as
    `dtype` (float16 or float32). A value that is not finite raises `UserError` with layer and image.

    With `quick`, only the upper bytes of values are packed, which hold their signs and exponents: in
    less time (also to read), in files up to a fourth larger, which any reader opens all the same.

    One batch is packed, by `threads` threads, and written while the next is made: at most two wait.
    What fails there is raised here, before the next batch is asked for.
    """
    with (
        atomic_path(path) as temporary,
        create_result(temporary, "activations") as handle,
        ThreadPoolExecutor(threads, "pack") as packers,
        ThreadPoolExecutor(1, "write") as writer,  # alone with the file
    ):
        file = _Layers(path, handle.create_group("layers"), layers, image_ids, dtype, quick)
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
        self, path: str | Path, group: h5py.Group, layers, image_ids, dtype: str, quick: bool
    ):
        self.path, self.group, self.layers, self.image_ids = path, group, layers, image_ids
        self.dtype, self.deflate = np.dtype(dtype), _upper_bytes_deflated if quick else _deflated
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
        packed = packers.map(self._pack, *zip(*pieces, strict=True))
        for (dataset, place), content in zip(places, packed, strict=True):
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
            **COMPRESSION,
        )

    def _pack(self, layer: str, first: int, values: np.ndarray, chunk: tuple[int, ...]) -> bytes:
        """A chunk as HDF5's own filters of `COMPRESSION` would pack it, filled up with zeros."""
        with np.errstate(over="ignore"):  # caught below, with the layer's name
            values = np.ascontiguousarray(values, dtype=self.dtype)
        for offset in np.flatnonzero(~_finite(values)):
            raise UserError(
                f"{self.path}: layer {layer!r} has a value that is not finite for image "
                f"{self.image_ids[first + offset]!r} (as {self.dtype}; float16 ends at 65504: "
                "try activations: {dtype: float32})"
            )
        words = values.reshape(-1).view(f"<u{values.itemsize}")  # byte 0 is the first in memory
        shuffled = np.zeros((values.itemsize, math.prod(chunk)), np.uint8)
        for byte, row in enumerate(shuffled):  # faster than copying every second or fourth byte
            np.right_shift(words, 8 * byte, out=row[: len(words)], casting="unsafe")
        return self.deflate(shuffled)


def _deflated(shuffled: np.ndarray) -> bytes:
    """Bytes of values, sorted by their place in the value (place, value), as zlib packs them."""
    return isal_zlib.compress(shuffled, 1)


def _upper_bytes_deflated(shuffled: np.ndarray) -> bytes:
    """The same with the lower half of the places left as it is, in stored blocks (RFC 1950 and 1951).

    The lower places of floating-point numbers are the end of their mantissas and hardly shrink.
    """
    lower, upper = np.split(shuffled, 2)
    parts = [b"\x78\x01", *_stored(lower.reshape(-1)), isal_zlib.compress(upper, 1, wbits=-15)]
    return b"".join([*parts, struct.pack(">I", isal_zlib.adler32(shuffled))])


def _stored(content: np.ndarray) -> Iterator[bytes | memoryview]:
    """Bytes in blocks of deflate that hold them as they are, none of which is the last one."""
    for start in range(0, len(content), _STORED_BYTES):
        block = content[start : start + _STORED_BYTES]
        yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
        yield block.data


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
