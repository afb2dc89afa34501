"""Columns and variables by what they hold, whatever a file calls them."""

from collections.abc import Iterable, Mapping

import pandas as pd

from itcortex.errors import UserError, nearest

#: Names that are understood without being told, the more certain ones first.
USUAL = {
    "image": ("image", "image_id", "stimulus", "stimulus_id", "stimulus_name", "image_name",
              "filename", "image_file_name", "file_name", "picture"),
    "site": ("site", "site_id", "neuroid", "neuroid_id", "unit", "unit_id", "neuron", "neuron_id",
             "channel", "electrode", "cell", "voxel"),
    "response": ("response", "responses", "rate", "firing_rate", "spike_count", "count", "value"),
    "repeat": ("repeat", "repetition", "trial", "rep"),
    "time": ("time", "time_ms", "ms", "time_bin_start", "time_bin"),
    "y": ("y", "row"),
    "x": ("x", "column", "col"),
    "file": ("filename", "image_file_name", "file_name", "file"),
    "started": ("started", "start_time"),
}  # fmt: skip
#: What may be known of every image, beside its split; `object_name` balances Brain-Score's splits.
LABELS = ("object_name", "category_name", "variation")


def find(kind: str, present: Iterable[str], named: Mapping[str, str]) -> str | None:
    """Name of the column that holds `kind`: as the entry says, else a usual one, else None."""
    if kind in named:
        return named[kind]
    lowered = {str(name).strip().lower(): name for name in present}
    return next((lowered[name] for name in USUAL.get(kind, (kind,)) if name in lowered), None)


def require(kind: str, present: Iterable[str], named: Mapping[str, str], where: str) -> str:
    """As `find`; `UserError` for a name that is not there, or if no usual one is."""
    present = list(map(str, present))
    name = find(kind, present, named)
    if name is None:
        raise UserError(
            f"{where}: cannot tell where it has every {kind}; name it in the recording's entry, "
            f"`columns: {{{kind}: ...}}`; there are {', '.join(map(repr, present[:12]))}"
        )
    if name not in present:
        raise UserError(f"{where}: columns: {kind}: no {name!r}; {nearest(name, present)}")
    return name


def numbers(column: pd.Series) -> pd.Series:
    """A column as numbers, NaN for what is none."""
    return pd.to_numeric(column, errors="coerce")
