"""The reverse direction: how well the array's sites predict a layer's units.

A layer may hold everything that the sites carry and much else besides. The forward direction cannot
see the rest; this direction does (e.g. Muzellec & Kar 2025). A *unit* is a channel, resampled to the
grid, at every position (without a grid it is one cell of one channel). Folds and ridge regression are
those of the forward direction (see `itcortex.regression.ridge`; here each unit has a penalty of its
own). The features are the sites' responses at a position, z-scored over all images, so that no site
counts more than another for its unit or its rate.

The columns hold the median over units of each metric: one number for each fold (the site axis has
length 1).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from itcortex.mappings.features import fold_samples
from itcortex.mappings.folds import Division
from itcortex.mappings.kinds import ONE_KIND, Kinds
from itcortex.mappings.layer_scores import LayerScores
from itcortex.numerics.metrics import median_over_sites, pearson, varies
from itcortex.numerics.sampling import bootstrap_predictivity, random_halves
from itcortex.regression import ridge
from itcortex.regression.design import Design

#: Random halves of the trials, over whose predictions the bound is averaged.
HALVES = 5
#: Draws of folds and units behind the interval of a bound.
DRAWS = 1000
#: Units that are predicted, at most, of every layer.
MAX_UNITS = 256


def fit_layer(
    maps: np.ndarray,
    responses: np.ndarray,
    fold_of: np.ndarray,
    rng: np.random.Generator,
    max_units: int = MAX_UNITS,
    penalties: tuple[float, ...] = ridge.PENALTIES,
    kinds: Kinds = ONE_KIND,
    tested: int | None = None,
) -> LayerScores:
    """Cross-validated prediction of one layer's units from all sites, for several targets.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
    responses : float64 array (target, image, y, x, site)
    fold_of : int array (image,)
    rng : numpy Generator
        Draws the units where more than `max_units` vary over the samples; the same for all targets.
    max_units : int
    penalties : tuple of float
        In units of the mean eigenvalue of the z-scored sites.
    kinds : Kinds
        Kind of every image, for scores within kinds.
    tested : int
        So many folds are tested; the others only train, and choose penalty and layer. All, if not given.

    A layer without a unit that varies has NaN everywhere.
    """
    n_targets, _, gy, gx, n_sites = responses.shape
    units, order = _units(maps, (gy, gx), fold_of, rng, max_units)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(fold_of))]) * gy * gx
    n_folds = len(bounds) - 1 if tested is None else tested
    metrics = {name: np.full((n_targets, n_folds, 1), np.nan) for name in kinds.scores}
    inner = np.full((n_folds, len(bounds) - 1), np.nan)
    if not units.shape[1]:
        return LayerScores(metrics, inner)

    def score(fold, predicted):
        return pearson(units[bounds[fold] : bounds[fold + 1]], predicted)

    for target in range(n_targets):
        design = Design(
            _standardised(responses[target, order].reshape(-1, n_sites)),
            np.ones(len(order) * gy * gx),
            bounds,
        )
        # scores of pairs of folds cost time, and only the first target chooses layers
        fits = ridge.cross_validate(
            design, units[None], penalties, score if target == 0 else _no_score, tested
        )
        if target == 0:
            inner = median_over_sites(fits.inner)
        for fold in range(n_folds):
            rows = design.group(fold)
            images = order[bounds[fold] // (gy * gx) : bounds[fold + 1] // (gy * gx)]
            scores = kinds.score(units[rows], fits.predictions[0, rows], images)
            for name, values in scores.items():
                metrics[name][target, fold, 0] = median_over_sites(values)
    return LayerScores(metrics, inner)


@dataclass(frozen=True)
class Repeats:
    """Single trials, and the responses that units are predicted from.

    Attributes
    ----------
    trials : array (repeated image, y, x, site, repeat)
        NaN where a repeat is missing.
    images : int array (repeated image,)
        Which images they are of.
    responses : float64 array (image, y, x, site)
    """

    trials: np.ndarray
    images: np.ndarray
    responses: np.ndarray

    def of_images(self, chosen: np.ndarray) -> "Repeats":
        """The trials of some images alone (mask of all images)."""
        kept = chosen[self.images]
        return Repeats(self.trials[kept], self.images[kept], self.responses)


def without_bound(repeats: Repeats | None, division: Division) -> str:
    """Why `prediction_bounds` cannot say what noise leaves; empty if it can."""
    if repeats is None:
        return "the recording has no single trials"
    if division.group_of is None:
        return "images are tested several times or never"
    tested = np.flatnonzero(division.tested)
    once = np.setdiff1d(tested, repeats.images)
    return f"{len(once)} of {len(tested)} test images have no repeats" if len(once) else ""


def prediction_bounds(
    maps: np.ndarray,
    repeats: Repeats,
    division: Division,
    rng: np.random.Generator,
    splits: int = HALVES,
    max_units: int = MAX_UNITS,
    penalties: tuple[float, ...] = ridge.PENALTIES,
) -> np.ndarray:
    """The highest r (fold, unit) that units predicted from sites with this noise can have.

    Units are noise-free, the sites that predict them are not. So the trials are split into random
    halves, a unit is predicted from either half, and the two predictions are correlated over the samples
    of a fold. With r-bar, the mean over splits, the reliability of the prediction from all trials is
    2 r-bar / (1 + r-bar) (Spearman-Brown), and its square root bounds its correlation with anything that
    has no noise. The bound of a fold is the median over units.

    Of folds, units are fitted to either half as well. Of one test set the training images, which may
    have been shown once, stay as they are, with repeats or without: the fit is one, and predicts from
    either half of the test images' trials. What noise of the training images costs is not in that bound.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
    repeats : Repeats
        For which `without_bound` has nothing to say. Sites with fewer than two repeats of some tested
        sample are left out.
    division : Division
    rng : numpy Generator
        Draws the units first, as `fit_layer` does with a generator in the same state; then the halves.
    splits, max_units, penalties
        As in `fit_layer`; `splits` is the number of random halves.

    NaN where no site has two repeats of every tested sample; without a column for a layer without a unit
    that varies.
    """
    used = np.flatnonzero(division.group_of >= 0)
    groups, grid = division.group_of[used], repeats.responses.shape[1:3]
    units, order = _units(maps[used], grid, groups, rng, max_units)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(groups))]) * grid[0] * grid[1]
    total = np.zeros((len(division), units.shape[1]))
    repeats = repeats.of_images(division.tested)
    complete = (np.isfinite(repeats.trials).sum(-1) >= 2).all((0, 1, 2))
    if not complete.any() or not units.shape[1]:
        return np.full(total.shape, np.nan)
    ones = np.ones(len(units))
    for _ in range(splits):
        both = [
            ridge.cross_validate(
                Design(sites[order].reshape(len(units), -1), ones, bounds), units[None], penalties,
                _no_score, len(division),
            ).predictions[0]
            for sites in _halves(repeats, complete, used, division.tests_once, rng)
        ]  # fmt: skip
        for fold, (start, stop) in enumerate(pairwise(bounds[: len(division) + 1])):
            total[fold] += pearson(*(one[start:stop] for one in both))
    r = total / splits
    return np.sqrt(np.clip(2 * r / (1 + r), 0, None))


@dataclass(frozen=True)
class Bounds:
    """Bounds of a layer: median over units of each fold, and the ends of the interval of their mean."""

    by_fold: np.ndarray
    low: float
    high: float

    @classmethod
    def of(cls, bounds: np.ndarray, rng: np.random.Generator) -> "Bounds":
        """From bounds (fold, unit): folds and units are drawn with replacement, 95 %; NaN for none."""
        if not np.isfinite(bounds).any():
            return cls(np.full(len(bounds), np.nan), np.nan, np.nan)
        ends = bootstrap_predictivity(bounds, DRAWS, rng)
        return cls(median_over_sites(bounds), *ends)


def _halves(repeats, complete, used, of_folds, rng):
    """Both halves as z-scored sites (used image, y, x, site); of one test set as all responses are."""
    halves = random_halves(repeats.trials[:, :, :, complete].astype(float), rng)
    whole = repeats.responses[..., complete].astype(float)
    place, shape = (len(used), *whole.shape[1:3], -1), (-1, whole.shape[3])
    like = None if of_folds else whole[used].reshape(shape)
    for half in halves:
        sites = whole.copy()
        sites[repeats.images] = half
        yield _standardised(sites[used].reshape(shape), like).reshape(place)


def _standardised(sites: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Centred sites (sample, site) over their own spread, or that of `like`; 0 where that is 0."""
    known = sites if like is None else like
    centred, spread = sites - sites.mean(0), known.std(0)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=varies(known))


def _no_score(fold: int, predicted: np.ndarray) -> np.ndarray:
    """Undefined score per unit."""
    return np.full(predicted.shape[1], np.nan)


def _units(maps, grid, fold_of, rng, max_units):
    """Drawn units (sample, unit), float64, images sorted by fold; and that order of images."""
    chosen = np.flatnonzero(_units_that_vary(maps, grid))
    if len(chosen) > max_units:
        chosen = np.sort(rng.choice(chosen, max_units, replace=False))
    flat = maps if grid[0] * grid[1] > 1 else maps.reshape(len(maps), -1)
    parts = list(fold_samples(flat[..., chosen], grid, fold_of))
    order = np.concatenate([images for _, images, _ in parts])
    return np.concatenate([features for _, _, features in parts]).astype(np.float64), order


def _units_that_vary(maps, grid):
    """Mask (unit,): channels that vary over images and positions, or cells that do over images."""
    flat = (
        maps.reshape(-1, maps.shape[-1]) if grid[0] * grid[1] > 1 else maps.reshape(len(maps), -1)
    )
    return flat.max(0) != flat.min(0)  # NaN, which others refuse, counts as varying
