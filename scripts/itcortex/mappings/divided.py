"""A mapping's fit on the images of a division that take part in it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from itcortex.mappings.folds import Division
from itcortex.mappings.layer_scores import LayerPredictions, LayerScores


def fit_groups(
    fit: Callable[..., LayerScores],
    maps: np.ndarray,
    responses: np.ndarray,
    division: Division,
    with_pictures: bool = False,
    **options,
) -> LayerScores:
    """Scores of one layer by `fit(maps, responses, group_of, kinds=, tested=, **options)`.

    Parameters
    ----------
    fit : function
        `fit_layer` of a mapping that works on folds. `tested` is the number of folds that are scored.
    maps : array (image, ...)
    responses : float64 array (target, image, y, x, site)
    division : Division
        Of folds. Images that it leaves out (group -1) are not seen by `fit`, and have NaN predictions.
    with_pictures : bool
        Whether `fit` takes `pictures`.
    """
    used = np.flatnonzero(division.group_of >= 0)
    kinds, pictures, everything = division.kinds, division.pictures, len(used) == len(maps)
    if not everything:
        maps, responses = maps[used], responses[:, used]
        pictures = tuple(pictures[i] for i in used)
        kinds = kinds.of_images(used)
    if with_pictures:
        options["pictures"] = pictures
    groups = division.group_of[used]
    found = fit(maps, responses, groups, kinds=kinds, tested=len(division), **options)
    if not everything and isinstance(found, LayerPredictions):
        values = np.full((division.n_images, *found.predictions.shape[1:]), np.nan, np.float32)
        values[used] = found.predictions
        found = replace(found, predictions=values)
    return found
