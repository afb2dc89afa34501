"""Intervals of scores on one test set: its images and the sites are drawn with replacement.

Where images are divided into folds, folds are drawn. One test set is one fold: what another draw of test
images would have given is only seen by drawing these.
"""

from dataclasses import dataclass

import numpy as np

from itcortex.numerics.metrics import median_over_sites, varies
from itcortex.numerics.sampling import draws_at_once

#: Variance within a draw, as a share of that of all images, below which a site does not vary in it.
_CONSTANT = 1e-12


@dataclass(frozen=True)
class ImageDraws:
    """Draws of images and sites that are the same whenever they are made: scores of a draw are paired.

    Attributes
    ----------
    draws : int
    seed : int or sequence of int
    """

    draws: int
    seed: int | tuple[int, ...]

    def predictivity(self, recorded: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Median over drawn sites of r over drawn images, (draw,).

        Parameters
        ----------
        recorded, predicted : arrays (image, ..., site)
            An image is drawn with all its positions.

        With c the number of times that an image is in a draw, r comes of the sums of c y, c y^2, c p,
        c p^2 and c y p. A site that does not vary in a draw has no r there; a prediction that does not
        has r = 0.
        """
        n_images, n_sites = len(recorded), recorded.shape[-1]
        sums = _sums(*(x.reshape(n_images, -1, n_sites) for x in (recorded, predicted)))
        n_positions = recorded[0].size // n_sites
        rng, found = np.random.default_rng(self.seed), np.empty(self.draws)
        at_once = draws_at_once(8 * n_sites)
        for start in range(0, self.draws, at_once):
            size = min(at_once, self.draws - start)
            counts = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=size)
            sites = rng.integers(n_sites, size=(size, n_sites))
            r = _pearson(counts.astype(float), sums, n_images * n_positions)
            found[start : start + size] = median_over_sites(np.take_along_axis(r, sites, 1))
        return found


def _sums(recorded: np.ndarray, predicted: np.ndarray) -> list[np.ndarray]:
    """Sums over positions of y, p, y^2, p^2 and y p, each (image, site), of z-scored values."""
    y, p = _z_scored(recorded), _z_scored(predicted)
    return [y.sum(1), p.sum(1), (y * y).sum(1), (p * p).sum(1), (y * p).sum(1)]


def _z_scored(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(-1, values.shape[2]).astype(float)
    spread = np.where(varies(flat), flat.std(0), np.inf)
    return ((flat - flat.mean(0)) / spread).reshape(values.shape)


def _pearson(counts: np.ndarray, sums: list[np.ndarray], n: int) -> np.ndarray:
    """r (draw, site) from counts (draw, image) and sums by image; n samples in a draw."""
    y, p, yy, pp, yp = (counts @ one / n for one in sums)
    of_y, of_p = yy - y * y, pp - p * p
    defined = of_y > _CONSTANT
    both = defined & (of_p > _CONSTANT)
    r = np.divide(yp - y * p, np.sqrt(np.abs(of_y * of_p)), out=np.zeros(y.shape), where=both)
    return np.where(defined, np.clip(r, -1, 1), np.nan)
