"""Stimuli: the images that were shown, as one uint8 array with their names."""

from dataclasses import dataclass

import numpy as np

from itcortex.errors import UserError


@dataclass(frozen=True)
class Stimuli:
    """Images of one size: `images` uint8 (image, row, column, rgb), named by `image_ids`."""

    images: np.ndarray
    image_ids: tuple[str, ...]

    def __post_init__(self):
        """Refuse anything that is not uint8 RGB with one unique name an image."""
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] != 3:
            raise UserError(
                f"stimuli must be uint8 (image, row, column, 3); got {self.images.dtype} "
                f"{self.images.shape}"
            )
        if len(set(self.image_ids)) != len(self.images) or len(self.image_ids) != len(self.images):
            raise UserError(
                f"{len(self.images)} images need as many unique ids; got {len(self.image_ids)}, "
                f"{len(set(self.image_ids))} of them different"
            )
