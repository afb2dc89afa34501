"""What one layer predicts: scores, and held-out predictions."""

from dataclasses import dataclass

import numpy as np

from itcortex.numerics.metrics import METRICS


@dataclass
class LayerScores:
    """What one layer predicts.

    Attributes
    ----------
    metrics : dict of float64 arrays (target, fold, site)
        Every metric of `itcortex.numerics.metrics.METRICS`, on the held-out fold.
    inner : float64 array (fold, fold)
        ``inner[i, j]``: median over sites of r on fold j by models fitted without i and j.
    predictions : float32 array (image, y, x, site)
        Held-out predictions of the first target.
    n_components : int
        Fewest components that any problem reached; below the asked number, the rank ended it.
    """

    metrics: dict[str, np.ndarray]
    inner: np.ndarray
    predictions: np.ndarray
    n_components: int


def empty_scores(shape: tuple[int, ...], n_folds: int, n_components: int) -> LayerScores:
    """Scores to be filled in, for responses of a shape (target, image, y, x, site)."""
    return LayerScores(
        metrics={name: np.full((shape[0], n_folds, shape[4]), np.nan) for name in METRICS},
        inner=np.full((n_folds, n_folds), np.nan),
        predictions=np.full(shape[1:], np.nan, np.float32),
        n_components=n_components,
    )


def chosen_predictions(
    results: list[LayerScores], chosen: np.ndarray, fold_of: np.ndarray
) -> np.ndarray:
    """Held-out predictions (image, y, x, site) of the layer chosen for every image's fold."""
    return np.stack([results[chosen[fold]].predictions[i] for i, fold in enumerate(fold_of)])
