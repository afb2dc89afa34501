"""Kinds of image: those that a table or their order names, or groups that statistics of pixels show.

An image is described by eight numbers: mean and standard deviation of its luminance, its mean saturation
(largest minus smallest of the three colours), and the logarithm of the energy of its luminance in five
octaves of spatial frequency, which is what the mean square loses when 2 x 2 pixels are averaged (Haar
1910). A mixture of Gaussians, each with a covariance of its own (scikit-learn's), is fitted to the
standardised numbers from many starts. It finds a narrow group in a wide one, as textures among
photographs, which k-means would cut elsewhere. Groups found so are a suggestion: the figure `kinds`
shows them.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.recordings import SINGLE_KIND
from itcortex.errors import UserError, nearest

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601
_OCTAVES = 5
_CHUNK = 50  # images at a time
_FAINTEST = 1e-7  # energy, of luminances from 0 to 1
#: The best of fits from so many starts of each sort counts, since many end in a worse place.
_STARTS = 10
_CORES = (0.05, 0.1, 0.2)  # shares of the images with which a narrow group may start
#: Added to the variances, in units of the standardised statistics: a group may be very narrow.
_FLOOR = 1e-3


def kinds_of(
    images: np.ndarray, image_ids: Sequence[str], table: str | Path | None, options: dict
) -> tuple[str, ...]:
    """Kind of every image as a registry's entry says: `options` are those of its key `kinds`.

    Without any, all images are of one kind.
    """
    if not options:
        return (SINGLE_KIND,) * len(image_ids)
    if table:
        return read_kinds(table, image_ids, options["names"], options["column"])
    if "blocks" in options:
        return block_kinds(image_ids, options["blocks"])
    return cluster_kinds(images, options["cluster"], options["seed"])


def block_kinds(image_ids: Sequence[str], blocks: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Kind of every image where, in the order of names, so many images of a kind follow another.

    Raises `UserError` for blocks of more or fewer images than there are or of one kind alone, and where
    numbers in the names tell another order than the alphabet: `10.png` comes before `2.png`.
    """
    kinds = [kind for kind, count in blocks for _ in range(count)]
    if len(set(kinds)) == 1:
        raise UserError(
            f"kinds: blocks: all are of the kind {kinds[0]!r}; name two kinds at least, or leave "
            "`kinds` out"
        )
    if len(kinds) != len(image_ids):
        raise UserError(
            f"kinds: blocks: {blocks} are {len(kinds)} images, and there are {len(image_ids)}; in the "
            "order of their names every image must be in one block"
        )
    names = sorted(image_ids)
    kind_of = dict(zip(names, kinds, strict=True))
    by_number = dict(zip(sorted(names, key=_number_key), kinds, strict=True))
    other = [name for name in names if by_number[name] != kind_of[name]]
    if other:
        raise UserError(
            f"kinds: blocks: {other[0]!r} is of the kind {kind_of[other[0]]!r} if names are ordered by "
            f"the alphabet, and {by_number[other[0]]!r} if the numbers in them count, as {len(other)} "
            f"of {len(image_ids)} images; name the kinds in a table, or write numbers with leading zeros"
        )
    return tuple(kind_of[name] for name in image_ids)


def _number_key(name: str) -> list[tuple[int, str]]:
    """Orders names as people count: `2.png` before `10.png`."""
    parts = re.split(r"([0-9]+)", name)  # texts and numbers in turn
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]


def read_kinds(
    table: str | Path, image_ids: Sequence[str], names: str, column: str
) -> tuple[str, ...]:
    """Kind of every image from a CSV with its file's name in `names` and its kind in `column`.

    Raises `UserError` for a column that is not there, and for images without exactly one kind.
    """
    rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    for wanted in (names, column):
        if wanted not in rows:
            raise UserError(f"{table}: no column {wanted!r}; {nearest(wanted, [*rows])}")
    known = rows.drop_duplicates([names, column]).set_index(names)[column]
    twice = known.index[known.index.duplicated()].unique().tolist()
    missing = [name for name in image_ids if known.get(name, "") == ""] if not twice else []
    if twice or missing:
        what = f"{twice[:5]} have several" if twice else f"{missing[:5]} have no kind"
        raise UserError(f"{table}: column {column!r}: {what}; give every image one kind")
    return tuple(known[[*image_ids]].tolist())


def cluster_kinds(images: np.ndarray, n_kinds: int, seed: int) -> tuple[str, ...]:
    """Kind of every image (image, row, column, rgb) by clustering: "kind 1" is the largest, and so on.

    Raises `UserError` for fewer than ten images a kind.
    """
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 (takes a second, for few jobs)

    if len(images) < 10 * n_kinds:
        raise UserError(
            f"kinds: cluster: {n_kinds} groups of {len(images)} images: at least 10 images a group are "
            "needed; name their kinds in a table"
        )
    statistics = picture_statistics(images)
    rng = np.random.default_rng(seed)
    spread = GaussianMixture(
        n_kinds, n_init=_STARTS, init_params="k-means++", reg_covar=_FLOOR, random_state=seed
    )
    fits = [spread.fit(statistics)]
    fits += [_from_cores(statistics, n_kinds, rng) for _ in range(_STARTS)]
    group_of = max(fits, key=lambda fit: fit.lower_bound_).predict(statistics)
    by_size = np.argsort(-np.bincount(group_of, minlength=n_kinds), kind="stable")
    place = np.empty(n_kinds, int)
    place[by_size] = np.arange(n_kinds)
    return tuple(f"kind {place[group] + 1}" for group in group_of)


def _from_cores(
    statistics: np.ndarray, n_kinds: int, rng: np.random.Generator
) -> "GaussianMixture":
    """A mixture that starts with the neighbours of random images, and all others as one group."""
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 (takes a second, for few jobs)

    group_of = np.zeros(len(statistics), int)
    for kind in range(1, n_kinds):
        centre = statistics[rng.integers(len(statistics))]
        nearest_first = np.argsort(((statistics - centre) ** 2).sum(1), kind="stable")
        group_of[nearest_first[: int(rng.choice(_CORES) * len(statistics)) + 2]] = kind
    groups = [statistics[group_of == kind] for kind in range(n_kinds)]
    groups = [group if len(group) > 1 else statistics for group in groups]  # covered by a later one
    floor = _FLOOR * np.eye(statistics.shape[1])
    return GaussianMixture(
        n_kinds,
        reg_covar=_FLOOR,
        means_init=np.array([group.mean(0) for group in groups]),
        precisions_init=np.array([np.linalg.inv(np.cov(group.T) + floor) for group in groups]),
        weights_init=np.array([len(group) for group in groups]) / sum(map(len, groups)),
    ).fit(statistics)


def picture_statistics(images: np.ndarray) -> np.ndarray:
    """Statistics (image, 8) of images (image, row, column, rgb), standardised over images."""
    chunks = range(0, len(images), _CHUNK)
    found = np.concatenate([_statistics(images[start : start + _CHUNK]) for start in chunks])
    spread = found.std(0)
    return (found - found.mean(0)) / np.where(spread > 0, spread, 1)


def _statistics(images: np.ndarray) -> np.ndarray:
    """Statistics (image, 8) of some images: mean and deviation of luminance, saturation, energies."""
    luminance = images @ (LUMA / 255)
    saturation = np.ptp(images[:, ::2, ::2], axis=3).mean((1, 2)) / 255
    means, energies = luminance, [(luminance**2).mean((1, 2))]
    for _ in range(_OCTAVES):
        rows, columns = (max(length // 2 * 2, 2) for length in means.shape[1:])
        if min(means.shape[1:]) > 1:  # else nothing is left to average
            cells = means[:, :rows, :columns]
            means = (cells[:, ::2] + cells[:, 1::2]) / 2
            means = (means[:, :, ::2] + means[:, :, 1::2]) / 2
        energies.append((means**2).mean((1, 2)))
    lost = np.maximum(-np.diff(np.stack(energies, 1), axis=1), 0)
    plain = [luminance.mean((1, 2)), luminance.std((1, 2)), saturation]
    return np.column_stack([*plain, np.log(lost + _FAINTEST)])
