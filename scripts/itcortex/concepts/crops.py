"""Square crops of images, cut when they are asked for, and the crops that answer most to a concept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Crops:
    """Square parts of images, as a sequence that is cut piecewise.

    One crop (uint8 row, column, rgb), or a slice of crops as a list, is cut when it is asked for: images
    may stay in their file.

    Attributes
    ----------
    images : uint8 array (image, row, column, rgb), or what is indexed as one
    image_of, top, left : int arrays (crop,)
        Image of every crop, and its upper left corner in pixels.
    side : pixels.
    """

    images: np.ndarray
    image_of: np.ndarray
    top: np.ndarray
    left: np.ndarray
    side: int

    @classmethod
    def draw(
        cls, images: np.ndarray, share: float, count: int, rng: np.random.Generator
    ) -> "Crops":
        """`count` crops, as many of every image up to one; `rng` draws places, all equally probable.

        The side of a crop is the `share` of the shorter side of the images. Of more images than crops
        some are taken, evenly spread.
        """
        n_images, height, width = images.shape[:3]
        side = max(1, round(share * min(height, width)))
        image_of = np.arange(count) * n_images // count
        top = rng.integers(height - side + 1, size=count)
        left = rng.integers(width - side + 1, size=count)
        return cls(images, image_of, top, left, side)

    def __len__(self) -> int:
        """Number of crops."""
        return len(self.image_of)

    def __getitem__(self, index: int | slice) -> np.ndarray | list[np.ndarray]:
        """One crop, or those of a slice; an image is read once for its neighbouring crops."""
        if not isinstance(index, slice):
            return self[int(index) : int(index) + 1][0]
        found, last, image = [], None, None
        for crop in range(*index.indices(len(self))):
            if self.image_of[crop] != last:
                last = self.image_of[crop]
                image = np.asarray(self.images[int(last)])
            top, left = self.top[crop], self.left[crop]
            found.append(image[top : top + self.side, left : left + self.side])
        return found


def strongest(strengths: np.ndarray, groups: Sequence, count: int) -> np.ndarray:
    """At most `count` crops (index) of the highest strengths, the highest first, one of each group.

    `strengths` (crop,) are of one concept; `groups` (crop,) name what a crop was cut from. Crops of
    strength 0 are no examples.
    """
    found: list[int] = []
    seen: set = set()
    for crop in np.argsort(-strengths, kind="stable"):
        if len(found) == count or strengths[crop] <= 0:
            break
        if groups[crop] not in seen:
            seen.add(groups[crop])
            found.append(int(crop))
    return np.array(found, int)
