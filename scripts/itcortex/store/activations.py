"""Layout of activations in files: one dataset for each layer, read and written in parts."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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

_READ_BYTES = 32 * 2**20


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
            size = max(1, _READ_BYTES // dataset[:1].nbytes)
            starts = range(0, len(dataset), size)
            parts = [reduce(dataset[start : start + size]) for start in starts]
        return np.concatenate(parts)[images]


def write_activations(
    path: str | Path, batches, layers: tuple[str, ...], image_ids, attributes: dict, dtype: str
) -> None:
    """Write activations batch by batch, so that memory does not grow with the number of images.

    `batches` yields (first image's index, {layer: array (image, h, w, channel)}); every layer of
    `layers` is written at its own resolution as `dtype` (float16 or float32). A value that is not
    finite raises `UserError` with layer and image.
    """
    with atomic_path(path) as temporary, create_result(temporary, "activations") as handle:
        group = handle.create_group("layers")
        for start, arrays in batches:
            for layer in layers:
                with np.errstate(over="ignore"):  # caught below, with the layer's name
                    values = arrays[layer].astype(dtype, copy=False)
                if layer not in group:
                    group.create_dataset(
                        layer,
                        shape=(len(image_ids), *values.shape[1:]),
                        dtype=dtype,
                        chunks=(1, *values.shape[1:]),
                        **COMPRESSION,
                    )
                for offset in np.flatnonzero(~_finite(values)):
                    raise UserError(
                        f"{path}: layer {layer!r} has a value that is not finite for image "
                        f"{image_ids[start + offset]!r} (as {dtype}; float16 ends at 65504: "
                        "try activations: {dtype: float32})"
                    )
                group[layer][start : start + len(values)] = values
        handle.attrs["order"] = json.dumps(list(layers))
        write_names(handle, "image_ids", image_ids)
        write_attributes(handle, attributes)


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
