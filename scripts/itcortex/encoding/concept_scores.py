"""What concepts of a layer predict of the sites: all of them, all but one, and one alone.

Features are how much of each concept is at every position of the layer's maps. They are fitted as the
layer itself is in the main analysis: same mapping, same folds, same score. So the difference of two rows
is what concepts leave out, or what one concept adds to the others.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from itcortex.mappings.folds import Division
from itcortex.mappings.layer_scores import LayerScores
from itcortex.running import progress

#: Sets of features: the whole layer, all of its concepts, all but one of them, one alone.
LAYER, CONCEPTS, WITHOUT, ALONE = "layer", "concepts", "without", "alone"
#: Columns of the scores. `concept` counts from 1; it is 0 where no concept is singled out.
COLUMNS = ["features", "concept", "fold", "site", "r"]


def score_concepts(
    maps: np.ndarray,
    strengths: np.ndarray,
    responses: np.ndarray,
    division: Division,
    fit: Callable[[np.ndarray, np.ndarray, Division], LayerScores],
    sites: tuple[str, ...],
) -> pd.DataFrame:
    """Pearson r of every set of features on the held-out images of every fold, by site.

    Parameters
    ----------
    maps : array (image, h, w, channel) or (image, channel)
        The layer.
    strengths : array (image, h, w, concept) or (image, concept)
        What is in it of each concept, at least two (`itcortex.concepts.factorization.take_apart`).
    responses : float64 array (image, y, x, site)
    division : Division
    fit : (maps, responses (target, ...), division) -> LayerScores
        A mapping, see `itcortex.encoding.protocols.Protocol.fitter`.
    sites : names.

    Returns
    -------
    Columns `COLUMNS`.
    """
    number = strengths.shape[-1]
    sets = [(LAYER, 0, maps), (CONCEPTS, 0, strengths)]
    sets += [(WITHOUT, k + 1, np.delete(strengths, k, -1)) for k in range(number)]
    sets += [(ALONE, k + 1, strengths[..., k : k + 1]) for k in range(number)]
    parts = []
    for name, concept, features in progress.bar(sets, "concepts", unit="fit"):
        r = fit(features, responses[None], division).metrics["r"][0]
        parts.append(
            pd.DataFrame(
                {
                    "features": name,
                    "concept": concept,
                    "fold": np.repeat(division.names, len(sites)),
                    "site": np.tile(sites, len(division)),
                    "r": r.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[COLUMNS]
