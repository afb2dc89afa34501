"""How ridge regression chooses its penalties: the settings `encoding: ridge`, and what `auto` means."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: Larger recordings leave out images, not folds, where `inner` is `auto`: images, and responses (images
#: times positions times sites).
MOST_IMAGES, MOST_RESPONSES = 5000, 10_000_000


@dataclass(frozen=True)
class RidgeOptions:
    """Settings of ridge regression.

    Attributes
    ----------
    inner : 'folds', 'images' or 'auto'
        What is left out within the training images to choose penalty and layer: the other folds
        (`itcortex.mappings.ridge`), or one image after the other (`itcortex.mappings.ridge_spectral`).
    lowest, highest, number
        Penalties that are tried, evenly spaced in their logarithm, in units of the mean eigenvalue.
    precision : 'float64' or 'float32'
        Of products and eigenvectors where images are left out.
    """

    inner: str = "auto"
    lowest: float = 1e-4
    highest: float = 1e4
    number: int = 9
    precision: str = "float64"

    @classmethod
    def of(cls, settings: Mapping) -> "RidgeOptions":
        """From the settings `encoding: ridge`."""
        return cls(settings["inner"], **settings["penalties"], precision=settings["precision"])

    @property
    def penalties(self) -> tuple[float, ...]:
        """The penalties, ascending."""
        ends = np.log10([self.lowest, self.highest])
        return tuple(float(value) for value in np.logspace(*ends, self.number))

    def leaves_out_images(self, n_images: int, n_responses: int) -> bool:
        """Whether images, not folds, are left out of a recording of this size."""
        if self.inner == "auto":
            return n_images > MOST_IMAGES or n_responses > MOST_RESPONSES
        return self.inner == "images"

    def unused_on_folds(self, device: str, n_images: int, n_responses: int) -> str:
        """What has no effect where folds are left out of a recording of this size; empty if all has."""
        unused = [f"ridge: precision: {self.precision}"] if self.precision != "float64" else []
        unused += [f"device: {device}"] if device != "cpu" else []
        if not unused:
            return ""
        return (
            f"encoding: {' and '.join(unused)}: without effect on ridge regression here, which chooses "
            f"penalties on folds, in float64 on the CPU (ridge: inner: {self.inner}, {n_images} images "
            f"and {n_responses} responses); set ridge: {{inner: images}} for all recordings alike"
        )


RIDGE = RidgeOptions()
