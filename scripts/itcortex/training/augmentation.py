"""One geometric augmentation for an image and its human map: both are cropped and mirrored alike.

A crop is given in shares of the image's sides, so that it cuts the same part out of a map of another
resolution. Cropping and resizing are done together, in one antialiased resampling.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from itcortex.errors import UserError

_TRIES = 10  # after so many, the central part is taken, as torchvision does


@dataclass(frozen=True)
class Crop:
    """A part of an image, in shares of its width and height, and whether it is mirrored."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    flip: bool = False

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part in pixels of an image of this size."""
        return (
            self.left * width,
            self.top * height,
            min(self.right * width, width),
            min(self.bottom * height, height),
        )


def random_crop(
    size: tuple[int, int],
    scale: tuple[float, float],
    ratio: tuple[float, float],
    flip: float,
    rng: np.random.Generator,
) -> Crop:
    """Crop of random area (share in `scale`) and aspect (in `ratio`, on a log scale), maybe mirrored.

    `size` (width, height) in pixels. The rectangle consists of whole pixels and is drawn by the rule of
    Inception (Szegedy et al. 2015), as in torchvision's RandomResizedCrop.
    """
    width, height = size
    mirrored = bool(rng.random() < flip)
    for _ in range(_TRIES):
        area = width * height * rng.uniform(*scale)
        aspect = math.exp(rng.uniform(*np.log(ratio)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            return _crop(left, top, w, h, size, mirrored)
    aspect = min(max(width / height, ratio[0]), ratio[1])
    w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
    return _crop((width - w) // 2, (height - h) // 2, w, h, size, mirrored)


def centre_crop(size: tuple[int, int], share: float) -> Crop:
    """The central square whose side is this share of the shorter side; `size` (width, height)."""
    side = share * min(size)
    left, top = ((length - side) / 2 for length in size)
    return Crop(left / size[0], top / size[1], (left + side) / size[0], (top + side) / size[1])


def _crop(left, top, width, height, size, flip) -> Crop:
    return Crop(
        left / size[0], top / size[1], (left + width) / size[0], (top + height) / size[1], flip
    )


def cut_image(
    image: Image.Image, crop: Crop, size: tuple[int, int], interpolation: str
) -> np.ndarray:
    """A part of a photograph as uint8 (row, column, rgb) of `size` (row, column)."""
    return np.asarray(_cut(image, crop, size, Image.Resampling[interpolation.upper()]))


def cut_map(human_map: np.ndarray, crop: Crop, size: tuple[int, int]) -> np.ndarray:
    """The same part of a human map (row, column) as float32 of `size`, bilinear."""
    image = Image.fromarray(np.ascontiguousarray(human_map, dtype=np.float32))
    return np.asarray(_cut(image, crop, size, Image.Resampling.BILINEAR))


def _cut(image, crop, size, how) -> Image.Image:
    part = image.resize((size[1], size[0]), how, box=crop.box(*image.size))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crop.flip else part


def require_same_aspect(image: Image.Image, human_map: np.ndarray, image_id: str) -> None:
    """Raise `UserError` if a map's shape, up to rounding by a pixel, is not its image's."""
    height, width = human_map.shape
    expected = image.width * height / image.height, image.height * width / image.width
    if min(abs(width - expected[0]), abs(height - expected[1])) > 1:
        raise UserError(
            f"{image_id}: the human map is {width} x {height} pixels, the image {image.width} x "
            f"{image.height}. Their aspect ratios differ, so it is not known which part of the image "
            "the map covers; bring the map to its image's aspect"
        )
