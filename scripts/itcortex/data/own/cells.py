"""Cells of tables: which are numbers, which say that there is none, and which are damaged numbers.

A table is kept twice: with its columns of numbers as numbers, and as the file writes it. Names are taken
from the latter, because 1.1 and 1.10, or 1e5 and 100000, are one number and two names.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from itcortex.errors import UserError

MISSING = ("", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "None", ".", "-")
_NUMBER = r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
#: Digits with what stands in, before or after damaged numbers: 1.234,5 and 1 234 and 2.25*.
_NEARLY = r"[-+]?[\d.,'’\s]*\d[\d.,'’\s]*\W?"
_AS_POINT = str.maketrans({",": ".", ".": "?"})
_OTHER_DECIMAL = {".": ",", ",": "."}


@dataclass(frozen=True)
class Table:
    """A table as numbers and as text.

    Attributes
    ----------
    values : data frame
        Columns of numbers as numbers (NaN where there is none), all others as text.
    text : data frame
        Columns as the file writes them, without spaces around; of Parquet only those of text.
    decimal : str
        How numbers are written, "." or ",".
    where : str
        The file, for messages.
    """

    values: pd.DataFrame
    text: pd.DataFrame
    decimal: str = "."
    where: str = field(default="", compare=False)

    def names(self, column: str) -> pd.Series:
        """A column of names; `UserError` for a cell without any."""
        self.require_filled(column)
        return self.text[column] if column in self.text else as_names(self.values[column])

    def is_numeric(self, column: str) -> bool:
        """Whether all cells of a column are numbers or missing; True and False are none."""
        dtype = self.values[column].dtype
        return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)

    def require_filled(self, column: str) -> None:
        """Raise `UserError` for a column with an empty cell."""
        raw = self.text[column] if column in self.text else self.values[column]
        empty = (raw.isna() | (raw == "")).to_numpy(bool)
        if empty.any():
            raise UserError(
                f"{self.where}: column {column!r}, row {int(np.argmax(empty)) + 2}: the cell is empty; "
                "fill it, or delete the row"
            )

    def require_numbers(self, column: str, instead: str = "") -> None:
        """Raise `UserError`, with `instead` at its end, for a column with a cell that is no number."""
        if self.is_numeric(column):
            return
        wrong = np.array([], bool)
        if column in self.text:
            wrong = ~_are_numbers(self.text[column], self.decimal).to_numpy(bool)
        if not wrong.any():  # Parquet knows what a column holds
            raise UserError(
                f"{self.where}: column {column!r} is not stored as numbers ("
                f"{self.values[column].dtype}); store it as numbers{instead}"
            )
        row = int(np.argmax(wrong))
        cell = self.text[column].iloc[row]
        raise UserError(
            f"{self.where}: column {column!r}, row {row + 2}: {cell!r} is no number"
            f"{_because(cell, self.decimal)}; mend that cell, or empty it if nothing was "
            f"recorded{instead}"
        )

    def is_nearly_numeric(self, column: str) -> bool:
        """Whether more than half of a text column's cells are numbers, whole or damaged."""
        if self.is_numeric(column) or column not in self.text:
            return False
        filled = self.text[column][~self.text[column].isin(MISSING)]
        plain = filled.str.fullmatch(_NEARLY) | _are_numbers(filled, self.decimal)
        return bool(plain.mean() > 0.5)

    def require_levels(self, columns) -> None:
        """Raise `UserError` if one number is written in two ways in a column of labels."""
        for column in columns:
            if column not in self.text or not self.is_numeric(column):
                continue
            written = self.text[column].groupby(self.values[column]).unique()
            several = next((texts for texts in written if len(texts) > 1), None)
            if several is not None:
                raise UserError(
                    f"{self.where}: column {column!r}: {several[0]!r} and {several[1]!r} may be one "
                    "label or two; write them alike, or with a letter"
                )


def typed(column: pd.Series, decimal: str) -> pd.Series:
    """A column of stripped text as numbers if all its cells are numbers or missing; else as it is."""
    missing = column.isin(MISSING)
    if missing.all():
        return pd.Series(float("nan"), column.index)
    if not _are_numbers(column, decimal).all():
        return column
    return pd.to_numeric(_with_point(column, decimal).where(~missing))


def as_names(column: pd.Series) -> pd.Series:
    """A column as text; whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        return column.map(lambda value: "" if pd.isna(value) else f"{value:.0f}")
    return column.astype(str)


def _are_numbers(text: pd.Series, decimal: str) -> pd.Series:
    return _with_point(text, decimal).str.fullmatch(_NUMBER) | text.isin(MISSING)


def _with_point(text: pd.Series, decimal: str) -> pd.Series:
    """Numbers as Python reads them; a point among decimal commas may separate thousands: no number."""
    return text.str.translate(_AS_POINT) if decimal == "," else text


def _because(cell: str, decimal: str) -> str:
    """Why a cell that looks like a number is none."""
    if pd.Series([cell]).str.fullmatch(r"[-+]?0\d+([.,]\d*)?").item():
        return " (it begins with a zero, as names do)"
    other = _OTHER_DECIMAL[decimal]
    if other in cell and any(map(str.isdigit, cell)):
        return (
            f" where numbers have the decimal sign {decimal!r} (`decimal:` of the entry says which)"
        )
    return ""
