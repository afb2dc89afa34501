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
    ">0.3". Numbers must be the same in all digits, and texts letter by letter. A site without a number
    fulfils no comparison. Raises `UserError` for a column or a
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


def compared_as_names(wanted: dict) -> list[str]:
    """Columns of which `wanted` names values, rather than comparing numbers."""
    return [
        column
        for column, condition in wanted.items()
        if not (isinstance(condition, str) and _COMPARED.fullmatch(condition))
    ]


def _fulfils(values: pd.Series, condition, where: str) -> np.ndarray:
    compared = _COMPARED.fullmatch(condition) if isinstance(condition, str) else None
    if compared:
        operator, limit = compared.groups()
        try:
            if "_" in limit:  # which Python reads as a number
                raise ValueError(limit)
            return _COMPARE[operator](numbers(values).to_numpy(float), float(limit))
        except ValueError as error:
            raise UserError(
                f"{where}: {condition!r} compares with no number; write it like '>0.3'"
            ) from error
    spelled = [_spellings(value) for value in values.to_numpy()]
    fulfilled = np.zeros(len(values), bool)
    for value in condition if isinstance(condition, list) else [condition]:
        wanted = {*_spellings(value)}
        alike = np.array([not wanted.isdisjoint(one) for one in spelled], bool)
        if not alike.any():
            valid = sorted({one[0] for one in spelled if one})
            raise UserError(f"{where}: no site has {value!r}; {nearest(str(value), valid)}")
        fulfilled |= alike
    return fulfilled


def _spellings(value) -> tuple[str, ...]:
    """Texts that mean a value: a text itself, a number in full with and without ".0"; none if missing.

    So 1 is 1.0 and "1", but "010" is neither "10" nor 10, and 20210325 no other day.
    """
    if isinstance(value, bool | np.bool_):
        return (str(value), str(value).lower(), str(value).upper())
    if isinstance(value, int | np.integer):
        return (str(int(value)), f"{int(value)}.0")
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return () if np.isnan(value) else (str(value),)
        exact = float(str(value))  # 0.1 as float32 is meant as 0.1
        return (str(int(exact)), repr(exact)) if exact.is_integer() else (repr(exact),)
    return () if value is None or value is pd.NA else (str(value).strip(),)


def _in_words(wanted: dict) -> str:
    return ", ".join(f"{column}: {condition}" for column, condition in wanted.items())
