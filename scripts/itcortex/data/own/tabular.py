"""Recordings in tables: wide, with a row for each image and a column for each site, or long.

A long table has a row for each response: image, site and response, and where there are any repeat, time,
y and x.
"""

import logging
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.own.columns import LABELS, USUAL, find, require
from itcortex.data.own.presented import Presented
from itcortex.data.own.tables import as_names, read_table
from itcortex.errors import UserError, nearest

_log = logging.getLogger(__name__)
#: Columns of numbers that are no site's, whatever else a wide table holds.
_NO_SITES = {*USUAL["image"], *USUAL["repeat"], *USUAL["started"], *LABELS, "split", "fold", "session",
             "date", "order", "onset", "reaction_time", "rt"}  # fmt: skip
_SHOWN = 8


def read_wide(path: str | Path, entry: dict) -> Presented:
    """A table of images by sites (or, with axes [site, image], of sites by images).

    Sites are all columns of numbers that are not known to be something else, or those that
    `columns: {sites: pattern}` matches.
    """
    table, where = read_table(path, entry.get("decimal")), str(path)
    if entry.get("axes") == ["site", "image"]:
        return _sites_in_rows(table, entry, where)
    named = entry.get("columns", {})
    image = _name_column(table, "image", named, where)
    repeat, started = (find(kind, table, named) for kind in ("repeat", "started"))
    about = {image, repeat, started, entry.get("split"), *entry.get("labels", [])} - {None}
    for name in sorted(about - {*table}):
        raise UserError(f"{where}: no column {name!r}; {nearest(name, [*table])}")
    sites = _site_columns(table, about, named.get("sites"), where)
    others = [name for name in table if name not in {*sites, *about}]
    if others:
        _log.info(f"{where}: columns that are no sites: {', '.join(map(str, others))}")
    shown = table[[*others, *about]].rename(
        columns={image: "image", repeat: "repeat", started: "started"}
    )
    shown["image"] = as_names(shown["image"])
    if entry.get("split"):
        shown[entry["split"]] = table[entry["split"]]
    return Presented(
        _five_axes(table[sites].to_numpy(np.float32)), shown, pd.DataFrame({"site": sites}),
        rows_are_repeats=entry.get("repeats", False),
    )  # fmt: skip


def read_long(path: str | Path, entry: dict) -> Presented:
    """A table with a row for each response."""
    table, where, named = (
        read_table(path, entry.get("decimal")),
        str(path),
        entry.get("columns", {}),
    )
    names = {kind: require(kind, table, named, where) for kind in ("image", "site", "response")}
    for kind in ("repeat", "time", "y", "x"):
        if name := find(kind, table, named):
            names[kind] = require(kind, table, named, where)
            if kind != "repeat":
                _require_numbers(table, name, where)
    _require_numbers(table, names["response"], where)
    table = table.assign(**{names[k]: as_names(table[names[k]]) for k in ("image", "site")})
    one_presentation = [names[kind] for kind in ("image", "repeat") if kind in names]
    shown, shown_of = _groups(table, one_presentation)
    sites, site_of = _groups(table, [names["site"]])
    levels = {
        kind: np.unique(table[names[kind]]) if kind in names else None
        for kind in ("y", "x", "time")
    }
    places = [shown_of]
    places += [
        np.zeros(len(table), int) if values is None else np.searchsorted(values, table[names[kind]])
        for kind, values in levels.items()
    ]
    places = (*places, site_of)
    shape = tuple(int(place.max()) + 1 for place in places)
    _require_single(table, places, shape, [*names.values()], where)
    values = np.full(shape, np.nan, np.float32)
    values[places] = table[names["response"]]
    shown = shown.rename(columns={names["image"]: "image", names.get("repeat", ""): "repeat"})
    sites = sites.rename(columns={names["site"]: "site"})
    return Presented(values, shown, sites, _time(levels["time"], where), rows_are_repeats=False)


# --- which column is what -------------------------------------------------------------------------


def _name_column(table: pd.DataFrame, kind: str, named: dict, where: str) -> str:
    """The column with names of images: as the entry says, a usual name, or the first if it is "
    "text."""
    if find(kind, table, named) is None:
        first = table.columns[0]
        if not pd.api.types.is_numeric_dtype(table[first]):
            return first
    return require(kind, table, named, where)


def _site_columns(table: pd.DataFrame, about: set, pattern: str | None, where: str) -> list[str]:
    numeric = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
    if pattern:
        sites = [name for name in table if fnmatchcase(name, pattern) and name not in about]
        wrong = [name for name in sites if name not in numeric]
        if wrong:
            _require_numbers(table, wrong[0], where)
    else:
        sites = [name for name in numeric if name not in about and name.lower() not in _NO_SITES]
        _refuse_nearly_numbers(table, about, where)
    if not sites:
        raise UserError(
            f"{where}: no column holds numbers of a site; there are "
            f"{', '.join(map(repr, [*table][:_SHOWN]))}. "
            "In a table with a row for each response, name `columns: {site: ..., response: ...}`"
        )
    return sites


def _refuse_nearly_numbers(table: pd.DataFrame, about: set, where: str) -> None:
    """A column of numbers with a few cells of text is a damaged site, and must not go unnoticed."""
    for name in table:
        if name in about or pd.api.types.is_numeric_dtype(table[name]):
            continue
        if pd.to_numeric(table[name], errors="coerce").notna().mean() > 0.5:
            _require_numbers(table, name, where)


def _require_numbers(table: pd.DataFrame, name: str, where: str) -> None:
    """Raise `UserError` with the first cell of a column that is no number."""
    if pd.api.types.is_numeric_dtype(table[name]):
        return
    wrong = pd.to_numeric(table[name], errors="coerce").isna() & (table[name] != "")
    row = int(np.argmax(wrong))
    raise UserError(
        f"{where}: column {name!r}, row {row + 2}: {table[name].iloc[row]!r} is no number; mend "
        "that cell, or empty it if nothing was recorded"
    )


# --- arrays ---------------------------------------------------------------------------------------


def _sites_in_rows(table: pd.DataFrame, entry: dict, where: str) -> Presented:
    """A table with a row for each site, and a column for each image."""
    site = _name_column(table, "site", entry.get("columns", {}), where)
    wanted = {*entry.get("sites", {})}
    images = [name for name in table if name != site and name not in wanted]
    text = [name for name in images if not pd.api.types.is_numeric_dtype(table[name])]
    if text:
        _require_numbers(table, text[0], where)
    about = table[[site, *(name for name in table if name in wanted)]].rename(
        columns={site: "site"}
    )
    about["site"] = as_names(about["site"])
    values = table[images].to_numpy(np.float32).T
    return Presented(
        _five_axes(values), pd.DataFrame({"image": images}), about, rows_are_repeats=False
    )


def _five_axes(values: np.ndarray) -> np.ndarray:
    """Values (presentation, site) with axes for a grid and time."""
    return values[:, None, None, None, :]


def _groups(table: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows that differ in `keys`, with all columns that are alike in each, and all rows' numbers."""
    number = table.groupby(keys, sort=True).ngroup().to_numpy()
    grouped = table.groupby(number)
    alike = [
        name for name in table if name in keys or (grouped[name].nunique(dropna=False) == 1).all()
    ]
    return grouped[alike].first().reset_index(drop=True), number


def _require_single(table, places, shape, columns: list[str], where: str) -> None:
    """Raise `UserError` if two rows are about the same response."""
    flat = np.ravel_multi_index(places, shape)
    twice = pd.Series(flat).duplicated()
    if twice.any():
        row = table.iloc[int(np.argmax(twice))][columns].to_dict()
        raise UserError(
            f"{where}: {int(twice.sum())} responses stand there more than once, the first in row "
            f"{int(np.argmax(twice)) + 2} ({row}); delete them, or name the column that numbers "
            "repeats: `columns: {repeat: ...}`"
        )


def _time(starts: np.ndarray | None, where: str) -> tuple[float, float] | None:
    """Start and width (ms) of bins that begin at these times, which must be evenly spaced."""
    if starts is None or len(starts) < 2:
        return None
    steps = np.diff(starts)
    if not np.allclose(steps, steps[0], rtol=1e-3):
        raise UserError(
            f"{where}: times of bins are not evenly spaced: {starts[:5].tolist()}; every bin "
            "needs the same width"
        )
    return float(starts[0]), float(steps[0])
