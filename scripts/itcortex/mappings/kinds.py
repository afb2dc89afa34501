"""Scores within kinds of image, beside those over all images.

A session may show kinds of image that differ in everything: photographs and textures, discs and whole
screens. What only tells the kinds apart then reaches a high r. Within one kind that contrast is gone:
r_k is the score r over the samples of kind k alone, fold by fold, with the same fits, and

    r_within_kinds = 1 / K sum_k r_k

over the K kinds. A kind that has fewer than `FEWEST_SAMPLES` samples in a fold has no r_k there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from itcortex.numerics.metrics import FEWEST_SAMPLES, METRICS, pearson

#: Begins the name of the score that holds r within one kind.
OF_KIND = "r of "


@dataclass(frozen=True)
class Kinds:
    """The kind of every image of a recording.

    Attributes
    ----------
    names : tuple of str
        Kinds, each once.
    of_image : int array (image,)
        Index into `names`. None where all images are of one kind.
    """

    names: tuple[str, ...]
    of_image: np.ndarray | None

    @classmethod
    def of(cls, labels: Sequence[str]) -> "Kinds":
        """Kinds from the label of every image."""
        names, of_image = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
        return cls(tuple(names.tolist()), of_image) if len(names) > 1 else ONE_KIND

    def of_images(self, images: np.ndarray) -> "Kinds":
        """The kinds of some `images` (index) alone."""
        if self.of_image is None:
            return self
        return Kinds.of([self.names[kind] for kind in self.of_image[images]])

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of all scores: `METRICS`, and r within every kind where there are several."""
        return (*METRICS, *(f"{OF_KIND}{name}" for name in self.names))

    def score(
        self, recorded: np.ndarray, predicted: np.ndarray, images: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Every score by name, arrays (site,), of responses (sample, site) to `images` (index).

        Samples are the images, or the positions of a grid, one image after the other.
        """
        found = {name: metric(recorded, predicted) for name, metric in METRICS.items()}
        within = self.samples(images, len(recorded))
        return found | {name: pearson(recorded[x], predicted[x]) for name, x in within.items()}

    def samples(self, images: np.ndarray, n_samples: int) -> dict[str, np.ndarray]:
        """Samples (index) of every kind that has enough of them, by the name of its score.

        There are `n_samples` samples of `images` (index). Empty where all images are of one kind.
        """
        if self.of_image is None:
            return {}
        kind_of = np.repeat(self.of_image[images], n_samples // len(images))
        found = {f"{OF_KIND}{x}": np.flatnonzero(kind_of == k) for k, x in enumerate(self.names)}
        return {name: rows for name, rows in found.items() if len(rows) >= FEWEST_SAMPLES}


ONE_KIND = Kinds((), None)
