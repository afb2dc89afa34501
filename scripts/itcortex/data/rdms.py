"""Representational dissimilarity matrices (RDMs) as published, for one or more subjects.

Pairs (i, j), i < j, are in the order of `numpy.triu_indices(images, 1)`: the upper triangle row by row.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from itcortex.data.recordings import SINGLE_KIND
from itcortex.errors import UserError

_log = logging.getLogger(__name__)
FEWEST_IMAGES = 8  # halves of four images have six pairs: with fewer nothing can be ranked


@dataclass(frozen=True)
class Rdms:
    """Dissimilarities of all pairs of images, with one row for each subject and session.

    Attributes
    ----------
    values : float64 array (row, pair)
    image_ids : names of the images, in the order that the pairs follow
    subjects : the subject of every row; several rows of one subject are its sessions
    attributes : species, area, measure, source
    """

    values: np.ndarray
    image_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    attributes: dict = field(default_factory=dict)

    def __post_init__(self):
        """Refuse counts that do not fit, names that are not unique, and values that are not finite."""
        n_images = len(self.image_ids)
        wanted = (len(self.subjects), n_images * (n_images - 1) // 2)
        if self.values.shape != wanted or len(set(self.image_ids)) != n_images:
            raise UserError(
                f"RDMs of {n_images} images ({len(set(self.image_ids))} different names) and "
                f"{len(self.subjects)} rows need the shape {wanted} (row, pair); "
                f"got {self.values.shape}"
            )
        if n_images < FEWEST_IMAGES:
            raise UserError(f"an RDM needs at least {FEWEST_IMAGES} images; got {n_images}")
        for row in np.flatnonzero(~np.isfinite(self.values).all(1)):
            pairs = np.argwhere(~np.isfinite(self.values[row])).ravel()
            raise UserError(
                f"RDM of subject {self.subjects[row]!r}: {len(pairs)} of {wanted[1]} dissimilarities "
                "are not finite; leave out the images that were not measured"
            )

    def by_subject(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Subjects, and the mean of each one's sessions (subject, pair)."""
        names = tuple(dict.fromkeys(self.subjects))
        rows = np.array([names.index(name) for name in self.subjects])
        return names, np.stack([self.values[rows == k].mean(0) for k in range(len(names))])

    def of_images(self, image_ids: tuple[str, ...]) -> "Rdms":
        """The same RDMs for `image_ids`, in their order; `UserError` for an image that is not theirs."""
        index = {name: k for k, name in enumerate(self.image_ids)}
        missing = [name for name in image_ids if name not in index]
        if missing:
            raise UserError(f"the RDM has no images {missing[:5]}; it has {self.image_ids[:5]}")
        order = np.array([index[name] for name in image_ids])
        values = np.stack([upper(square(row)[np.ix_(order, order)]) for row in self.values])
        attributes = dict(self.attributes)
        if "kinds" in attributes:
            attributes["kinds"] = [self.kinds[k] for k in order]
        return Rdms(values, tuple(image_ids), self.subjects, attributes)

    def with_images(self, pictures: Mapping[str, str], kinds: Mapping[str, str]) -> "Rdms":
        """RDMs of pictures that know their kinds, from what every image shows and of what kind it is.

        Twins, images with the same pixels, become the first of them, with the mean of their
        dissimilarities to each other picture: no image is compared with itself.
        """
        shown = [pictures[name] for name in self.image_ids]
        names = tuple(dict.fromkeys(shown))
        attributes = dict(self.attributes)
        if len(set(labels := [kinds[name] for name in names])) > 1:
            attributes["kinds"] = labels
        if len(names) == len(shown):
            return replace(self, attributes=attributes)
        share = np.array([[name == picture for picture in shown] for name in names], float)
        share /= share.sum(1, keepdims=True)
        values = np.stack([upper(share @ square(row) @ share.T) for row in self.values])
        _log.warning(
            "%d images have the pixels of others and are one image with them",
            len(shown) - len(names),
        )
        return Rdms(values, names, self.subjects, attributes)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of every image; they are all of one kind where nothing else is known."""
        return tuple(self.attributes.get("kinds", [SINGLE_KIND] * len(self.image_ids)))


def require_all(rdms: Rdms, shown: Sequence[str], where: str) -> None:
    """Raise `UserError` unless RDMs are of all images that were `shown` (names of stimuli).

    Formats without names count images: the RDM of a part of them would be taken for that of the first.
    """
    if set(rdms.image_ids) != set(shown):
        raise UserError(
            f"{where}: the RDM is of {len(rdms.image_ids)} images ({', '.join(rdms.image_ids[:3])}, "
            f"...), and its stimuli are {len(shown)} ({', '.join(shown[:3])}, ...); name the stimuli "
            "that it was made of, all of them and no others"
        )


def upper(matrix: np.ndarray) -> np.ndarray:
    """Pairs (pair,) of a symmetric matrix (image, image), row by row of the upper triangle."""
    return matrix[np.triu_indices(len(matrix), 1)]


def n_images_of(n_pairs: int) -> int:
    """Number of images that have so many pairs; `UserError` if there is none."""
    n_images = (1 + round(np.sqrt(1 + 8 * n_pairs))) // 2
    if n_images * (n_images - 1) // 2 != n_pairs:
        raise UserError(f"{n_pairs} dissimilarities are no whole triangle of a matrix")
    return n_images


def square(pairs: np.ndarray) -> np.ndarray:
    """Symmetric matrix (image, image) with zero diagonal from pairs (pair,)."""
    n_images = n_images_of(len(pairs))
    matrix = np.zeros((n_images, n_images))
    matrix[np.triu_indices(n_images, 1)] = pairs
    return matrix + matrix.T
