"""Cross-validation over images: folds, and the choice of a layer without the test images.

The layer for an outer fold i must not depend on i's images. That takes, for every other fold j, a
model fitted without i and j. Models without {i, j} serve both orders, so that n folds need
n (n - 1) / 2 extra fits, all of them columns of the same products (see `itcortex.regression.pls`).
"""

from itertools import combinations

import numpy as np

from itcortex.errors import UserError
from itcortex.regression.design import Problem


def assign_folds(
    image_ids: tuple[str, ...], folds: str | int, rng: np.random.Generator
) -> np.ndarray:
    """Fold of every image: its own ("image"), or one of `folds` nearly equal parts drawn by `rng`.

    The draw is over sorted ids: the order of images in a file does not matter. Raises `UserError`
    when there are fewer images than folds, or fewer than three folds (two are needed to fit the
    models that choose a layer for the third).
    """
    n_images = len(image_ids)
    n_folds = n_images if folds == "image" else int(folds)
    if n_folds > n_images or n_folds < 3:
        raise UserError(
            f"encoding: folds: {folds!r} needs at least 3 folds and no more than there are images "
            f"({n_images}); choose a number from 3 to {n_images}"
        )
    if folds == "image":
        return np.arange(n_images)
    assigned = np.empty(n_images, int)
    assigned[rng.permutation(np.argsort(image_ids))] = np.arange(n_images) % n_folds
    return assigned


def fold_names(image_ids: tuple[str, ...], fold_of: np.ndarray) -> list[str]:
    """Name of every fold: the image's id where a fold is one image, else fold-00, fold-01, ..."""
    if len(set(fold_of)) == len(image_ids):
        return [image_ids[i] for i in np.argsort(fold_of)]
    return [f"fold-{fold:02d}" for fold in range(fold_of.max() + 1)]


def single_problems(n_folds: int, target: int) -> list[Problem]:
    """One problem a fold: the score of the test images."""
    return [Problem(target, (fold,)) for fold in range(n_folds)]


def pair_problems(n_folds: int, target: int) -> list[Problem]:
    """One problem a pair of folds: the scores that choose a layer for either."""
    return [Problem(target, pair) for pair in combinations(range(n_folds), 2)]


def choose_layers(inner: np.ndarray) -> np.ndarray:
    """Layer chosen for every outer fold from inner scores (layer, outer fold, inner fold).

    ``inner[layer, i, j]`` is the score on fold j of a model fitted without i and j; the diagonal is
    ignored. The layer with the highest mean is chosen, the shallower one in a tie. Raises
    `UserError` when no inner score of any layer is defined for some fold.
    """
    n_folds = inner.shape[1]
    off_diagonal = np.where(np.eye(n_folds, dtype=bool), np.nan, inner)
    if not np.isfinite(off_diagonal).any(2).all():
        raise UserError("no layer has a defined inner score: do the responses vary within folds?")
    return np.argmax(np.nanmean(off_diagonal, axis=2), axis=0)
