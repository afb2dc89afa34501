"""Files of recordings, stimuli, RDMs and named arrays."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from itcortex.data.own.listed import ListedPictures
from itcortex.data.rdms import Rdms
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli, digest_of, first_of_same
from itcortex.files import atomic_path
from itcortex.formats.unicode import composed
from itcortex.store.hdf5 import (
    COMPRESSION,
    create_result,
    open_result,
    read_attributes_of,
    read_names,
    write_attributes,
    write_names,
)
from itcortex.store.stored_images import IN_MEMORY_BYTES, StoredImages

# --- recordings and predictions -------------------------------------------------------------------


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write a recording, or predictions on a recording's axes; chunked by image."""
    with atomic_path(path) as temporary, create_result(temporary, "recording") as handle:
        for name in ("responses", "trials"):
            values = getattr(recording, name)
            if values is not None:
                chunks = (1, *values.shape[1:])
                handle.create_dataset(
                    name, data=values, dtype=np.float32, chunks=chunks, **COMPRESSION
                )
        write_names(handle, "image_ids", recording.image_ids)
        write_names(handle, "site_ids", recording.site_ids)
        if recording.started is not None:
            handle.create_dataset("started", data=recording.started, dtype=np.float64)
        if recording.repeated is not None:
            handle.create_dataset("repeated", data=recording.repeated, dtype=np.int64)
        write_attributes(handle, recording.attributes)


def read_recording(path: str | Path) -> Recording:
    """Read what `write_recording` wrote."""
    with open_result(path, "recording") as handle:
        return Recording(
            responses=handle["responses"][...],
            image_ids=read_names(handle, "image_ids"),
            site_ids=read_names(handle, "site_ids"),
            attributes=read_attributes_of(handle),
            trials=handle["trials"][...] if "trials" in handle else None,
            started=handle["started"][...] if "started" in handle else None,
            repeated=tuple(handle["repeated"][...].tolist()) if "repeated" in handle else None,
        )


def read_shape(path: str | Path) -> tuple[int, int, int, int]:
    """Images, grid (y, x) and sites of a recording, without reading its responses."""
    with open_result(path, "recording") as handle:
        images, gy, gx, _, sites = handle["responses"].shape
    return images, gy, gx, sites


def read_image_labels(path: str | Path) -> pd.DataFrame:
    """Names of a recording's images, what they show and their kinds, without reading responses."""
    with open_result(path, "recording") as handle:
        names, attributes = read_names(handle, "image_ids"), read_attributes_of(handle)
    bare = Recording(np.empty((len(names), 0, 0, 0, 0)), names, (), attributes)
    return pd.DataFrame({"image": names, "picture": bare.pictures, "kind": bare.kinds})


# --- stimuli --------------------------------------------------------------------------------------


def write_stimuli(path: str | Path, stimuli: Stimuli) -> None:
    """Write images and their ids; chunked by image."""
    with atomic_path(path) as temporary, create_result(temporary, "stimuli") as handle:
        chunks = (1, *stimuli.images.shape[1:])
        handle.create_dataset("images", data=stimuli.images, chunks=chunks, **COMPRESSION)
        write_names(handle, "image_ids", stimuli.image_ids)


def write_pictures(path: str | Path, pictures: ListedPictures) -> None:
    """Write pictures of a folder as stimuli, one after the other: none but one is ever in memory.

    The file notes the folder and the digest of what was read.
    """
    with atomic_path(path) as temporary, create_result(temporary, "stimuli") as handle:
        images = None
        for index, image in enumerate(pictures):
            if images is None:
                shape = (len(pictures.names), *image.shape)
                images = handle.create_dataset(
                    "images", shape, np.uint8, chunks=(1, *image.shape), **COMPRESSION
                )
            images[index] = image
        write_names(handle, "image_ids", map(composed, pictures.names))
        noted = {"source": pictures.folder, "source_sha256": pictures.sha256}
        write_attributes(handle, noted)


def read_stimuli(path: str | Path) -> Stimuli:
    """Read what `write_stimuli` or `write_pictures` wrote.

    Images of more than `IN_MEMORY_BYTES` together stay in the file until they are asked for.
    """
    with open_result(path, "stimuli") as handle:
        images, names = handle["images"], read_names(handle, "image_ids")
        if images.size > IN_MEMORY_BYTES:
            return Stimuli(StoredImages(path, images.shape), names)
        return Stimuli(images[...], names)


@contextmanager
def open_stimuli(path: str | Path) -> Iterator[tuple[h5py.Dataset, tuple[str, ...]]]:
    """Images, which are read where they are indexed (uint8 image, row, column, rgb), and their names.

    For many images, which would not fit in memory.
    """
    with open_result(path, "stimuli") as handle:
        yield handle["images"], read_names(handle, "image_ids")


def read_pictures(path: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of stimuli, and for each that of the first image with the same pixels: its own, or a twin's.

    `write_stimuli` compresses every image by itself and all in one way, so that images of the same
    pixels, and no others, are stored as the same bytes: no image is unpacked.
    """
    with open_result(path, "stimuli") as handle:
        names, images = read_names(handle, "image_ids"), handle["images"].id
        stored = (images.read_direct_chunk((index, 0, 0, 0)) for index in range(len(names)))
        return names, first_of_same(names, (content for _, content in stored))


def read_digests(path: str | Path) -> list[str]:
    """Digest of the size and pixels of every image of stimuli, which are unpacked one by one.

    Unlike stored bytes it does not depend on what packed them: it finds a picture in another file.
    """
    with open_result(path, "stimuli") as handle:
        images = handle["images"]
        return [digest_of(images[index]) for index in range(len(images))]


def count_images(path: str | Path) -> int:
    """Number of images of stimuli, without reading them."""
    with open_result(path, "stimuli") as handle:
        return len(handle["image_ids"])


# --- arrays by name (the truth of a simulation) ---------------------------------------------------


def write_arrays(path: str | Path, arrays: dict[str, np.ndarray], attributes: dict) -> None:
    """Write named arrays with attributes."""
    with atomic_path(path) as temporary, create_result(temporary, "arrays") as handle:
        for name, values in arrays.items():
            handle.create_dataset(name, data=values, **(COMPRESSION if np.ndim(values) else {}))
        write_attributes(handle, attributes)


def read_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """Read what `write_arrays` wrote: arrays by name (slashes kept) and attributes."""
    arrays = {}
    with open_result(path, "arrays") as handle:
        handle.visititems(
            lambda name, item: (
                arrays.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None
            )
        )
        return arrays, read_attributes_of(handle)


# --- representational dissimilarity matrices ------------------------------------------------------


def write_rdms(path: str | Path, rdms: Rdms) -> None:
    """Write RDMs: pairs in the order of `numpy.triu_indices(images, 1)`, one row for each session."""
    with atomic_path(path) as temporary, create_result(temporary, "rdms") as handle:
        handle.create_dataset("rdms", data=rdms.values, dtype=np.float64, **COMPRESSION)
        write_names(handle, "image_ids", rdms.image_ids)
        write_names(handle, "subjects", rdms.subjects)
        write_attributes(handle, rdms.attributes)


def read_rdms(path: str | Path) -> Rdms:
    """Read what `write_rdms` wrote."""
    with open_result(path, "rdms") as handle:
        return Rdms(
            values=handle["rdms"][...],
            image_ids=read_names(handle, "image_ids"),
            subjects=read_names(handle, "subjects"),
            attributes=read_attributes_of(handle),
        )
