"""What human maps change: paired differences between conditions, with intervals.

The estimate of a contrast (`condition_contrasts`) is the mean over seeds of the difference of two
networks of one model and seed; over models, the mean of the models' estimates. Of a recording it is the
mean over sites of differences within a site (`condition_sites`); over recordings of an area the mean of
theirs, each with the same weight. Its 95 % interval has
two sources, which are drawn together:

- what the score is a mean over (folds and sites, within each recording; photographs; images), drawn with
  replacement, the same draw for both networks of every pair and for all seeds and models, and widened
  for few folds (`condition_sites.few_folds`);
- seeds. Three seeds drawn with replacement would give intervals that hold the truth three times in
  four, because three numbers hardly show how far seeds spread. So the error of the mean over seeds is
  drawn from Student's t: the standard error of the mean, with its degrees of freedom; over models by
  Welch and Satterthwaite (Satterthwaite, Biometrics Bulletin 1946), seeds of each model on their own.

Models and recordings are taken as they are: they are few. An interval over models is about these models.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from itcortex.numerics.metrics import mean_defined
from itcortex.numerics.sampling import percentile_interval
from itcortex.tables.condition_contrasts import LABELS, Contrast
from itcortex.tables.condition_marks import ONE_SEED, OTHER_SEEDS, Mark
from itcortex.tables.condition_scores import Difference, Scores

#: What a measure is: its score, and of what.
MEASURE = ["measure", "target", "mapping", "protocol", "map_kind", "saliency"]
COLUMNS = [*MEASURE, "model", "condition", "compared_with", "strength", "main_strength", "value",
           "value_other", "difference", "low", "high", "p", "sites_higher", "lowest_seed",
           "highest_seed", "n_seeds", "n_at_floor", "n_collapsed", "n_collapsed_other", "n_models",
           "n_targets", "n_images", "n_folds", "n_sites", "undefined", "drawn", "note"]  # fmt: skip
#: Of the table of single seeds.
OF_SEEDS = [*MEASURE, "model", "condition", "compared_with", "strength", "main_strength", "seed",
            "value", "value_other", "difference"]  # fmt: skip
FEWEST_SEEDS = 2  # that say how seeds differ
#: A contrast in one model, its scored pairs, and why others have none.
Group = tuple[Contrast, list[Difference], list[str]]
_SIMPLE = dict.fromkeys(["target", "mapping", "protocol", "map_kind", "saliency", "drawn"], "")
_COUNTS = ["n_images", "n_folds", "n_sites"]


class Tables(NamedTuple):
    """`conditions` (columns `COLUMNS`), and the single pairs that it is made of (columns `OF_SEEDS`)."""

    conditions: pd.DataFrame
    seeds: pd.DataFrame


def conditions_tables(
    measures: Iterable[Scores],
    found: Sequence[Contrast],
    draws: int,
    rng: np.random.Generator,
    marks: Mapping[str, Mark] | None = None,
) -> Tables:
    """A row for every measure and contrast, and those over models, whose `model` is empty.

    Parameters
    ----------
    draws : of seeds, as many as measures have of their own.
    marks : what must be said of a network, by "model weights"; it goes into the notes of its rows.

    Returns
    -------
    Both tables. A contrast of which no pair was scored keeps its row in `conditions`, with the reason in
    `note`; of `seeds` a row is a scored pair of one model and seed.
    """
    quantiles = (rng.permutation(draws) + 0.5) / draws  # of Student's t, the same for all rows
    rows, seeds = [], []
    for scores in measures:
        about = _SIMPLE | {"n_targets": 1} | scores.about
        by_model = []
        for one in found:
            by_seed, lacking = _scored(scores, one)
            seeds += [about | _of_contrast(one) | _of_seed(*pair) for pair in by_seed.items()]
            by_model.append((one, [*by_seed.values()], lacking))
        for one, pairs, lacking in by_model:
            notes = lacking + _marked(one, marks or {})
            row = _row(one, [pairs], notes, about["drawn"], quantiles)
            rows.append(about | row | _counts([one], marks or {}))
        for over, some in _over_models(by_model):
            rows.append(about | _of_models(over, some, marks or {}, about["drawn"], quantiles))
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(_COUNTS, float))
    return Tables(table, pd.DataFrame(seeds, columns=OF_SEEDS))


def seed_error(by_model: Sequence[np.ndarray]) -> tuple[float, float]:
    """Standard error of the mean over models of means over seeds (seed,), and its degrees of freedom.

    With v_m the variance of the seeds' mean of model m, of n_m seeds: the variance is the sum of v_m
    over M^2, and there are (sum v_m)^2 / sum(v_m^2 / (n_m - 1)) degrees of freedom. Models with one seed
    add nothing. The error is 0, with infinitely many, where no model has two seeds or none differ.
    """
    several = [values for values in by_model if len(values) >= FEWEST_SEEDS]
    variances = np.array([values.var(ddof=1) / len(values) for values in several])
    if not variances.sum() > 0:
        return 0.0, np.inf
    freedom = np.array([len(values) - 1 for values in several])
    scaled = variances / variances.max()  # squares of tiny variances would vanish
    return (
        float(np.sqrt(variances.sum()) / len(by_model)),
        float(scaled.sum() ** 2 / (scaled**2 / freedom).sum()),
    )


def _scored(scores: Scores, contrast: Contrast) -> tuple[dict[int, Difference], list[str]]:
    """Differences of the pairs that were scored, by their seeds, and why others have none."""
    known, pairs, notes = set(scores.networks), {}, []
    for pair in contrast.pairs:
        if pair.first not in known or pair.other not in known:
            lacking = contrast.condition if pair.first not in known else contrast.compared_with
            why = "not scored"
            if lacking == contrast.compared_with and not pair.other and contrast.other_seeds:
                why = f"{OTHER_SEEDS} {', '.join(map(str, contrast.other_seeds))}"
            notes.append(f"seed {pair.seed}: {LABELS[lacking]}: {why}")
            continue
        one = scores.compare(pair.first, pair.other)
        if np.isfinite(one.difference):
            pairs[pair.seed] = one
        else:
            notes.append(f"seed {pair.seed}: no score is defined")
    return pairs, notes


def _of_contrast(one: Contrast) -> dict:
    """Columns that say what is compared."""
    about = {"model": one.model, "condition": one.condition, "compared_with": one.compared_with}
    return about | {"strength": one.strength, "main_strength": one.main}


def _of_seed(seed: int, found: Difference) -> dict:
    values = {"value": found.value, "value_other": found.other, "difference": found.difference}
    return {"seed": seed} | values


def _marked(contrast: Contrast, marks: Mapping[str, Mark]) -> list[str]:
    names = [name for pair in contrast.pairs for name in (pair.first, pair.other)]
    return [marks[name].text for name in names if name in marks]


def _counts(some: Iterable[Contrast], marks: Mapping[str, Mark]) -> dict[str, int]:
    """First networks of pairs at the least agreement; of first and other ones, those that collapsed."""
    pairs = [pair for one in some for pair in one.pairs]
    first = [marks[pair.first] for pair in pairs if pair.first in marks]
    other = [marks[pair.other] for pair in pairs if pair.other in marks]
    counts = {"n_at_floor": sum(mark.at_floor for mark in first)}
    counts["n_collapsed"] = sum(mark.collapsed for mark in first)
    return counts | {"n_collapsed_other": sum(mark.collapsed for mark in other)}


def _over_models(by_model: Sequence[Group]) -> Iterator[tuple[Contrast, list[Group]]]:
    """What rows over models are made of: each contrast at each strength, of the models that have it.

    A row is `main` where its strength is a main one of all models of the contrast. Where there is none
    that all share, one more row is over models at their own (the highest main) strengths, and has no
    strength.
    """
    for key in dict.fromkeys(group[0].key for group in by_model):
        some = [group for group in by_model if group[0].key == key]
        main = {(one.model, one.strength) for one, *_ in some if one.main}
        models, strengths = {model for model, _ in main}, sorted({one.strength for one, *_ in some})
        shared = {x for x in strengths if all((model, x) in main for model in models)}
        for strength in strengths:
            at = [group for group in some if group[0].strength == strength]
            over = at[0][0]._replace(model="", main=strength in shared)
            yield over, at
        if models and not shared:
            highest = {model: max(x for name, x in main if name == model) for model in models}
            own = [group for group in some if group[0].strength == highest.get(group[0].model)]
            yield own[0][0]._replace(model="", strength=np.nan), own


def _of_models(
    over: Contrast,
    some: list[Group],
    marks: Mapping[str, Mark],
    drawn: str,
    quantiles: np.ndarray,
) -> dict:
    """The row over models, of those with a scored pair."""
    scored = [pairs for _, pairs, _ in some if pairs]
    notes = [f"{one.model}: {note}" for one, _, found in some for note in found]
    notes += [f"{one.model}: {note}" for one, _, _ in some for note in _marked(one, marks)]
    if len(scored) > 1:
        notes.insert(0, f"mean over {len(scored)} models, which are not drawn")
    row = _row(over, scored, notes, drawn, quantiles)
    return row | _counts((one for one, _, _ in some), marks)


def _row(
    contrast: Contrast,
    by_model: list[list[Difference]],
    notes: list[str],
    drawn: str,
    quantiles: np.ndarray,
) -> dict:
    """A row of the table: the estimate of a contrast from pairs of networks, model by model."""
    row = _of_contrast(contrast)
    pairs = [one for some in by_model for one in some]
    row |= {"n_seeds": len(pairs), "n_models": sum(map(bool, by_model))}
    row |= {"undefined": sum(one.undefined for one in pairs), "drawn": drawn}
    if not pairs:
        return row | {"note": "; ".join(dict.fromkeys(notes))}
    by_seed = [np.array([one.difference for one in some]) for some in by_model]
    error, freedom = seed_error(by_seed)
    if any(len(values) < FEWEST_SEEDS for values in by_seed):
        notes = [*notes, f"{ONE_SEED}: the interval does not hold how seeds differ"]
    if max(map(len, by_seed)) >= FEWEST_SEEDS:
        row["drawn"] = f"{drawn}, seeds" if drawn else "seeds"
    for name, field in (("value", "value"), ("value_other", "other"), ("difference", "difference")):
        row[name] = _mean([[getattr(one, field) for one in some] for some in by_model])
    row["sites_higher"] = _sites_higher(by_model)
    row |= {"lowest_seed": min(map(min, by_seed)), "highest_seed": max(map(max, by_seed))}
    row |= _interval(by_model, error * stdtrit(freedom, quantiles) if error else 0 * quantiles)
    return row | {"note": "; ".join(dict.fromkeys(notes))}


def _sites_higher(by_model: list[list[Difference]]) -> float:
    """Share of sites whose difference, mean over seeds and models, is above zero.

    Over recordings the mean of their shares; NaN for measures that are not of sites.
    """
    shares = []
    for recording in range(len(next(filter(None, by_model))[0].by_site)):
        means = _mean([[one.by_site[recording] for one in some] for some in by_model])
        shares.append(mean_defined(np.where(np.isfinite(means), means > 0, np.nan)))
    return float(mean_defined(np.array(shares)))


def _mean(by_model: list[list]) -> float | np.ndarray:
    """Mean over models of the mean over seeds."""
    return np.mean([mean_defined(np.array(some), axis=0) for some in by_model], axis=0)


def _interval(by_model: list[list[Difference]], of_seeds: np.ndarray) -> dict:
    """95 % interval and two-sided p from draws: twice the smaller share on either side of zero.

    NaN where nothing is drawn, neither what the score is a mean over nor seeds.
    """
    own = _mean([[one.drawn for one in some] for some in by_model])
    if not len(own):
        if max(map(len, by_model)) < FEWEST_SEEDS:
            return {"low": np.nan, "high": np.nan, "p": np.nan}
        own = _mean([[one.difference for one in some] for some in by_model])
    values = own + of_seeds
    values = values[np.isfinite(values)]
    low, high = percentile_interval(values).tolist()
    sides = min((values <= 0).sum() + 1, (values >= 0).sum() + 1)
    return {"low": low, "high": high, "p": min(2 * sides / (len(values) + 1), 1.0)}
