"""The simplest model of a visual response: brightness, colour and contrast where a site looks."""

import numpy as np

from itcortex.numerics.resample import resize_maps

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601
_SIDE = 32  # cells of the pictures' longer side, in which contrast is measured


def pixel_maps(images: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Maps (image, y, x, channel), float64, of images (image, row, column, rgb).

    Channels are luminance, red minus green, blue minus yellow, and the local contrast: the standard
    deviation of the luminance within a cell of the picture. They are averaged to the recording's grid.
    """
    fine = tuple(max(n, min(_SIDE, m)) for n, m in zip(grid, images.shape[1:3], strict=True))
    maps = []
    for image in images:
        pixels = image / 255
        luminance = pixels @ LUMA
        red, green, blue = np.moveaxis(pixels, -1, 0)
        channels = np.stack([luminance, luminance**2, red - green, blue - (red + green) / 2], -1)
        maps.append(resize_maps(channels[None], fine)[0])
    means = np.stack(maps)
    contrast = np.sqrt(np.clip(means[..., 1] - means[..., 0] ** 2, 0, None))
    return resize_maps(np.concatenate([means[..., [0, 2, 3]], contrast[..., None]], -1), grid)
