"""What a mapping finds in one layer: scores (every mapping) and predictions (some mappings)."""

from dataclasses import dataclass, replace

import numpy as np

from itcortex.mappings.kinds import ONE_KIND, Kinds

#: A unit whose standard deviation is so many times the median unit's is loud: RSA and CKA then see it
#: alone, and ridge regression begins to. In the ImageNet networks of the demo and of the V4 sessions no
#: layer's loudest unit is above 13.
LOUD_UNIT = 100
#: Share of sites whose ridge penalty is at an end of the grid from which on it is said.
AT_EDGE = 0.05


@dataclass
class LayerScores:
    """Scores of one layer on held-out images.

    Attributes
    ----------
    metrics : dict of float64 arrays (target, fold, site)
        Every metric of `itcortex.numerics.metrics.METRICS`, on the held-out images of the fold, and r
        within kinds of image (`itcortex.mappings.kinds`) where there are several.
    inner : float64 array (fold, group)
        ``inner[i, j]``: median over sites of r on group j, by models that were fitted without fold i
        and group j. These scores choose the layer of fold i. The first groups are the folds; there are
        more where some images only train (see `itcortex.mappings.folds.Division`).
    """

    metrics: dict[str, np.ndarray]
    inner: np.ndarray


@dataclass
class LayerPredictions(LayerScores):
    """Scores of a mapping that predicts the sites, and its predictions.

    Attributes
    ----------
    predictions : float32 array (image, y, x, site)
        Held-out predictions of the first target; NaN for images that are not tested.
    n_components : int or None
        Fewest components of PLS that any problem reached: below the number that was asked for, the
        numerical rank ended it. None for mappings without components.
    penalties : float64 array (target, fold, site) or None
        Penalty of ridge regression, in units of the mean eigenvalue; None for mappings without one.
    at_edge : bool array (target, fold, site) or None
        Whether it is the smallest or the largest that was tried.
    dimensionality : float or None
        Effective dimensionality of the features over all images, where the fit has it anyway.
    """

    predictions: np.ndarray
    n_components: int | None = None
    penalties: np.ndarray | None = None
    at_edge: np.ndarray | None = None
    dimensionality: float | None = None


def empty_predictions(
    shape: tuple[int, ...],
    n_folds: int,
    n_groups: int,
    n_components: int,
    kinds: Kinds = ONE_KIND,
) -> LayerPredictions:
    """Scores and predictions to be filled in, for responses of shape (target, image, y, x, site)."""
    return LayerPredictions(
        metrics={name: np.full((shape[0], n_folds, shape[4]), np.nan) for name in kinds.scores},
        inner=np.full((n_folds, n_groups), np.nan),
        predictions=np.full(shape[1:], np.nan, np.float32),
        n_components=n_components,
    )


def join_targets(results: list[LayerScores]) -> LayerScores:
    """One layer's scores on all targets, from those on some targets each; the first targets lead."""
    first = results[0]
    joined = {
        name: np.concatenate([result.metrics[name] for result in results]) for name in first.metrics
    }
    by_target = {
        name: np.concatenate([getattr(result, name) for result in results])
        for name in ("penalties", "at_edge")
        if getattr(first, name, None) is not None
    }
    return replace(first, metrics=joined, **by_target)


def of_target(result: LayerScores, number: int) -> LayerScores:
    """One layer's scores on one target alone; predictions stay, which are of the first."""
    part = slice(number, number + 1)
    by_target = {
        name: getattr(result, name)[part]
        for name in ("penalties", "at_edge")
        if getattr(result, name, None) is not None
    }
    metrics = {name: values[part] for name, values in result.metrics.items()}
    return replace(result, metrics=metrics, **by_target)


def chosen_predictions(
    results: list[LayerPredictions], chosen: np.ndarray, tested_in: np.ndarray
) -> np.ndarray:
    """Held-out predictions (image, y, x, site) of the layer that was chosen for every image's split.

    `tested_in` (image,) is the split that tests an image; -1 for one that only trains: NaN.
    """
    predictions = np.full(results[chosen[0]].predictions.shape, np.nan, np.float32)
    for split, layer in enumerate(chosen):
        images = tested_in == split
        predictions[images] = results[layer].predictions[images]
    return predictions
