"""The scores of one job as a tidy table: one row for each layer, fold, window and metric."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from itcortex.encoding.targets import Target
from itcortex.mappings.layer_scores import LayerScores


def raw_scores(
    labels: dict,
    targets: list[Target],
    layers: dict[str, float],
    results: list[LayerScores],
    chosen: np.ndarray,
    folds: list[str],
    sites: tuple[str, ...],
    types: Mapping[str, pd.CategoricalDtype] | None = None,
) -> pd.DataFrame:
    """One row for each layer, target, fold and site.

    Texts are categorical; `types` names the categories of some, which otherwise are what occurs, sorted.

    `layers` maps names to relative depths, in the order of `results`; `chosen` (fold,) indexes
    them. Windows of a recording without time are NaN. `penalty` is ridge regression's, in units of the
    mean eigenvalue, and `penalty_at_edge` 1 where it is the smallest or the largest that was tried, else
    0; both are NaN for mappings without penalties.
    """
    shape = (len(layers), len(targets), len(folds), len(sites))
    index = np.indices(shape, sparse=False).reshape(4, -1)

    def column(values, axis, **kind):
        return np.asarray(values, **kind)[index[axis]]

    def text(name, values, axis=None):
        known = (types or {}).get(name) or pd.CategoricalDtype(sorted(set(values)))
        codes = known.categories.get_indexer(values)
        taken = np.zeros(index.shape[1], int) if axis is None else index[axis]
        return pd.Categorical.from_codes(codes[taken], dtype=known)

    windows = [t.window or (np.nan, np.nan) for t in targets]
    metrics = {
        name: np.concatenate([result.metrics[name].ravel() for result in results])
        for name in results[0].metrics
    }
    penalties = {
        "penalty": [getattr(result, "penalties", None) for result in results],
        "penalty_at_edge": [getattr(result, "at_edge", None) for result in results],
    }
    of_penalties = {
        name: np.full(index.shape[1], np.nan)
        if values[0] is None
        else np.concatenate([value.ravel() for value in values]).astype(float)
        for name, values in penalties.items()
    }
    columns = {
        **{name: text(name, [value]) for name, value in labels.items()},
        "control": text("control", [t.control for t in targets], 1),
        "permutation": column([t.permutation for t in targets], 1),
        "main_window": column([t.main for t in targets], 1),
        "layer": text("layer", list(layers), 0),
        "depth": column(list(layers.values()), 0),
        "window_start": column([w[0] for w in windows], 1, dtype=float),
        "window_stop": column([w[1] for w in windows], 1, dtype=float),
        "fold": text("fold", folds, 2),
        "site": text("site", sites, 3),
        **metrics,
        **of_penalties,
        "chosen": index[0] == np.asarray(chosen)[index[2]],
    }
    return pd.DataFrame(columns)
