"""Tidy tables: raw scores of a job, and their summaries over sites, folds and windows.

A column says what it holds; raw values are never overwritten. `r_over_ceiling` may exceed 1 where
a ceiling is an estimate (a model can be better than the other sites are), and it may lie below
`r` where a ceiling is above 1 (Spearman-Brown of a few trials): neither is clipped.
"""

import numpy as np
import pandas as pd

from itcortex.mappings.kinds import OF_KIND
from itcortex.numerics import sampling
from itcortex.numerics.metrics import METRICS, mean_defined, predictivity
from itcortex.tables.kinds import scores_of_kinds, within_kinds

#: What one fit of all layers is known by.
FITTED = ["recording", "model", "weights", "mapping", "protocol"]
#: Mappings whose r belongs to a site, so that ceilings of sites apply to it.
SITEWISE = ("pls", "ridge")
#: Ceiling of `reverse`, which is that of a network (see `itcortex.mappings.reverse.prediction_bounds`).
REVERSE_BOUND = "reverse_bound"
#: Columns of raw scores that tell of a layer.
OF_LAYERS = ("effective_dimensionality", "n_units", "loudest_unit", REVERSE_BOUND,
             f"{REVERSE_BOUND}_low", f"{REVERSE_BOUND}_high")  # fmt: skip
TEXTS = ["category", "family", "baseline", "series", "condition"]
DESCRIBED = [*TEXTS, "top1", "strength", "seed"]  # of a model, told in every table about models
WINDOW = ["control", "main_window", "window_start", "window_stop"]


def over_sites(raw: pd.DataFrame) -> pd.DataFrame:
    """Median over sites: a row for every model, recording, target, layer and fold.

    Columns r, rho and explained_variance are medians over sites with a defined value; `n_sites`
    counts all sites, `undefined_sites` those without one. `r_within_kinds` is the mean over kinds of
    image of the median over sites of r within a kind; r where there is one kind. `penalty_at_edge` is
    the share of sites whose ridge penalty is the smallest or the largest that was tried;
    `effective_dimensionality` and `n_units` are those of the layer. All three are NaN where jobs did not
    note them.
    """
    keys = [*FITTED, *WINDOW, "permutation", "layer", "depth", "fold", "chosen"]
    grouped = raw.groupby(keys, observed=True, sort=False, dropna=False)
    names = scores_of_kinds(raw)
    medians = grouped[[*METRICS, *names]].median()
    within = mean_defined(medians[names].to_numpy()) if names else medians["r"]
    table = medians[[*METRICS]].assign(r_within_kinds=within)
    table.insert(0, "n_sites", grouped["site"].size())
    table.insert(1, "undefined_sites", grouped["site"].size() - grouped["r"].count())
    for name in ("penalty_at_edge", "effective_dimensionality", "n_units"):
        table[name] = grouped[name].mean() if name in raw else np.nan
    return table.reset_index()


def over_folds(
    raw: pd.DataFrame,
    draws: int,
    rng: np.random.Generator,
    by_fold: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Score of every target: mean over folds of the median over sites, at the chosen layers.

    Beside it: its bootstrap interval over folds and sites (`r_low`, `r_high`), the score of the layer
    that is best on the test images themselves (`r_best_layer`, as the reference reports it), the
    difference of the two (`optimism`), and the mean over folds of what jobs noted of the chosen layers
    (`OF_LAYERS`): effective dimensionality, number of units, how loud the loudest unit of all layers is,
    bound of the reverse direction.
    `undefined_folds` counts folds in which no site has a value: the score is that of the others.
    `penalty_at_edge` is the share of folds and sites whose penalty is at an end of the grid. The control
    with shuffled images is the mean over its permutations, and its interval holds 95 % of them;
    against them a score of the main window has its `p_shuffled`, the share of permutations that
    score as well: (1 + those) / (1 + all).

    `r_within_kinds` is the mean over kinds of image of the score within a kind, with an interval of its
    own; r where there is one kind. `kinds_matter` says that it lies outside the interval of r.

    `by_fold`, `over_sites` of all rows, has the scores of layers that were not chosen: `raw` may then be
    the rows of the chosen ones alone.
    """
    rows, shuffled = [], {}
    medians = None if by_fold is None else _of_layers(by_fold)
    for key, scores in raw.groupby([*FITTED, *WINDOW], observed=True, sort=False, dropna=False):
        row = dict(zip([*FITTED, *WINDOW], key, strict=True))
        chosen = scores[scores["chosen"]]
        shape = (
            chosen["permutation"].nunique(),
            chosen["fold"].nunique(),
            chosen["site"].nunique(),
        )
        ordered = chosen.sort_values(["permutation", "fold", "site"])
        values = {name: ordered[name].to_numpy().reshape(shape) for name in METRICS}
        r, best = predictivity(values["r"]), np.nan
        if row["control"] == "none":
            low, high = sampling.bootstrap_predictivity(values["r"][0], draws, rng)
            best = _best_layer(scores, shape[1:]) if medians is None else medians[_known(key)]
        else:
            low, high = sampling.percentile_interval(r).tolist()
            shuffled[tuple(row[name] for name in FITTED)] = r
        rows.append(
            row
            | {name: float(predictivity(value).mean()) for name, value in values.items()}
            | {"r_low": low, "r_high": high, "r_best_layer": best, "optimism": best - r.mean()}
            | within_kinds(ordered, shape, (float(r.mean()), low, high), draws, rng)
            | {"layer": chosen.drop_duplicates("fold")["layer"].mode().iloc[0]}
            | {"n_folds": shape[1], "n_sites": shape[2]}
            | {"undefined_sites": int(np.isnan(values["r"]).any((0, 1)).sum())}
            | {"undefined_folds": int(np.isnan(values["r"]).all(2).any(0).sum())}
            | {name: _of_folds(chosen, name) for name in OF_LAYERS}
            | {"penalty_at_edge": _share(chosen, "penalty_at_edge")}
        )
    return pd.DataFrame([row | {"p_shuffled": _p_shuffled(row, shuffled)} for row in rows])


def _of_folds(chosen: pd.DataFrame, name: str) -> float:
    """Mean over folds of what was noted of the chosen layers; NaN where the jobs did not note it."""
    return float(chosen.drop_duplicates("fold")[name].mean()) if name in chosen else np.nan


def _share(chosen: pd.DataFrame, name: str) -> float:
    """Mean of a column of 0 and 1 over folds and sites."""
    return float(chosen[name].mean()) if name in chosen else np.nan


def over_kinds(raw: pd.DataFrame, draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """Score within every kind of image, with its interval over folds and sites; a row for each.

    Of the responses to real images. Empty where all images are of one kind. `rng` gives a generator to
    these intervals and stays as it is.
    """
    rows, real = [], raw[raw["chosen"] & (raw["control"] == "none")]
    keys, own = [*FITTED, *WINDOW], rng.spawn(1)[0]
    for key, scores in real.groupby(keys, observed=True, sort=False, dropna=False):
        shape = (scores["fold"].nunique(), scores["site"].nunique())
        for name in scores_of_kinds(raw):
            values = scores.sort_values(["fold", "site"])[name].to_numpy().reshape(shape)
            r, low, high = float(predictivity(values)), np.nan, np.nan
            if np.isfinite(r):
                low, high = sampling.bootstrap_predictivity(values, draws, own)
            row = dict(zip(keys, key, strict=True)) | {"kind": name.removeprefix(OF_KIND)}
            rows.append(row | {"r": r, "r_low": low, "r_high": high})
    return pd.DataFrame(rows, columns=[*keys, "kind", "r", "r_low", "r_high"])


def _p_shuffled(row: dict, shuffled: dict[tuple, np.ndarray]) -> float:
    """p value of a score of the main window; NaN for others, and without a control."""
    control = shuffled.get(tuple(row[name] for name in FITTED))
    if control is None or row["control"] != "none" or not row["main_window"]:
        return np.nan
    return float((1 + (control >= row["r"]).sum()) / (1 + len(control)))


def _best_layer(part: pd.DataFrame, shape: tuple[int, int]) -> float:
    """Score of the layer that scores best on the test images."""
    ordered = part.sort_values(["layer", "fold", "site"])
    return float(np.nanmax(predictivity(ordered["r"].to_numpy().reshape(-1, *shape))))


def _of_layers(by_fold: pd.DataFrame) -> dict[tuple, float]:
    """As `_best_layer`, of every target, from medians over sites."""
    real = by_fold[by_fold["control"] == "none"]
    grouped = real.groupby([*FITTED, *WINDOW], observed=True, sort=False, dropna=False)
    found = {}
    for key, rows in grouped:
        n_folds = rows["fold"].nunique()
        ordered = rows.sort_values(["layer", "fold"])["r"].to_numpy().reshape(-1, n_folds)
        found[_known(key)] = float(np.nanmax(mean_defined(ordered)))
    return found


def _known(key: tuple) -> tuple:
    """A key of groups with None for NaN, which is not equal to itself."""
    return tuple(None if pd.isna(value) else value for value in key)


def add_ceilings(summary: pd.DataFrame, ceilings: pd.DataFrame) -> pd.DataFrame:
    """Join the ceiling in use (mean over folds) and divide: `ceiling`, `r_over_ceiling`, bounds.

    A window without a positive ceiling, in which nothing can be predicted, gets NaN, and so do
    mappings whose r does not belong to sites; but `reverse` has a ceiling of its own, `REVERSE_BOUND`,
    where jobs noted it, with its interval: `ceiling_low` and `ceiling_high`, NaN for all others.
    """
    keys = ["recording", "window_start", "window_stop"]
    used = ceilings[ceilings["used"]]
    mean = used.groupby([*keys, "ceiling_name"], dropna=False, observed=True)["value"].mean()
    joined = summary.merge(mean.rename("ceiling").reset_index(), on=keys, how="left")
    bound, low, high = (
        joined.pop(name) if name in joined else pd.Series(np.nan, joined.index)
        for name in (REVERSE_BOUND, f"{REVERSE_BOUND}_low", f"{REVERSE_BOUND}_high")
    )
    own = (joined["mapping"] == "reverse") & bound.notna()
    joined["ceiling_name"] = joined["ceiling_name"].astype(object).mask(own, REVERSE_BOUND)
    joined["ceiling"] = joined["ceiling"].mask(own, bound)
    joined = joined.assign(ceiling_low=low.where(own), ceiling_high=high.where(own))
    applies = (joined["mapping"].isin(SITEWISE) | own) & (joined["ceiling"] > 0)
    positive = joined["ceiling"].where(applies)
    for name in ("r", "r_low", "r_high"):
        joined[name.replace("r", "r_over_ceiling", 1)] = joined[name] / positive
    return joined


def of_mapping(table: pd.DataFrame, mapping: str) -> pd.DataFrame:
    """Rows of one mapping."""
    return table[table["mapping"] == mapping]


def describe_models(table: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Add what the table of models knows of every model and weights (`DESCRIBED`).

    `strength` and `seed` are those of a network that was trained here, NaN for others; `series` is the
    name that its row of the model table has for all strengths and seeds. Rows without a model
    (controls) get empty texts and NaN.
    """
    known = models[["model", "weights", *DESCRIBED]]
    joined = table.merge(known, on=["model", "weights"], how="left", validate="m:1")
    return joined.fillna(dict.fromkeys(TEXTS, ""))


def sites_left_out(attributes: dict) -> int:
    """Sites of a recording's file that its entry does not select, or that lack a response."""
    counts = attributes.get("left_out", {})
    return sum(counts.get(kind, 0) for kind in ("sites", "incomplete_sites"))


def add_marks(table: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Add `mark` of the table of models: what must be said of a network that collapsed; else empty."""
    known = models[["model", "weights", "mark"]]
    joined = table.merge(known, on=["model", "weights"], how="left", validate="m:1")
    return joined.fillna({"mark": ""})


def describe_recordings(
    table: pd.DataFrame, recordings: dict[str, dict], left_out: dict[str, int] | None = None
) -> pd.DataFrame:
    """Add monkey, area and `simulated` of every recording; and how many sites its entry left out."""
    if left_out is not None:
        table = table.assign(left_out_sites=table["recording"].astype(str).map(left_out))
    known = pd.DataFrame.from_dict(recordings, orient="index").rename_axis("recording")
    known = known[["monkey", "area", "simulated"]].reset_index()
    return table.merge(known, on="recording", how="left", validate="m:1")
