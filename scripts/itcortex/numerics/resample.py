"""Linear resampling of feature maps to a recording's grid, and its exact compression.

Each axis is resampled on its own by a fixed matrix, so that a flattened map's resampling is
``U = kron(Uy, Ux)``. Where the map is smaller than the grid, the columns of U span at most h * w
dimensions: with ``U = Q R`` (Q orthonormal) every product that an encoding model needs can be
taken on h * w rows for each image instead of gy * gx, exactly.
"""

from collections.abc import Callable
from functools import partial

import numpy as np


def bilinear(n_in: int, n_out: int) -> np.ndarray:
    """Matrix (n_out, n_in) that reads one axis at n_out points, between its two nearest cells.

    Point k lies at (k + 1/2) n_in / n_out - 1/2, moved to the nearest cell where it lies outside of
    the axis (torch calls this ``align_corners=False``; it is what `tf.image.resize` does). Towards
    fewer points nothing is averaged: cells between the points are not read.
    """
    centres = np.clip((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0, n_in - 1)
    return np.clip(1 - np.abs(centres[:, None] - np.arange(n_in)), 0, None)


def axis_matrix(n_in: int, n_out: int) -> np.ndarray:
    """Matrix (n_out, n_in) that resamples one axis; its rows sum to 1.

    To more points: `bilinear`. To fewer: means over the exact fractional cells, so that every
    input pixel has the same weight in total. Equal sizes: the identity. Raises `ValueError` for an
    axis without any point.
    """
    if n_in < 1 or n_out < 1:
        raise ValueError(f"cannot resample {n_in} to {n_out} points")
    if n_out > n_in:
        return bilinear(n_in, n_out)
    edges_out = np.arange(n_out + 1) * n_in / n_out
    low = np.maximum(edges_out[:-1, None], np.arange(n_in))
    high = np.minimum(edges_out[1:, None], np.arange(n_in) + 1)
    return np.clip(high - low, 0, None) * n_out / n_in


def resize_maps(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample maps (image, h, w, channel) to (image, *size, channel), float64."""
    up_y, up_x = axis_matrix(maps.shape[1], size[0]), axis_matrix(maps.shape[2], size[1])
    rows = np.einsum("yh,ihwc->iywc", up_y, maps, optimize=True)
    return np.einsum("xw,iywc->iyxc", up_x, rows, optimize=True)


def pool_maps(maps: np.ndarray, side: int) -> np.ndarray:
    """Maps (image, h, w, channel) averaged to at most side x side, float32; vectors as they are.

    This is for a recording without a grid. Where something lies on the image may matter to a site,
    but not to the pixel, and every cell costs as many features as the layer has channels.
    """
    if maps.ndim == 2:
        return maps
    size = (min(side, maps.shape[1]), min(side, maps.shape[2]))
    if size == maps.shape[1:3]:
        return maps.astype(np.float32)
    return resize_maps(maps, size).astype(np.float32)


def pooling(has_grid: bool, side: int | None) -> Callable[[np.ndarray], np.ndarray] | None:
    """What is done to maps before a fit: `pool_maps` for a recording without a grid, else None.

    Maps are whole for a recording with a grid, and where `side` is None.
    """
    return None if has_grid or side is None else partial(pool_maps, side=side)


def axis_factors(n_in: int, n_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors Q (n_out, k) and R (k, n_in) of `axis_matrix`, Q orthonormal, k = min(n_in, n_out).

    Rows of `axis_matrix` sum to 1, so the constant vector lies in the span of Q: means can be taken
    in the coordinates of Q. When the axis shrinks or keeps its size, Q is the identity.
    """
    matrix = axis_matrix(n_in, n_out)
    if n_in >= n_out:
        return np.eye(n_out), matrix
    basis, coordinates = np.linalg.qr(matrix)
    return basis, coordinates


def resize_images(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Photographs (image, row, column, rgb) as float32 (image, *size, rgb), as TensorFlow resizes."""
    rows, columns = (bilinear(images.shape[1 + k], size[k]) for k in (0, 1))
    by_colour = np.moveaxis(images, 3, 1).astype(np.float64)
    return np.moveaxis(rows @ by_colour @ columns.T, 1, 3).astype(np.float32)
