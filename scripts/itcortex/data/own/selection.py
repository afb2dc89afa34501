"""Sites of a recording that are analysed, by what its file says of them."""

import re

import numpy as np
import pandas as pd

from itcortex.data.own.columns import numbers
from itcortex.errors import UserError, nearest

_COMPARED = re.compile(r"\s*(<=|>=|<|>)\s*(\S+)\s*")
_COMPARE = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


def select(sites: pd.DataFrame, wanted: dict, where: str) -> np.ndarray:
    """Rows (bool) of a table of sites that fulfil all conditions `{column: condition}`.

    A condition is a value, a list of values of which one must hold, or a comparison such as
    ">0.3". A site without a number fulfils no comparison. Raises `UserError` for a column or a
    value that is not there, and where no site is left.
    """
    chosen = np.ones(len(sites), bool)
    for column, condition in wanted.items():
        if column not in sites:
            known = [name for name in sites if name != "site"]
            hint = (
                nearest(column, known) if known else "it says nothing of its sites but their names"
            )
            raise UserError(f"{where}: sites: no column {column!r} of the sites; {hint}")
        chosen &= _fulfils(sites[column], condition, f"{where}: sites: {column}")
    if not chosen.any():
        raise UserError(
            f"{where}: sites: none of {len(sites)} sites fulfils {_in_words(wanted)}; loosen a "
            "condition"
        )
    return chosen


def _fulfils(values: pd.Series, condition, where: str) -> np.ndarray:
    compared = _COMPARED.fullmatch(condition) if isinstance(condition, str) else None
    if compared:
        operator, limit = compared.groups()
        try:
            return _COMPARE[operator](numbers(values).to_numpy(float), float(limit))
        except ValueError as error:
            raise UserError(
                f"{where}: {condition!r} compares with no number; write it like '>0.3'"
            ) from error
    levels = values.map(_level)
    fulfilled = np.zeros(len(values), bool)
    for value in condition if isinstance(condition, list) else [condition]:
        alike = (levels == _level(value)).to_numpy(bool)
        if not alike.any():
            valid = sorted(set(levels))
            raise UserError(f"{where}: no site has {value!r}; {nearest(_level(value), valid)}")
        fulfilled |= alike
    return fulfilled


def _level(value) -> str:
    """A value as text, the same for 1, 1.0 and "1"."""
    text = str(value).strip()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _in_words(wanted: dict) -> str:
    return ", ".join(f"{column}: {condition}" for column, condition in wanted.items())
