"""Does predictivity fall as accuracy rises? The workflow's statistics over one's own table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from itcortex.errors import UserError
from itcortex.tables.statistics import ALL, ONE_TEST, tradeoff_table

#: What columns hold that a table of one's own need not have.
_USUAL = {"recording": "all", "mapping": "", "protocol": "", "control": "none", "main_window": True}


def tradeoff(
    scores: Any,
    accuracy: Sequence[float] | None = None,
    *,
    families: Sequence[str] | None = None,
    score: str = "r",
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation, slopes and frontier of scores against accuracy, over networks.

    Parameters
    ----------
    scores : array (network,) or DataFrame
        Scores; or a table with one row for each network and the columns `score` and `top1` (%), such as
        `load_scores` gives. Of its columns `family`, `category`, `recording`, `mapping`, `protocol`,
        `control` and `main_window` those that exist count as in the workflow.
    accuracy : array (network,), optional
        ImageNet top-1, %, where `scores` is an array.
    families : array (network,), optional
        Family of every network, the unit of resampling. Without families every network is its own, and
        intervals are too narrow where networks are alike.
    score : str
        Column of the scores.
    draws : int
        Bootstrap draws of families, and permutations.
    seed : int

    Returns
    -------
    DataFrame
        One row for each statistic (and recording, mapping, protocol, group): `value`, `low`, `high`,
        `n_models`, `n_families`, `note`, what unrelated numbers give (`null`, `null_low`, `null_high`),
        the permutation p value `p`, and `p_holm`, corrected over recordings.

    Raises
    ------
    UserError
        For arrays of different lengths and columns that are missing.

    Examples
    --------
    >>> import numpy as np, itcortex
    >>> accuracy = np.linspace(60, 85, 12)
    >>> table = itcortex.tradeoff(-accuracy, accuracy, families=list("aabbccddeeff"), draws=100)
    >>> float(table.set_index("statistic").loc["spearman", "value"].round(6))
    -1.0
    """
    table = _table(scores, accuracy, families, score)
    known = "category" in table
    complete = table.assign(**{name: value for name, value in _USUAL.items() if name not in table})
    if not known:
        complete = complete.assign(category="network")
    if "family" not in complete:
        complete = complete.assign(family=[str(row) for row in range(len(complete))])
    texts = dict.fromkeys((*ONE_TEST, "category", "family"), str)
    found = tradeoff_table(complete.astype(texts), score, draws, np.random.default_rng(seed))
    return found if known or found.empty else found[found["group"] == ALL].reset_index(drop=True)


def _table(scores: Any, accuracy: Any, families: Any, score: str) -> pd.DataFrame:
    """Scores, accuracy and families as columns of one table."""
    if isinstance(scores, pd.DataFrame):
        if accuracy is not None or families is not None:
            raise UserError(
                "tradeoff: a table has its own columns `top1` and `family`; give no `accuracy` and no "
                "`families` beside it"
            )
        missing = {score, "top1"} - set(scores)
        if missing:
            raise UserError(f"tradeoff: the table has no column {', '.join(sorted(missing))}")
        return _checked(scores)
    if accuracy is None:
        raise UserError("tradeoff: accuracy: give the top-1 (%) of every network")
    accuracy, families = (_as_indexed(one, scores) for one in (accuracy, families))
    columns = {score: np.asarray(scores, float), "top1": np.asarray(accuracy, float)}
    if families is not None:
        columns["family"] = np.asarray(families, dtype=object)
    lengths = {name: np.shape(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UserError(f"tradeoff: one value for each network is needed, got shapes {lengths}")
    return _checked(pd.DataFrame(columns))


def _as_indexed(values: Any, scores: Any) -> Any:
    """Values in the order of the scores, where both are Series: they go by their indices."""
    if not (isinstance(values, pd.Series) and isinstance(scores, pd.Series)):
        return values
    if values.index.equals(scores.index):
        return values
    if not values.index.is_unique or set(values.index) != set(scores.index):
        raise UserError(
            "tradeoff: two Series have other indices; give both the same names of networks, or "
            "`.to_numpy()` if they are in one order"
        )
    return values.reindex(scores.index)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    """The table, if accuracies can be percentages, and every network has a family or none has one."""
    top1 = pd.to_numeric(table["top1"], errors="coerce")
    if len(table) > 1 and 0 < top1.max() <= 1:
        raise UserError(
            f"tradeoff: accuracy: the highest is {top1.max():g}; give percentages, {100 * top1.max():g}"
        )
    unknown = np.flatnonzero(table["family"].isna()) if "family" in table else []
    if len(unknown):
        raise UserError(
            f"tradeoff: families: network {unknown[0]} (from 0) has none; give each one, a name of its "
            "own where it has no relatives"
        )
    return table
