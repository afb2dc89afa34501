"""The one layout of published scores, and how a published table is read into it.

A row is one score of one network. Columns:

- `source`: name of the table in the registry
- `model`: name of the network there
- `timm`: `architecture.tag` where the name is one of timm's, else empty
- `family`: by `families.family_of`
- `accuracy`: ImageNet top-1 of that network, in percent; NaN where the table has none
- `region`: what the score is of: V1, V2, V4, IT, OTC, behaviour or attention
- `benchmark`: the publisher's name for recordings and mapping
- `metric`: what a score is: a name of `METRICS`
- `score`, `error`: as published; an error is NaN where none is given
- `category`: kind of network as the table names it, or empty
- `parameters`: number of parameters; NaN where the table has none
- `training_data`: as the table names it, or empty
- `supervised`, `adversarial`, `trained`: True, False, or missing where the table does not say
"""

from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.published.scores.families import family_of
from itcortex.errors import UserError

COLUMNS = {
    "source": "str", "model": "str", "timm": "str", "family": "str", "accuracy": "float64",
    "region": "str", "benchmark": "str", "metric": "str", "score": "float64", "error": "float64",
    "category": "str", "parameters": "float64", "training_data": "str", "supervised": "boolean",
    "adversarial": "boolean", "trained": "boolean",
}  # fmt: skip
REGIONS = ("V1", "V2", "V4", "IT", "OTC", "behaviour", "attention")
#: What a score is, by its name in the column `metric`.
METRICS = {
    "pls": "predictivity by partial least squares, in the publisher's own normalisation",
    "pls_over_ceiling": "Pearson r by partial least squares, divided by a noise ceiling",
    "i2n": "consistency of errors, image by image, with those of people (i2n)",
    "crsa": "classical RSA: similarity of all units with that of all voxels",
    "wrsa": "voxel-encoding RSA: the same after units were weighted to predict voxels",
    "srpr": "encoding of voxels by regression on sparse random projections of units",
    "spearman_over_ceiling": "Spearman rho of saliency with human maps, divided by that of people",
}
_EMPTY = {"str": "", "float64": np.nan, "boolean": pd.NA}


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` in the layout: all columns in order and type, what is not given empty, rows in order.

    The family follows from the column `architecture` if there is one, else from `model`.
    """
    named = rows["architecture"] if "architecture" in rows else rows["model"]
    given = rows.assign(family=[family_of(name) for name in named])
    missing = {name: _EMPTY[kind] for name, kind in COLUMNS.items() if name not in given}
    return given.assign(**missing)[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)


def read_csv(
    path: str | Path, columns: list[str], numbers: list[str], comment: str | None = None
) -> pd.DataFrame:
    """A published table: the named columns, those of `numbers` as numbers, all others as text.

    Lines are ignored from the sign `comment` on, if it is given.
    Raises `UserError` that names columns which are not there (a published table that has changed)
    and cells that are no number. An empty cell, `NA` or `nan` is a missing number.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, comment=comment)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a CSV table ({error})") from error
    require_columns(path, list(table), [*columns, *numbers])
    table = table[[*columns, *numbers]]
    return table.assign(**{name: _numbers(path, table[name]) for name in numbers})


def require_columns(path: str | Path, there: list[str], needed: list[str]) -> None:
    """Raise `UserError` that names the columns which a published table no longer has."""
    if gone := [name for name in needed if name not in there]:
        raise UserError(
            f"{path}: the published table has changed: no column {', '.join(map(repr, gone))} among "
            f"{', '.join(map(repr, there))}; register the commit that this project knows, or mend its "
            "reader"
        )


def _numbers(path: str | Path, cells: pd.Series) -> pd.Series:
    blank = cells.str.strip().str.lower().isin(["", "na", "nan"])
    values = pd.to_numeric(cells.mask(blank), errors="coerce")
    if (wrong := values.isna() & ~blank).any():
        raise UserError(
            f"{path}: column {cells.name!r}, row {wrong.idxmax() + 1}: {cells[wrong.idxmax()]!r} is no "
            "number"
        )
    return values.astype("float64")


def truth(cells: pd.Series, path: str | Path) -> pd.Series:
    """Cells `True` and `False` as nullable booleans; `UserError` for anything else."""
    known = cells.map({"True": True, "False": False})
    if known.isna().any():
        wrong = cells[known.isna()].iloc[0]
        raise UserError(f"{path}: column {cells.name!r}: {wrong!r} is neither True nor False")
    return known.astype("boolean")


def check(scores: pd.DataFrame, where: str) -> pd.DataFrame:
    """The tidy `scores` of one table, if they can be used; `UserError` names what cannot be right."""
    if scores.empty:
        raise UserError(f"{where}: holds no score")
    if (wrong := ~scores["region"].isin(REGIONS)).any():
        raise UserError(f"{where}: region {scores['region'][wrong].iloc[0]!r} is unknown")
    outside = (scores["accuracy"] < 0) | (scores["accuracy"] > 100)
    if outside.any():
        row = scores[outside].iloc[0]
        raise UserError(f"{where}: {row.model!r}: top-1 of {row.accuracy:g} % is not possible")
    if not np.isfinite(scores["score"]).any():
        raise UserError(f"{where}: no score is a number")
    return scores
