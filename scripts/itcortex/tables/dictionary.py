"""The data dictionary: every column of every table of an experiment, with its unit and what it holds.

It stands in `columns.yaml` beside this module. The documentation's page of columns is made from it, and
the tables of a finished run are held against it.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml


class Column(NamedTuple):
    """A column: its name, its unit (empty for names and texts) and what it holds."""

    name: str
    unit: str
    holds: str


class Described(NamedTuple):
    """A table: what a row of it is, and its columns in their order."""

    name: str
    holds: str
    columns: tuple[Column, ...]


class Section(NamedTuple):
    """Tables that are told together, after a text."""

    title: str
    text: str
    tables: tuple[Described, ...]


@cache
def sections() -> tuple[Section, ...]:
    """The dictionary as it stands, section by section."""
    content = yaml.safe_load(
        Path(__file__).with_name("columns.yaml").read_text(encoding="utf-8"),
    )
    common = content["common"]
    return tuple(
        Section(
            one["title"],
            one["text"],
            tuple(
                Described(name, table["holds"], tuple(_columns(table["columns"], common)))
                for name, table in one["tables"].items()
            ),
        )
        for one in content["sections"]
    )


def _columns(columns: dict, common: dict) -> Iterable[Column]:
    """Columns of a table; what it does not say itself of one is said in `common`."""
    for name, own in columns.items():
        said = common[name] if own is None else own
        yield Column(name, said.get("unit", ""), said["holds"])


def tables() -> dict[str, Described]:
    """Every table by its name."""
    return {table.name: table for section in sections() for table in section.tables}


def differences(name: str, columns: Iterable[str]) -> list[str]:
    """How columns of a table differ from the dictionary, a sentence each; empty where they do not."""
    known, there = [column.name for column in tables()[name].columns], list(columns)
    lacking = [f"{name}: the dictionary lacks {one!r}" for one in there if one not in known]
    return lacking + [f"{name}: has no column {one!r}" for one in known if one not in there]
