"""Tables from other programs: CSV however it is written, and Parquet.

Of a CSV are found out, not asked: the mark at its beginning (BOM), what separates its cells (comma,
semicolon or tab), and whether numbers are written with a decimal comma.
"""

import csv
import io
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from itcortex.data.own.cells import Table, typed
from itcortex.data.own.columns import LABELS, find
from itcortex.errors import UserError, nearest
from itcortex.formats.unicode import composed

_log = logging.getLogger(__name__)
_OF_PRESENTATIONS = ("repeat", "started")
_SEPARATORS = ",;\t"
_SAMPLE = 200  # rows
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}(,\d{3})+\s*")


def read_table(path: str | Path, decimal: str | None = None) -> Table:
    """A CSV or Parquet file, columns of numbers as numbers and all others as text.

    A column that counts rows and has no name, as programs write it beside the table, is left out.
    `decimal` says how a CSV writes numbers, "." or ",", where that cannot be found out. Raises
    `UserError` for a file that is no table, columns of one name, and rows of another length.
    """
    path = Path(path)
    if path.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(path)
    text = _decoded(path)
    separator = _separator(text, path)
    header, sample = _first_rows(text, separator, path)
    decimal = decimal or _decimal(sample, path)
    try:
        cells = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, names=header, skiprows=1, dtype=str,
            keep_default_na=False, index_col=False,
        )  # fmt: skip
    except ValueError as error:  # pandas' ParserError is one
        raise UserError(f"{path}: not a readable table ({error})") from error
    if cells.empty:
        raise UserError(f"{path}: has a first line and no rows")
    cells = cells.apply(lambda column: column.str.strip())
    values = _without_counter(cells.apply(typed, decimal=decimal))
    return Table(values, cells[[*values]], decimal, str(path))


def names_in_order(path: str | Path, named: dict, n_images: int) -> list[str]:
    """Names of images from a table with a row for each, in the table's order."""
    table = read_table(path)
    name = find("image", table.values, named) or table.values.columns[0]
    if len(table.values) != n_images:
        raise UserError(
            f"{path}: has {len(table.values)} rows, and there are responses to {n_images} images; it "
            "needs a row for each image, in their order. Are the axes in another order in the "
            "file?"
        )
    return table.names(name).tolist()


def with_image_table(
    shown: pd.DataFrame, path: str | Path, named: dict, labels: Sequence[str] = ()
) -> pd.DataFrame:
    """What was shown with all that a table says of each image, which is found by its name.

    A column with names of files (`filename`, or as the entry names `file`) replaces the images' names.
    What is known of presentations (`repeat`, `started`) is no table's of images. Raises `UserError` for
    images that the table does not have, or has twice, and for `labels` that may be one or two.
    """
    table = read_table(path)
    table.require_levels([*labels, *LABELS])
    about = _by_name(table, "image", named)
    if about.index.has_duplicates:
        raise UserError(
            f"{path}: gives image {about.index[about.index.duplicated()][0]!r} more than once"
        )
    names = shown["image"].astype(str).map(composed)
    missing = [name for name in dict.fromkeys(names) if name not in about.index]
    if missing:
        raise UserError(
            f"{path}: {len(missing)} images are not in it: {missing[:5]}; for {missing[0]!r}, "
            f"{nearest(missing[0], [*about.index])}"
        )
    if ignored := [name for name in _OF_PRESENTATIONS if name in about]:
        _log.warning(f"{path}: {ignored}: known of presentations, not of images: left out")
    file = find("file", table.values, named)
    rows = about.drop(columns=ignored).loc[names].reset_index(drop=True)
    rows["image"] = about[file].loc[names].to_numpy() if file else names.to_numpy()
    return _replaced(shown, rows, path)


def with_site_table(
    sites: pd.DataFrame, path: str | Path, named: dict, levels: Sequence[str] = ()
) -> pd.DataFrame:
    """Sites with all that a table says of each, which is found by its name.

    Raises `UserError` for `levels`, columns by whose values sites are selected, that may be one or two.
    """
    table = read_table(path)
    table.require_levels(levels)
    about = _by_name(table, "site", named)
    names = sites["site"].astype(str).map(composed)
    missing = [name for name in names if name not in about.index]
    if missing or about.index.has_duplicates:
        what = f"lacks {missing[:5]}" if missing else "gives a site more than once"
        raise UserError(f"{path}: {what}; it needs one row for each of the {len(names)} sites")
    return _replaced(
        sites, about.loc[names].reset_index(drop=True).drop(columns="site", errors="ignore"), path
    )


def _by_name(table: Table, kind: str, named: dict) -> pd.DataFrame:
    """A table of images or sites by their names, files' names as text."""
    key = find(kind, table.values, named) or table.values.columns[0]
    if key not in table.values:
        raise UserError(
            f"{table.where}: columns: {kind}: no {key!r}; {nearest(key, [*table.values])}"
        )
    about = table.values.set_axis(table.names(key).map(composed).to_numpy())
    file = find("file", table.values, named) if kind == "image" else None
    if file in about:
        about[file] = table.names(file).to_numpy()
    return about if kind == "image" else about.drop(columns=key)


def _replaced(known: pd.DataFrame, rows: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """What is known, with the columns of a table's `rows` in place of those of the same names."""
    known = known.reset_index(drop=True)
    both = [name for name in rows if name in known and name != "image"]
    other = [name for name in both if (known[name].astype(str) != rows[name].astype(str)).any()]
    if other:
        _log.warning(f"{path}: {other}: differ from the columns of the responses' file: replaced")
    return known.drop(columns=[*rows], errors="ignore").join(rows)


def _read_parquet(path: Path) -> Table:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are such
        raise UserError(f"{path}: not a readable Parquet file ({error})") from error
    if not isinstance(table.index, pd.RangeIndex):
        counts = table.index.name is None and pd.api.types.is_integer_dtype(table.index)
        table = table.reset_index(drop=counts)
    table.columns = [composed(str(name)) for name in table.columns]
    _require_different([*table.columns], path)
    for name in table:
        if not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].astype(str).where(table[name].notna(), "")
    table = _without_counter(table)
    text = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return Table(table, table[text], where=str(path))


# --- how a CSV is written -------------------------------------------------------------------------


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        raise UserError(
            f"{path}: is not written in UTF-8 ({error}); save it as 'CSV UTF-8' (in Excel: Save As)"
        ) from error
    if not text.strip():
        raise UserError(f"{path}: is empty; check that whatever writes it has finished")
    if "\0" in text:
        raise UserError(f"{path}: is no text; give a CSV, or say its `form`")
    return re.sub(r"\A\s*sep=.\r?\n", "", text).lstrip("\r\n")  # Excel's note of its separator


def _separator(text: str, path: Path) -> str:
    """What separates cells: of comma, semicolon and tab the one that gives all rows one length."""
    lines = text.splitlines()[:_SAMPLE]
    widths = {}
    for separator in _SEPARATORS:
        lengths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        if lengths and lengths[0] > 1 and len(set(lengths)) == 1:
            widths[separator] = lengths[0]
    if not any(separator in line for separator in _SEPARATORS for line in lines):
        return ","  # a single column
    if not widths:
        raise UserError(
            f"{path}: its rows have different lengths, whether cells are separated by comma, "
            "semicolon or tab; the first line must name every column, and every row have as many "
            "cells"
        )
    if ";" in widths or "\t" in widths:  # a comma may then be of numbers
        widths.pop(",", None)
    return max(widths, key=lambda separator: widths[separator])


def _first_rows(text: str, separator: str, path: Path) -> tuple[list[str], list[list[str]]]:
    rows = csv.reader(text.splitlines()[: _SAMPLE + 1], delimiter=separator)
    header, *sample = [row for row in rows if row]
    names = [composed(name.strip()) for name in header]
    _require_different(names, path)
    return names, sample


def _require_different(names: list[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{path}: several columns are called {twice[:5]}; give each its own name")


def _decimal(sample: list[list[str]], path: Path) -> str:
    """How numbers are written, from the first rows."""
    cells = [cell for row in sample for cell in row if _DECIMAL_COMMA.fullmatch(cell)]
    if not cells:
        return "."
    if all(_THOUSANDS.fullmatch(cell) for cell in cells):
        raise UserError(
            f"{path}: {cells[0]!r} may be a number with a decimal comma or with a separator of "
            "thousands; "
            'write `decimal: ","` into the recording\'s entry for the first, or save the file '
            "without separators"
        )
    return ","


def _without_counter(table: pd.DataFrame) -> pd.DataFrame:
    """The table without a nameless first column that counts rows."""
    name = table.columns[0]
    if name not in ("", "index") and not re.fullmatch(r"Unnamed: 0|__index_level_0__", name):
        return table
    values = table[name]
    counts = (
        pd.api.types.is_numeric_dtype(values) and (values.sort_values().diff().dropna() == 1).all()
    )
    return table.drop(columns=name) if counts and table.shape[1] > 1 else table
