"""Concepts of networks as tables: how much each matters to the answer, and to what predicts the sites.

Scores are means over folds of the median over sites, as everywhere. Intervals (95 %) are from draws of
folds and sites with replacement, the same for all features of a network, so that differences are paired;
of importances, from draws of images.
"""

import numpy as np
import pandas as pd

from itcortex.encoding.concept_scores import ALONE, CONCEPTS, LAYER, WITHOUT
from itcortex.numerics.metrics import predictivity
from itcortex.numerics.sampling import bootstrap_mean, percentile_interval

#: Of whom a row tells, and how its scores came about.
NETWORK = ["recording", "model", "weights", "mapping", "protocol", "layer"]


def _with_ends(*names: str) -> list[str]:
    return [f"{name}{end}" for name in names for end in ("", "_low", "_high")]


COLUMNS = [*NETWORK, "concept", *_with_ends("importance", "r_alone", "drop", "share"), "n_images"]
ENCODING = [*NETWORK, "n_concepts", *_with_ends("r_layer", "r_concepts", "kept"), "explained",
            "positive", "n_crops", "n_folds", "n_sites"]  # fmt: skip


def concept_tables(
    scores: pd.DataFrame, importances: np.ndarray, draws: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for every concept, and one for all concepts of a network on a recording.

    Parameters
    ----------
    scores : of `itcortex.encoding.concept_scores.score_concepts`.
    importances : float64 array (image, concept)
    draws : of every interval.

    Returns
    -------
    The columns of `COLUMNS` and of `ENCODING` that follow from these: `drop` is r of all concepts minus
    r without this one, `share` is that over r of all concepts, `kept` is r of all concepts over r of
    the layer. Shares are NaN where what they are of is not above 0.
    """
    values = _by_features(scores)
    n_folds, n_sites = values[LAYER, 0].shape
    sets = {name: predictivity(one) for name, one in values.items()}
    drawn = _draw(values, draws, rng)
    numbers = sorted({concept for _, concept in values if concept})
    rows = []
    for concept in numbers:
        of_images = importances[:, concept - 1]
        row = {"concept": concept, "importance": float(of_images.mean())}
        ends = bootstrap_mean(of_images, draws, rng) if len(of_images) > 1 else (np.nan, np.nan)
        row |= dict(zip(("importance_low", "importance_high"), ends, strict=True))
        for name, of in (("r_alone", _alone), ("drop", _drop), ("share", _share)):
            row |= _interval(name, of(sets, concept), of(drawn, concept))
        rows.append(row | {"n_images": len(importances)})
    whole = {"n_concepts": len(numbers)}
    for name, features in (("r_layer", LAYER), ("r_concepts", CONCEPTS)):
        whole |= _interval(name, sets[features, 0], drawn[features, 0])
    whole |= _interval("kept", _kept(sets), _kept(drawn))
    whole |= {"n_folds": n_folds, "n_sites": n_sites}
    return pd.DataFrame(rows), pd.DataFrame([whole])


def _by_features(scores: pd.DataFrame) -> dict[tuple[str, int], np.ndarray]:
    """r (fold, site) by features and concept, folds and sites in the order in which they come."""
    n_folds, n_sites = scores["fold"].nunique(), scores["site"].nunique()
    groups = scores.groupby(["features", "concept"], sort=False)
    return {key: rows["r"].to_numpy().reshape(n_folds, n_sites) for key, rows in groups}


def _draw(values: dict, draws: int, rng: np.random.Generator) -> dict:
    """Scores (draw,) of all features, with one draw of folds and sites for all of them."""
    stacked = np.stack(list(values.values()))
    _, n_folds, n_sites = stacked.shape
    found = np.empty((draws, len(stacked)))
    for k in range(draws):
        folds, sites = rng.integers(n_folds, size=(n_folds, 1)), rng.integers(n_sites, size=n_sites)
        found[k] = predictivity(stacked[:, folds, sites])
    return dict(zip(values, found.T, strict=True))


def _alone(sets: dict, concept: int) -> np.ndarray:
    return sets[ALONE, concept]


def _drop(sets: dict, concept: int) -> np.ndarray:
    return sets[CONCEPTS, 0] - sets[WITHOUT, concept]


def _share(sets: dict, concept: int) -> np.ndarray:
    return _over(_drop(sets, concept), sets[CONCEPTS, 0])


def _kept(sets: dict) -> np.ndarray:
    return _over(sets[CONCEPTS, 0], sets[LAYER, 0])


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def _interval(name: str, value: np.ndarray, drawn: np.ndarray) -> dict[str, float]:
    """A value with its ends; NaN where no draw has one."""
    known = np.isfinite(drawn).any()
    low, high = percentile_interval(drawn).tolist() if known else (np.nan, np.nan)
    return {name: float(value), f"{name}_low": low, f"{name}_high": high}
