"""What can be said of a recording's file before it is read."""

import csv
from pathlib import Path

from itcortex.data.own.columns import find


def lacks_grid(entry: dict) -> bool:
    """Whether an own recording certainly has no grid of positions; False where that is not known.

    Axes that are named, NWB files and wide tables say so, and a CSV by its first line.
    """
    path = Path(entry["responses"])
    if "axes" in entry:
        return not {"y", "x"} & {*entry["axes"]}
    if path.suffix.lower() == ".nwb" or entry.get("form") in ("nwb", "wide"):
        return True
    if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline().replace(";", ",").replace("\t", ",")
        names = next(csv.reader([line.strip()]), [])
        return not any(find(kind, names, entry.get("columns", {})) for kind in ("y", "x"))
    return False
