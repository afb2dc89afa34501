"""What can be said of a recording's file before it is read."""

import csv
from pathlib import Path

from itcortex.data.own.columns import find


def lacks_grid(entry: dict) -> bool:
    """Whether an own recording certainly has no grid of positions; False where that is not known.

    Axes that are named, NWB files and wide tables say so, and a CSV by its first line.
    """
    return _is_nwb(entry) or _lacks(entry, ("y", "x"))


def lacks_time(entry: dict) -> bool:
    """Whether an own recording certainly has no axis of time; False where that is not known.

    As `lacks_grid`; NWB files have one if the entry names bins (`time: {bin: 10}`).
    """
    return "bin" not in entry.get("time", {}) if _is_nwb(entry) else _lacks(entry, ("time",))


def _is_nwb(entry: dict) -> bool:
    return entry.get("form") == "nwb" or Path(entry["responses"]).suffix.lower() == ".nwb"


def _lacks(entry: dict, axes: tuple[str, ...]) -> bool:
    """Whether none of these axes is named in the entry or in the first line of a CSV."""
    if "axes" in entry:
        return not {*axes} & {*entry["axes"]}
    if entry.get("form") == "wide":
        return True
    path = Path(entry["responses"])
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        line = file.readline().replace(";", ",").replace("\t", ",")
    names = next(csv.reader([line.strip()]), [])
    return not any(find(kind, names, entry.get("columns", {})) for kind in axes)
