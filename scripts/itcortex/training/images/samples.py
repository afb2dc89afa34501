"""Labelled images to train on, some with a human map, wherever they come from.

Every kind of `Samples` gives any image at any time (`read`), knows names and labels without reading an
image, and can be sent to another process. This module has images in memory; `sources` opens folders and
shards.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from itcortex.errors import UserError


@dataclass(frozen=True)
class Sample:
    """One image (RGB), its class, and its human map float32 (row, column) or None."""

    image_id: str
    label: int
    image: Image.Image
    human_map: np.ndarray | None = None


class Samples(Protocol):
    """Any collection of samples: `labels` (image,) and `mapped` (image,), true for images with a map."""

    labels: np.ndarray
    mapped: np.ndarray

    def read(self, index: int) -> Sample:
        """Decode one sample; raises `UserError` naming it if it is damaged."""

    def digest(self) -> str:
        """A digest of names, labels and, where it is read, content: what the weights depend on."""

    def version(self) -> str:
        """What tells files that were written to, where `digest` does not read their content; else ''."""

    def contents(self) -> list[str]:
        """SHA-256 (image,) of the stored bytes of every image; '' where they are not read."""


def require_labels(samples: Samples, n_classes: int, what: str) -> None:
    """Raise `UserError`, naming the first image, for labels that are no class of the network."""
    bad = np.flatnonzero((samples.labels < 0) | (samples.labels >= n_classes))
    if len(bad):
        first = samples.read(int(bad[0])).image_id
        raise UserError(
            f"{what}: {len(bad)} labels are out of range, the first {samples.labels[bad[0]]} of "
            f"{first}; the network has {n_classes} classes (0 to {n_classes - 1})"
        )


def files_of(samples: Samples) -> str:
    """Files and folders that a collection comes from, for messages; images in memory have none."""
    paths = _paths(samples)
    more = f" and {len(paths) - 3} more" if paths[3:] else ""
    return ", ".join(paths[:3]) + more if paths else "in memory"


def file_of(samples: Samples, index: int) -> str:
    """File or folder of one sample, for messages."""
    while isinstance(samples, Joined):
        samples, index = samples.place(index)
    return files_of(samples)


def _paths(samples: Samples) -> list[str]:
    if isinstance(samples, Joined):
        return [path for part in samples.parts for path in _paths(part)]
    return [str(samples.path)] if hasattr(samples, "path") else []


# --- kinds of samples -----------------------------------------------------------------------------


@dataclass
class Arrays:
    """Samples in memory: images uint8 (image, row, column, rgb), maps (image, row, column) or None.

    A map that is NaN everywhere stands for an image without a map.
    """

    images: np.ndarray
    labels: np.ndarray
    maps: np.ndarray | None = None
    name: str = "image"

    def __post_init__(self):
        """Find the images with a map."""
        self.mapped = np.zeros(len(self.labels), bool)
        if self.maps is not None:
            self.mapped = ~np.isnan(self.maps).all((1, 2))

    def read(self, index: int) -> Sample:
        """One image as it was given."""
        human = self.maps[index].astype(np.float32) if self.mapped[index] else None
        image = Image.fromarray(self.images[index])
        return Sample(f"{self.name}:{index}", int(self.labels[index]), image, human)

    def digest(self) -> str:
        """Digest of labels, images and maps."""
        parts = [self.labels, self.images] + ([] if self.maps is None else [self.maps])
        return sha256_of_parts(*(np.ascontiguousarray(part).tobytes() for part in parts))

    def version(self) -> str:
        """The digest reads everything."""
        return ""

    def contents(self) -> list[str]:
        """SHA-256 of the pixels of every image."""
        return [hashlib.sha256(np.ascontiguousarray(one)).hexdigest() for one in self.images]


class Joined:
    """Several collections as one."""

    def __init__(self, parts: Sequence[Samples]):
        self.parts = list(parts)
        self.ends = np.cumsum([len(part.labels) for part in self.parts])
        empty = [np.zeros(0, np.int64)], [np.zeros(0, bool)]
        self.labels = np.concatenate([part.labels for part in self.parts] or empty[0])
        self.mapped = np.concatenate([part.mapped for part in self.parts] or empty[1])

    def read(self, index: int) -> Sample:
        """One sample of the part that holds it."""
        part, index = self.place(index)
        return part.read(index)

    def place(self, index: int) -> tuple[Samples, int]:
        """The part that holds a sample, and the sample's index there."""
        part = int(np.searchsorted(self.ends, index, side="right"))
        return self.parts[part], index - (int(self.ends[part - 1]) if part else 0)

    def digest(self) -> str:
        """Digest of the parts in order."""
        return sha256_of_parts("\n".join(part.digest() for part in self.parts).encode())

    def version(self) -> str:
        """Those of the parts in order; empty where all are."""
        parts = [part.version() for part in self.parts]
        return sha256_of_parts("\n".join(parts).encode()) if any(parts) else ""

    def contents(self) -> list[str]:
        """Those of the parts in order."""
        return [one for part in self.parts for one in part.contents()]


# --- digests --------------------------------------------------------------------------------------


def sha256_of_parts(*parts: bytes) -> str:
    """SHA-256 over all parts, each preceded by its length."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
