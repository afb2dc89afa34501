"""Accuracy and score with what accurate networks also differ in held fixed.

The partial rank correlation of accuracy and score given covariates is Pearson's r of two residuals:
those of the ranks of accuracy, and of the ranks of score, after least squares on the covariates
(numbers as ranks, kinds as one column each). With one numeric covariate it is the textbook formula
(`itcortex.numerics.ranks.partial`).
"""

import numpy as np
import pandas as pd

from itcortex.numerics import weighted
from itcortex.numerics.ranks import rankdata
from itcortex.tables.nulls import p_value, permuted_scores
from itcortex.tables.statistics import ONE_TEST, baseline, require_score
from itcortex.tables.trend_limits import MINIMUM_MODELS
from itcortex.tables.trends import family_draws, interval_of, note_of

#: What each covariate is, by its name in the table: its column of the summary or the table of models.
COVARIATES = {
    "parameters": "params_m",
    "training_data": "pretraining",
    "input_size": "input_size",
    "year": "year",
    "effective_dimensionality": "effective_dimensionality",
}
KINDS = ("training_data",)
LEVEL_SIZE = 5  # kinds with fewer networks are one kind, "other"
ALL = "all of them"
PARTIAL = [*ONE_TEST, "score", "given", "spearman", "value", "low", "high", "p", "n_models",
           "n_families", "note"]  # fmt: skip


def with_covariates(summary: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """The summary with a column for every name of `COVARIATES`; NaN or empty where nothing is known."""
    told = models[["model", "weights", *[c for c in COVARIATES.values() if c in models]]]
    own = [name for name in told if name not in ("model", "weights")]
    joined = summary.drop(columns=[c for c in own if c in summary]).merge(
        told, on=["model", "weights"], how="left", validate="m:1"
    )
    columns = {
        name: joined.get(column, "" if name in KINDS else np.nan)
        for name, column in COVARIATES.items()
    }
    return joined.assign(**columns)


def design(rows: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Numeric covariates (network, number), and kinds as columns of 0 and 1 (network, kind - 1)."""
    numbers = [rows[name].to_numpy(float) for name in names if name not in KINDS]
    columns = []
    for name in (name for name in names if name in KINDS):
        count = rows[name].map(rows[name].value_counts())
        kinds = rows[name].where(count >= LEVEL_SIZE, "other")
        columns += [(kinds == kind).to_numpy(float) for kind in sorted(kinds.unique())[1:]]
    shape = (len(rows), -1)
    return (
        np.column_stack(numbers) if numbers else np.empty((len(rows), 0)),
        np.column_stack(columns).reshape(shape) if columns else np.empty((len(rows), 0)),
    )


def partial_spearman(
    x: np.ndarray, y: np.ndarray, numbers: np.ndarray, kinds: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Partial rank correlation of x and y (network,) given covariates, in every draw of counts.

    Parameters
    ----------
    numbers : (network, number), ranked within a draw; kinds : (network, column), taken as they are.
    counts : (network, draw), how often each network was drawn.

    Returns
    -------
    (draw,) ; NaN where covariates determine accuracy or score, or leave no degree of freedom.
    """
    ranks = [weighted.weighted_ranks(values, counts) for values in (x, y, *numbers.T)]
    found = np.full(counts.shape[1], np.nan)
    for k in range(counts.shape[1]):
        drawn = counts[:, k] > 0
        root = np.sqrt(counts[drawn, k])[:, None]
        given = np.column_stack([one[drawn, k] for one in ranks[2:]] + [kinds[drawn]])
        fixed = np.column_stack([np.ones(drawn.sum()), given]) * root
        both = np.column_stack([one[drawn, k] for one in ranks[:2]]) * root
        if drawn.sum() > fixed.shape[1] + 1:
            left = both - fixed @ np.linalg.lstsq(fixed, both)[0]
            squares = (left**2).sum(0)
            if (squares > 1e-9 * (both**2).sum(0)).all():
                found[k] = left[:, 0] @ left[:, 1] / np.sqrt(squares.prod())
    return found


def permutation_p(
    x: np.ndarray, y: np.ndarray, fixed: np.ndarray, families: np.ndarray, draws: int,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Two-sided p value of a partial rank correlation (Freedman & Lane 1983), families kept together.

    Residuals of the ranks of y on `fixed` (network, column) are permuted, and again freed of `fixed`.
    """
    basis = np.linalg.qr(fixed)[0]
    free_x, free_y = (one - basis @ (basis.T @ one) for one in (rankdata(x), rankdata(y)))
    drawn = permuted_scores(free_y, families, draws, rng)
    drawn = drawn - drawn @ basis @ basis.T
    return p_value(drawn @ free_x / np.linalg.norm(drawn, axis=1))


def partial_table(
    summary: pd.DataFrame, score: str, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """The rank correlation of accuracy and score given each covariate, and given all of them.

    Parameters
    ----------
    summary : with the columns of `with_covariates`.

    Returns
    -------
    Columns `PARTIAL`, one row a test and `given`: `score`, `spearman` (of the same networks,
    nothing held fixed), `value` (given the covariates), `low`, `high` (families drawn with
    replacement), `p`, `n_models`, `n_families`, `note`. Networks without a covariate are left out
    and counted; a covariate that nobody has, or that does not vary, has a row that says so, and is
    not among all of them.
    """
    require_score(summary, score)
    rows = []
    for keys, of_test in baseline(summary).groupby(ONE_TEST, observed=True):
        known = of_test[np.isfinite(of_test["top1"]) & np.isfinite(of_test[score])]
        usable = [name for name in COVARIATES if _usable(known, name)]
        sets = {name: [name] for name in COVARIATES} | {ALL: usable}
        for given, names in sets.items():
            row = dict(zip(ONE_TEST, keys, strict=True)) | {"score": score, "given": given}
            rows.append(row | _partial(known, score, names, set(names) <= set(usable), draws, rng))
    return pd.DataFrame(rows, columns=PARTIAL)


def _has(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name].fillna("") != "" if name in KINDS else np.isfinite(rows[name].astype(float))


def _usable(rows: pd.DataFrame, name: str) -> bool:
    """Whether enough networks have a covariate, and it varies among them."""
    having = rows[_has(rows, name)]
    if name in KINDS:
        return design(having, [name])[1].shape[1] > 0 and len(having) >= MINIMUM_MODELS
    return having[name].nunique() > 1 and len(having) >= MINIMUM_MODELS


def _partial(
    known: pd.DataFrame, score: str, names: list[str], usable: bool, draws: int,
    rng: np.random.Generator,
) -> dict:  # fmt: skip
    there = np.logical_and.reduce([_has(known, name) for name in names]) if names else []
    rows = known[there] if names else known
    families = rows["family"].to_numpy(str)
    counted = {"n_models": len(rows), "n_families": len(np.unique(families))}
    empty = dict.fromkeys(("spearman", "value", "low", "high", "p"), np.nan)
    if not usable or not names:
        return empty | counted | {"note": "not known of enough networks, or the same for all"}
    numbers, kinds = design(rows, names)
    needed = MINIMUM_MODELS + numbers.shape[1] + kinds.shape[1]
    x, y = rows["top1"].to_numpy(float), rows[score].to_numpy(float)
    if len(rows) < needed or np.ptp(x) == 0 or np.ptp(y) == 0:
        return empty | counted | {"note": f"{len(rows)} networks that vary, {needed} are needed"}
    counts = family_draws(families, draws, rng)
    values = partial_spearman(x, y, numbers, kinds, counts)
    notes = [note_of(values[0], counted["n_families"])]
    if len(rows) < len(known):
        notes.append(f"left out: {len(known) - len(rows)} without the covariate")
    ranked = [rankdata(one) for one in numbers.T]
    fixed = np.column_stack([np.ones(len(rows)), *ranked, kinds])
    found = {"spearman": weighted.spearman(x, y, counts[:, :1])[0], "value": values[0]}
    found |= interval_of(values[1:], counted["n_families"])
    defined = np.isfinite(values[0])
    found |= {"p": permutation_p(x, y, fixed, families, draws, rng) if defined else np.nan}
    return found | counted | {"note": "; ".join(filter(None, notes))}
