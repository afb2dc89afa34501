"""Images in parts by how alike they are to a network, so that a held-out part is something new.

Features of an image are a layer's activations averaged over positions (`pooled`), as they are: Euclidean
distances between them are the network's own. Images of one picture (twins) are one.

clusters
    k-means (Lloyd's algorithm from k-means++ starts, the best of `STARTS`; scikit-learn). Parts are
    called cluster-1, cluster-2, ... from the largest on.
far
    A test set as far as possible from the training images: of all sets of that many pictures, one for
    which the smallest distance between a test and a training picture is largest. That distance is an
    edge of the minimum spanning tree: with all edges at least as long taken out, what stays connected
    must be on one side. The longest edges are taken out, as few as leave parts of which some add up to
    the wanted number. Where several choices of parts do, the parts that are farthest from any other are
    taken first. Nothing is drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.encoding.divisions import TEST, TRAIN
from itcortex.errors import UserError

#: Starts of k-means, of which the one with the smallest sum of squares is kept.
STARTS = 10


def pooled(maps: np.ndarray) -> np.ndarray:
    """Features (image, channel), float64: means over positions of maps (image, ..., channel)."""
    values = np.asarray(maps, np.float64)
    return values.reshape(len(values), -1, values.shape[-1]).mean(1)


def clusters(features: np.ndarray, pictures: tuple[str, ...], k: int, seed: int) -> pd.DataFrame:
    """Part and distance of every image: its cluster, and how far it lies from the cluster's mean.

    Parameters
    ----------
    features : float64 array (image, feature)
    pictures : tuple of str
        What every image shows; the order of images does not matter.
    k : int
    seed : int
        Of the starts.

    Raises `UserError` for fewer different pictures than clusters.
    """
    from sklearn.cluster import KMeans  # noqa: PLC0415 (takes a second, for these jobs alone)

    rows, place = _rows(features, pictures)
    n_different = len(np.unique(rows, axis=0))
    if n_different < k:
        raise UserError(
            f"encoding: folds: clusters: k: {k} clusters of {n_different} pictures that differ to the "
            "network; choose a smaller k"
        )
    found = KMeans(k, n_init=STARTS, random_state=seed).fit(rows)
    sizes = np.bincount(found.labels_, minlength=k)
    first = [int(np.argmax(found.labels_ == cluster)) for cluster in range(k)]
    order = sorted(range(k), key=lambda cluster: (-sizes[cluster], first[cluster]))
    number = np.argsort(order)[found.labels_]
    digits = len(str(k))
    distance = np.sqrt(((rows - found.cluster_centers_[found.labels_]) ** 2).sum(1))
    names = np.array([f"cluster-{index + 1:0{digits}d}" for index in range(k)])
    return pd.DataFrame({"part": names[number][place], "distance": distance[place]})


def far(features: np.ndarray, pictures: tuple[str, ...], share: float) -> pd.DataFrame:
    """Part and distance of every image: `test` or `train`, and how near the nearest of the others is.

    Parameters
    ----------
    features : float64 array (image, feature)
    pictures : tuple of str
        What every image shows; the order of images does not matter.
    share : float
        Of the pictures that are tested, rounded to whole ones.

    Raises `UserError` for a share that leaves no picture on one side.
    """
    rows, place = _rows(features, pictures)
    n_test = round(share * len(rows))
    if not 0 < n_test < len(rows):
        raise UserError(
            f"encoding: folds: far: share: {share} of {len(rows)} pictures leaves none to test or to "
            "train on; choose another share"
        )
    tested = _farthest(_spanning_tree(rows), len(rows), n_test)
    distance = np.empty(len(rows))
    distance[tested] = _nearest(rows[tested], rows[~tested])
    distance[~tested] = _nearest(rows[~tested], rows[tested])
    return pd.DataFrame({"part": np.where(tested, TEST, TRAIN)[place], "distance": distance[place]})


@dataclass(frozen=True)
class _Edges:
    """Edges of a tree, the longest first: its ends (edge, 2) and lengths (edge,)."""

    ends: np.ndarray
    lengths: np.ndarray


def _rows(features: np.ndarray, pictures: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Features of every picture, pictures sorted by name, and the row of every image."""
    _, first, place = np.unique(pictures, return_index=True, return_inverse=True)
    return features[first], place


def _spanning_tree(rows: np.ndarray) -> _Edges:
    """Minimum spanning tree of Euclidean distances (Prim): no more than one row of them in memory."""
    n = len(rows)
    outside = np.ones(n, bool)
    outside[0] = False
    nearest, parent = _squared(rows, rows[0]), np.zeros(n, int)
    ends, lengths = np.empty((n - 1, 2), int), np.empty(n - 1)
    for step in range(n - 1):
        new = int(np.argmin(np.where(outside, nearest, np.inf)))
        ends[step], lengths[step] = (parent[new], new), nearest[new]
        outside[new] = False
        distances = _squared(rows, rows[new])
        nearer = distances < nearest
        nearest[nearer], parent[nearer] = distances[nearer], new
    order = np.argsort(-lengths, kind="stable")
    return _Edges(ends[order], np.sqrt(lengths[order]))


def _squared(rows: np.ndarray, one: np.ndarray) -> np.ndarray:
    difference = rows - one
    return np.einsum("rf,rf->r", difference, difference)


def _farthest(tree: _Edges, n: int, n_test: int) -> np.ndarray:
    """Mask (row,) of the rows to test: the fewest of the longest edges are cut that allow it."""
    low, high = 1, n - 1
    while low < high:  # parts that add up still do when they are cut further
        middle = (low + high) // 2
        sizes = np.bincount(_parts(tree, n, middle))
        low, high = (low, middle) if _sums(sizes)[0] >> n_test & 1 else (middle + 1, high)
    part_of = _parts(tree, n, low)
    sizes, apart = np.bincount(part_of), np.full(part_of.max() + 1, np.inf)
    for (one, other), length in zip(tree.ends[:low], tree.lengths[:low], strict=True):
        for part in (part_of[one], part_of[other]):
            apart[part] = min(apart[part], length)
    order = np.argsort(-apart, kind="stable")
    left, taken, reachable = n_test, [], _sums(sizes[order])
    for position, part in enumerate(order):
        size = int(sizes[part])
        if size <= left and reachable[position + 1] >> (left - size) & 1:
            taken.append(part)
            left -= size
    return np.isin(part_of, taken)


def _parts(tree: _Edges, n: int, cut: int) -> np.ndarray:
    """Part (row,), numbered by first row, that stays connected without the longest `cut` edges."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    kept = tree.ends[cut:]
    graph = coo_array((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _sums(sizes: np.ndarray) -> list[int]:
    """For every position the sums that sizes from there on can have, as bits of a number."""
    found = [1]
    for size in sizes[::-1]:
        found.append(found[-1] | found[-1] << int(size))
    return found[::-1]


def _nearest(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance (row,) to the nearest of others."""
    return np.sqrt([_squared(others, row).min() for row in rows])


#: How a kind of folds parts images: (features, pictures, folds, seed) -> columns part, distance.
PARTS: dict[str, Callable[[np.ndarray, tuple[str, ...], dict, int], pd.DataFrame]] = {
    "clusters": lambda features, pictures, folds, seed: clusters(
        features, pictures, folds["k"], seed
    ),
    "far": lambda features, pictures, folds, seed: far(features, pictures, folds["share"]),
}
