"""One question under every combination of analysis choices that a run holds.

A specification is one value of each choice; its answer is Spearman's rho of accuracy and score over
networks trained for accuracy. Choices (columns of the table):

- `recording`: one array, or `mean`: the mean score over all arrays that a network has.
- `mapping`, `protocol`, `folds`: what jobs were run with.
- `layer`: `nested` (chosen without the test images), `best` (on the test images themselves), `last`.
- `metric`: r, rho or explained variance.
- `ceiling`: `none`, or the formula that r is divided by. Within one recording a ceiling is one number
  and turns no rank: it is a choice of `mean` alone.
- `window`: `main`, or a window of the time course, "50-90" ms.
- `range`: the lowest ImageNet top-1 (%) that is kept.
- `unit`: `models`, or `families`: means over families.

How much a choice moves the answer is the mean difference between the highest and the lowest rho that its
values give while all other choices stay as they are.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from itcortex.encoding.recording_pairs import is_of_recordings
from itcortex.numerics import weighted
from itcortex.numerics.metrics import METRICS
from itcortex.tables.summary import SITEWISE
from itcortex.tables.trend_limits import MINIMUM_FAMILIES, MINIMUM_MODELS, NOT_BASELINE
from itcortex.tables.trends import FEW_FAMILIES, family_draws, interval_of

CHOICES = ["recording", "mapping", "protocol", "folds", "layer", "metric", "ceiling", "window",
           "range", "unit"]  # fmt: skip
COLUMNS = [*CHOICES, "value", "low", "high", "n_models", "n_families", "main"]
INFLUENCE = ["choice", "values", "compared", "moves", "most", "turns", "lowest", "highest"]
NONE, MEAN, MAIN = "none", "mean", "main"
_NETWORK = ["model", "weights", "family", "top1"]
_JOB = ["recording", "mapping", "protocol", "folds"]
_WINDOW = ["window_start", "window_stop"]


def by_network(scores: pd.DataFrame) -> pd.DataFrame:
    """Score of every network under every rule of layers, and in every metric and window.

    Parameters
    ----------
    scores : as in `multiverse_table`.

    Returns
    -------
    Columns `_JOB`, `_NETWORK`, `layer`, `metric`, `window`, `window_start`, `window_stop`, `score`
    (mean over folds).
    """
    baseline = ~scores["category"].isin(NOT_BASELINE) & (scores["control"] == "none")
    rows = scores[baseline & np.isfinite(scores["top1"])]
    keys = [*_JOB, *_NETWORK, *_WINDOW, "main_window"]
    grouping = partial(pd.DataFrame.groupby, observed=True, dropna=False, sort=False)
    layers = grouping(rows, [*keys, "layer", "depth"])[list(METRICS)].mean().reset_index()
    best = layers.loc[grouping(layers.dropna(subset="r"), keys)["r"].idxmax()]
    last = layers.loc[grouping(layers, keys)["depth"].idxmax()]
    nested = grouping(rows[rows["chosen"]], keys)[list(METRICS)].mean().reset_index()
    kinds = {"nested": nested, "best": best, "last": last}
    parts = [table[[*keys, *METRICS]].assign(layer=name) for name, table in kinds.items()]
    table = pd.concat(parts, ignore_index=True)
    spans = [
        MAIN if is_main else f"{start:g}-{stop:g}"
        for start, stop, is_main in table[[*_WINDOW, "main_window"]].itertuples(index=False)
    ]
    return table.assign(window=spans).melt(
        [*_JOB, *_NETWORK, *_WINDOW, "layer", "window"], list(METRICS), "metric", "score"
    )


def over_ceilings(table: pd.DataFrame, ceilings: pd.DataFrame) -> pd.DataFrame:
    """Rows with a column `ceiling`: as they are (`none`), and r of sites over every ceiling.

    What other recordings predict is left out: it is of the images that they share alone.
    """
    own = ceilings[~ceilings["ceiling_name"].astype(str).map(is_of_recordings).astype(bool)]
    means = own.groupby(
        ["recording", *_WINDOW, "ceiling_name"], dropna=False, observed=True, sort=False
    )["value"].mean()
    means = means[means > 0].rename("divisor").reset_index()
    sitewise = table["mapping"].isin(SITEWISE) & (table["metric"] == "r")
    divided = table[sitewise].merge(means, on=["recording", *_WINDOW])
    divided = divided.assign(score=divided["score"] / divided["divisor"])
    divided = divided.rename(columns={"ceiling_name": "ceiling"}).drop(columns="divisor")
    return pd.concat([table.assign(ceiling=NONE), divided], ignore_index=True)


def _with_mean(table: pd.DataFrame, ceilings: pd.DataFrame) -> pd.DataFrame:
    """Rows of single recordings, and of the mean over all of them, over every ceiling."""
    recordings = table["recording"].nunique()
    if recordings < 2:
        return table.assign(ceiling=NONE)
    ceiled = over_ceilings(table, ceilings)
    keys = ["mapping", "protocol", "folds", *_NETWORK, "layer", "metric", "window", "ceiling"]
    grouped = ceiled.groupby(keys, observed=True, sort=False, dropna=False)["score"]
    mean = grouped.agg(["mean", "count"]).reset_index().rename(columns={"mean": "score"})
    mean = mean[mean["count"] == recordings].drop(columns="count").assign(recording=MEAN)
    return pd.concat([table.assign(ceiling=NONE), mean], ignore_index=True)


def multiverse_table(
    scores: pd.DataFrame | Iterable[pd.DataFrame], ceilings: pd.DataFrame, ranges: list[float],
    draws: int, rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Every specification with at least `MINIMUM_MODELS` networks or families.

    Parameters
    ----------
    scores : medians over sites by layer and fold (the table `scores`) with a column `folds`; or parts of
        it one after the other, each with all rows of its jobs.
    ceilings : the table of ceilings.
    ranges : lowest accuracies (%) that are kept; 0, all networks, is always one.

    Returns
    -------
    Columns `COLUMNS`, one row a specification: the choices; `value` (Spearman's rho), `low` and `high`
    (95 %, families drawn with replacement); `n_models`, `n_families`; `main` marks the specification
    of the main analysis of each recording.
    """
    parts = [scores] if isinstance(scores, pd.DataFrame) else scores
    networks = pd.concat([by_network(part) for part in parts], ignore_index=True)
    table = _with_mean(networks, ceilings)
    first = table[["mapping", "protocol", "folds"]].iloc[:1].to_dict("records")
    rows = [
        specification | found
        for choices, networks in _groups(table)
        for specification, found in _answers(choices, networks, ranges, draws, rng)
    ]
    usual = {"layer": "nested", "metric": "r", "ceiling": NONE, "window": MAIN, "range": 0,
             "unit": "models"} | (first[0] if first else {})  # fmt: skip
    found = pd.DataFrame(rows, columns=COLUMNS[:-1])
    is_main = np.ones(len(found), dtype=bool)
    for name, value in usual.items():
        is_main &= (found[name] == value).to_numpy()
    return found.assign(main=is_main)[COLUMNS]


def _groups(table: pd.DataFrame) -> Iterator[tuple[dict, pd.DataFrame]]:
    """Networks of every specification but for range and unit."""
    keys = [*_JOB, "layer", "metric", "ceiling", "window"]
    known = table[np.isfinite(table["score"])]
    for key, networks in known.groupby(keys, observed=True, sort=False):
        yield dict(zip(keys, key, strict=True)), networks


def _answers(
    choices: dict,
    networks: pd.DataFrame,
    ranges: list[float],
    draws: int,
    rng: np.random.Generator,
) -> Iterator[tuple[dict, dict]]:
    """Every range and unit of a group of networks that has enough of them."""
    for lowest in sorted({0, *ranges}):
        models = networks[networks["top1"] >= lowest]
        if lowest and len(models) == len(networks):
            continue  # the same networks as in the range before
        families = models.groupby("family", sort=False, observed=True)[["top1", "score"]].mean()
        for unit, rows in (("models", models), ("families", families.reset_index())):
            if (
                len(rows) < MINIMUM_MODELS
                or rows["top1"].nunique() < 2
                or np.ptp(rows["score"]) == 0
            ):
                continue
            names = rows["family"].to_numpy(str)
            counts = family_draws(names, draws, rng)
            columns = rows["top1"].to_numpy(float), rows["score"].to_numpy(float)
            values, count = weighted.spearman(*columns, counts), len(np.unique(names))
            found = {"value": values[0], "n_models": len(models), "n_families": count}
            if count >= MINIMUM_FAMILIES:
                found |= interval_of(values[1:], count)
            yield choices | {"range": lowest, "unit": unit}, found


def with_splits_of(table: pd.DataFrame, splits: dict[str, dict[str, str]]) -> pd.DataFrame:
    """The table with a last column `split`, from names by the choice `folds` and by recording.

    Of a mean over recordings whose names differ it is that choice itself, "by recording".
    """
    named = [
        splits.get(folds, {}).get(recording, folds)
        for folds, recording in table[["folds", "recording"]].astype(str).itertuples(index=False)
    ]
    return table.assign(split=named)


def influence_table(multiverse: pd.DataFrame) -> pd.DataFrame:
    """How much every choice moves the answer while all others stay as they are, most first.

    Returns
    -------
    `choice`, `values` (how many), `compared` (settings of all others in which at least two of its values
    have an answer), `moves` (mean over these of the highest minus the lowest rho), `most` (the largest
    such difference), `turns` (share of them in which the sign is not the same for all values),
    `lowest` and `highest` (the values with the lowest and highest mean rho over these).
    """
    rows = []
    for choice in CHOICES:
        others = [name for name in CHOICES if name != choice]
        wide = multiverse.pivot_table(
            "value", others, choice, observed=True, dropna=True, aggfunc="first"
        )
        wide = wide[wide.notna().sum(axis=1) > 1]
        row = {"choice": choice, "values": multiverse[choice].nunique(), "compared": len(wide)}
        if len(wide):
            span = wide.max(axis=1) - wide.min(axis=1)
            centred = wide.sub(wide.mean(axis=1), axis=0).mean()
            row |= {"moves": span.mean(), "most": span.max(), "lowest": str(centred.idxmin())}
            row |= {"turns": ((wide.max(axis=1) > 0) & (wide.min(axis=1) < 0)).mean()}
            row |= {"highest": str(centred.idxmax())}
        rows.append(row)
    table = pd.DataFrame(rows, columns=INFLUENCE)
    return table.sort_values("moves", ascending=False, na_position="last", ignore_index=True)


def sentence(multiverse: pd.DataFrame, influence: pd.DataFrame) -> str:
    """What share of specifications is negative and positive, and which choice moves the answer most."""
    if multiverse.empty:
        return (
            f"No specification has {MINIMUM_MODELS} trained networks of known accuracy: there is no "
            "multiverse of analyses."
        )
    value, count = multiverse["value"], len(multiverse)
    share = [f"{100 * part.mean():.0f} %" for part in (value < 0, value > 0)]
    sure = [
        f"{100 * part.mean():.0f} %" for part in (multiverse["high"] < 0, multiverse["low"] > 0)
    ]
    text = (
        f"Of {count} specifications {share[0]} give a negative rank correlation of accuracy and score "
        f"({sure[0]} with an interval below zero) and {share[1]} a positive one ({sure[1]} with an "
        "interval above zero)."
    )
    if (most_families := multiverse["n_families"].max()) < FEW_FAMILIES:
        text += (
            f" Families are few (at most {most_families}): these intervals are too narrow, and a rough "
            "guide."
        )
    known = influence.dropna(subset="moves")
    if known.empty:
        return text
    most = known.iloc[0]
    return (
        f"{text} The choice that moves it most is `{most['choice']}`: by {most['moves']:.2f} on average "
        f"while all else stays ({most['lowest']} gives the lowest, {most['highest']} the highest)."
    )
