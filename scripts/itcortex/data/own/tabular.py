"""Recordings in tables: wide, with a row for each image and a column for each site, or long.

A long table has a row for each response: image, site and response, and where there are any repeat, time,
y and x.
"""

import logging
import re
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.own.cells import Table
from itcortex.data.own.columns import LABELS, USUAL, find, require
from itcortex.data.own.presented import Presented
from itcortex.data.own.selection import compared_as_names
from itcortex.data.own.storage import as_float32
from itcortex.data.own.tables import read_table
from itcortex.errors import UserError, nearest

_log = logging.getLogger(__name__)
#: Axes that a wide table does not have.
_LONG_ALONE = ("time", "y", "x")
#: Columns of numbers that are no site's, whatever else a wide table holds.
_NO_SITES = {*USUAL["image"], *USUAL["site"], *USUAL["repeat"], *USUAL["time"], *USUAL["y"], *USUAL["x"],
             *USUAL["file"], *USUAL["started"], *LABELS, "split", "fold", "session", "date", "order",
             "onset", "reaction_time", "rt"}  # fmt: skip
#: How names of columns end that count or name something.
_COUNTED = re.compile(r".*_(id|number|index)")
_SHOWN = 8


def read_wide(path: str | Path, entry: dict) -> Presented:
    """A table of images by sites (or, with axes [site, image], of sites by images).

    Sites are all columns of numbers that are not known to be something else, or those that
    `columns: {sites: pattern}` matches.
    """
    table, where = read_table(path, entry.get("decimal")), str(path)
    if entry.get("axes") == ["site", "image"]:
        return _sites_in_rows(table, entry, where)
    values, named = table.values, entry.get("columns", {})
    image = _name_column(table, "image", named, where)
    repeat, started = (find(kind, values, named) for kind in ("repeat", "started"))
    labels = [entry["split"]] if entry.get("split") else []
    labels += entry.get("labels", [])
    if "image_table" in entry:  # which may have them
        labels = [name for name in labels if name in values]
    about = {image, repeat, started, *labels} - {None}
    for name in sorted(about - {*values}):
        raise UserError(f"{where}: no column {name!r}; {nearest(name, [*values])}")
    table.require_levels([*labels, *LABELS])
    if repeat:
        table.require_filled(repeat)
    names = table.names(image)
    _refuse_other_axes(values.assign(**{image: names}), image, repeat, started, where)
    sites = _site_columns(table, about, named.get("sites"), where)
    others = [name for name in values if name not in {*sites, *about}]
    if others:
        _log.info(f"{where}: columns that are no sites: {', '.join(map(str, others))}")
    shown = values[[*others, *sorted(about)]].rename(
        columns={image: "image", repeat: "repeat", started: "started"}
    )
    shown["image"] = names
    for name in {*labels} - {*shown}:  # which are also something else, under another name
        shown[name] = values[name]
    responses = as_float32(values[sites].to_numpy(float), sites, where)
    return Presented(
        _five_axes(responses), shown, pd.DataFrame({"site": sites}),
        rows_are_repeats=entry.get("repeats", False),
    )  # fmt: skip


def read_long(path: str | Path, entry: dict) -> Presented:
    """A table with a row for each response."""
    table, where = read_table(path, entry.get("decimal")), str(path)
    names = _long_columns(table, entry, where)
    rows = table.values.assign(
        **{names[kind]: table.names(names[kind]) for kind in ("image", "site")}
    )
    one_presentation = [names[kind] for kind in ("image", "repeat") if kind in names]
    shown, shown_of = _groups(rows, one_presentation)
    sites, site_of = _groups(rows, [names["site"]])
    levels = {
        kind: np.unique(rows[names[kind]]) if kind in names else None for kind in ("y", "x", "time")
    }
    places = [shown_of]
    places += [
        np.zeros(len(rows), int) if values is None else np.searchsorted(values, rows[names[kind]])
        for kind, values in levels.items()
    ]
    places = (*places, site_of)
    shape = tuple(int(place.max()) + 1 for place in places)
    _require_single(rows, places, shape, [*names.values()], where)
    values = np.full(shape, np.nan)
    values[places] = rows[names["response"]]
    shown = shown.rename(columns={names["image"]: "image", names.get("repeat", ""): "repeat"})
    sites = sites.rename(columns={names["site"]: "site"})
    values = as_float32(values, sites["site"].tolist(), where)
    return Presented(values, shown, sites, _time(levels["time"], where), rows_are_repeats=False)


# --- which column is what -------------------------------------------------------------------------


def _name_column(table: Table, kind: str, named: dict, where: str) -> str:
    """The column with names of images: as the entry says, a usual name, or the first if it is text."""
    if find(kind, table.values, named) is None:
        first = table.values.columns[0]
        if not table.is_numeric(first):
            return first
    return require(kind, table.values, named, where)


def _long_columns(table: Table, entry: dict, where: str) -> dict[str, str]:
    """Which columns of a long table hold what; each has a value in every row, but for responses."""
    named = entry.get("columns", {})
    names = {
        kind: require(kind, table.values, named, where) for kind in ("image", "site", "response")
    }
    for kind in ("repeat", *_LONG_ALONE):
        if find(kind, table.values, named):
            names[kind] = require(kind, table.values, named, where)
            table.require_filled(names[kind])
            if kind != "repeat":
                table.require_numbers(names[kind])
    table.require_numbers(names["response"])
    table.require_levels([*entry.get("labels", []), entry.get("split"), *LABELS])
    table.require_levels(compared_as_names(entry.get("sites", {})))
    return names


def _site_columns(table: Table, about: set, pattern: str | None, where: str) -> list[str]:
    """Columns of sites: those that the pattern fits, or all of numbers that are not something else."""
    if pattern:
        sites = [n for n in table.values if fnmatchcase(n, pattern) and n not in about]
        for name in sites:
            table.require_numbers(name)
    else:
        free = [name for name in table.values if name not in about and not _is_no_site(name)]
        for name in free:
            if table.is_nearly_numeric(name):  # a damaged site, which must not go unnoticed
                table.require_numbers(
                    name, "; if it is no site's, name theirs: `columns: {sites: ...}`"
                )
        sites = [name for name in free if table.is_numeric(name)]
        _say_sites(table.values[sites], where)
    if not sites:
        raise UserError(
            f"{where}: no column holds numbers of a site; there are "
            f"{', '.join(map(repr, [*table.values][:_SHOWN]))}. "
            "In a table with a row for each response, name `columns: {site: ..., response: ...}`"
        )
    return sites


def _is_no_site(name: str) -> bool:
    lowered = name.strip().lower()
    return lowered in _NO_SITES or bool(_COUNTED.fullmatch(lowered))


def _say_sites(sites: pd.DataFrame, where: str) -> None:
    """Say in the log which columns were taken for sites, and which of them may be none."""
    more = f" and {sites.shape[1] - _SHOWN} more" if sites.shape[1] > _SHOWN else ""
    _log.info(f"{where}: {sites.shape[1]} columns are sites: {', '.join([*sites][:_SHOWN])}{more}")
    whole = [name for name in sites if (sites[name].dropna() % 1 == 0).all() and sites[name].any()]
    if 0 < len(whole) <= sites.shape[1] / 2:
        _log.warning(
            f"{where}: {', '.join(whole[:_SHOWN])} ({len(whole)} columns of {sites.shape[1]}) hold "
            "whole numbers, and the others do not; if these are no sites, say which columns are: "
            "`columns: {sites: pattern}`"
        )


def _refuse_other_axes(
    table: pd.DataFrame, image: str, repeat: str | None, started: str | None, where: str
) -> None:
    """Raise `UserError` if rows of one image are told apart by a column of time or of positions."""
    numbered = [image, *([repeat] if repeat else [])]
    twice = table.duplicated(numbered, keep=False)
    if not twice.any():
        return
    usual = {name for kind in _LONG_ALONE for name in USUAL[kind]}
    for name in table:
        is_axis = name.strip().lower() in usual and name not in (*numbered, started)
        if is_axis and (table[twice].groupby(numbered)[name].nunique() > 1).any():
            raise UserError(
                f"{where}: rows of one image differ in {name!r}, and a wide table has neither time nor "
                "a grid; write a row for each response (image, site, response, and time, y or x). If "
                f"{name!r} is no such axis, give it another name, or write `columns: {{started: "
                f"{name}}}` if it says when presentations began"
            )


# --- arrays ---------------------------------------------------------------------------------------


def _sites_in_rows(table: Table, entry: dict, where: str) -> Presented:
    """A table with a row for each site, and a column for each image."""
    site = _name_column(table, "site", entry.get("columns", {}), where)
    wanted = {*entry.get("sites", {})}
    table.require_levels(compared_as_names(entry.get("sites", {})))
    images = [name for name in table.values if name != site and name not in wanted]
    for name in images:
        table.require_numbers(name)
    columns = [site, *(name for name in table.values if name in wanted)]
    about = table.values[columns].rename(columns={site: "site"})
    about["site"] = table.names(site)
    values = as_float32(table.values[images].to_numpy(float).T, about["site"].tolist(), where)
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
