"""Raw scores of a job that need not fit into memory: summarised layer by layer.

A job may leave millions of rows (sites x folds x windows x layers). Medians over sites are taken of one
layer at a time. Kept are the rows of the layers that were chosen, which intervals are drawn from.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from itcortex.tables.summary import FITTED, over_folds, over_kinds, over_sites

#: What all rows of one layer have in common; rows with the same values stand together.
LAYER = [*FITTED, "layer", "control", "permutation"]


class Summaries(NamedTuple):
    """What is known of one job: `over_sites`, `over_folds` and `over_kinds` of its raw scores."""

    by_fold: pd.DataFrame
    by_model: pd.DataFrame
    by_kind: pd.DataFrame


def summarise(blocks: Iterable[pd.DataFrame], draws: int, rng: np.random.Generator) -> Summaries:
    """Summaries of a job's raw scores, which come in blocks of rows.

    They are those of all rows at once. Raises `ValueError` if the rows of a layer do not stand together.
    """
    by_fold, chosen = [], []
    for layer in whole_layers(blocks):
        by_fold.append(over_sites(layer))
        chosen.append(layer[layer["chosen"]])
    medians, kept = joined(by_fold), joined(chosen)
    by_model = over_folds(kept, draws, rng, medians)
    return Summaries(medians, by_model, over_kinds(kept, draws, rng))


def whole_layers(blocks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Rows in which no layer is cut: the last layer of a block waits for what the next begins with.

    Raises `ValueError` for rows of a layer that was given before.
    """
    waiting: list[pd.DataFrame] = []
    given: set[tuple] = set()
    for block in (one for one in blocks if len(one)):
        start = _start_of_last(block)
        if start or (waiting and _key(waiting[-1]) != _key(block)):
            yield _checked(joined([*waiting, block.iloc[:start]]), given)
            waiting = []
        waiting.append(block.iloc[start:])
    if waiting:
        yield _checked(joined(waiting), given)


def _start_of_last(block: pd.DataFrame) -> int:
    """The row that the last layer of a block begins with."""
    differs = np.zeros(len(block), bool)
    for name in LAYER:
        column = block[name]
        is_category = isinstance(column.dtype, pd.CategoricalDtype)
        values = column.cat.codes.to_numpy() if is_category else column.to_numpy()
        differs[1:] |= values[1:] != values[:-1]
    return int(np.flatnonzero(differs)[-1]) if differs.any() else 0


def _key(table: pd.DataFrame) -> tuple:
    return tuple(table[LAYER].iloc[-1])


def _checked(table: pd.DataFrame, given: set[tuple]) -> pd.DataFrame:
    keys = set(table[LAYER].drop_duplicates().itertuples(index=False, name=None))
    if given & keys:
        raise ValueError(f"raw scores: rows of {sorted(given & keys)[0]} do not stand together")
    given |= keys
    return table


def joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables below each other; a column of categories stays one, with the categories of all, sorted."""
    tables = [one for one in tables if len(one)] or tables[:1]
    if len(tables) == 1:
        return tables[0]
    categories = {
        name: union_categoricals([one[name] for one in tables], sort_categories=True)
        for name in tables[0]
        if all(isinstance(one[name].dtype, pd.CategoricalDtype) for one in tables)
    }
    plain = [one.drop(columns=[*categories]) for one in tables]
    table = pd.concat(plain, ignore_index=True).assign(**categories)
    return table[[*tables[0].columns]]


def as_texts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with texts in place of categories, which differ from job to job."""
    names = [name for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)]
    return table.astype(dict.fromkeys(names, str))
