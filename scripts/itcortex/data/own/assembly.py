"""Recordings in netCDF-4 files, as xarray and Brain-Score's BrainIO write them.

One variable holds the responses; its dimensions are presentations, sites and, where there are any,
repeats, positions and time. Variables along one dimension say what each of its elements is.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray

from itcortex.data.own.columns import USUAL
from itcortex.data.own.presented import Presented, stated_time
from itcortex.data.own.storage import as_float32
from itcortex.errors import UserError
from itcortex.formats import netcdf

#: What dimensions are called.
_DIMENSIONS = {
    "presentation": ("presentation", "image", "stimulus", "presentations", "images", "stimuli", "trial"),
    "repeat": ("repeat", "repetition", "repeats", "repetitions"),
    "y": ("y", "row"),
    "x": ("x", "column"),
    "time": ("time_bin", "time", "time_bins", "ms"),
    "site": ("neuroid", "site", "unit", "neuron", "channel", "neuroids", "sites", "units"),
}  # fmt: skip
_SHOWN = 5
_ORDER = ("presentation", "repeat", "y", "x", "time", "site")


def read_assembly(path: str | Path, entry: dict) -> Presented:
    """Responses of a netCDF-4 file.

    Raises `UserError` for a file without responses of sites to presentations, and for one that does not
    name its images.
    """
    where, variables = str(path), netcdf.read_variables(path)
    responses = _responses(variables, entry, where)
    dims = _dimensions(responses, entry.get("axes"), where)
    ordered = responses.transpose(*(dims[name] for name in _ORDER if name in dims))
    values = ordered.values
    for position, name in enumerate(_ORDER):
        if name not in dims:
            values = np.expand_dims(values, position)
    n_shown, n_repeats = values.shape[:2]
    about = {name: _along(variables, dim) for name, dim in dims.items()}
    shown = _with_names(about["presentation"], n_shown, dims["presentation"], entry, where)
    shown = shown.loc[np.repeat(np.arange(n_shown), n_repeats)].reset_index(drop=True)
    if n_repeats > 1:
        shown["repeat"] = np.tile(np.arange(n_repeats), n_shown)
    sites = _sites(about["site"], values.shape[-1], dims["site"], entry)
    flat = as_float32(values.reshape(-1, *values.shape[2:]), sites["site"].tolist(), where)
    return Presented(flat, shown, sites, _time(about.get("time"), entry, where))


def image_names(path: str | Path) -> tuple[str, ...]:
    """Names of the images that were shown, each once, without reading any response.

    Raises `UserError` for a file whose presentations have no usual name of a dimension, or no names.
    """
    where, variables = str(path), netcdf.read_variables(path, most_dimensions=1)
    dims = [str(dim) for one in variables.values() for dim in one.dims]
    shown = [dim for dim in dims if dim.lower() in _DIMENSIONS["presentation"]]
    if not shown:
        raise UserError(
            f"{where}: no dimension is called {', '.join(_DIMENSIONS['presentation'])}; it has "
            f"{', '.join(dict.fromkeys(dims)) or 'none'}"
        )
    about = _along(variables, shown[0])
    return tuple(dict.fromkeys(_with_names(about, len(about), shown[0], {}, where)["image"]))


def _responses(variables: dict[str, xarray.Variable], entry: dict, where: str) -> xarray.Variable:
    """The variable that the entry names, or the only one of numbers with several dimensions."""
    held = [n for n, v in variables.items() if v.ndim > 1 and v.dtype.kind in "iuf"]
    named = entry.get("array")
    if named in held:
        return variables[named]
    if named is not None or len(held) != 1:
        shown = ", ".join(f"{n!r} {v.dims}" for n, v in variables.items() if v.ndim != 1)
        raise UserError(
            f"{where}: cannot tell which variable holds the responses; name it: `array: ...`; "
            f"there are {shown or 'only variables along one dimension'}"
        )
    return variables[held[0]]


def _dimensions(responses: xarray.Variable, axes: list[str] | None, where: str) -> dict[str, str]:
    """The variable's dimensions by what they are, as the entry says or by their usual names."""
    dims = [str(dim) for dim in responses.dims]
    if axes:
        found = dict(zip(["presentation" if a == "image" else a for a in axes], dims, strict=False))
        fits = len(axes) == len(dims)
    else:
        found = {
            name: dim
            for name, usual in _DIMENSIONS.items()
            for dim in dims
            if dim.lower() in usual
        }  # fmt: skip
        fits = len(found) == len(dims)
    if not fits or not {"presentation", "site"} <= {*found}:
        raise UserError(
            f"{where}: its dimensions {dims} are not understood; say what they are, in their "
            "order, such as `axes: [image, site]` (image, repeat, y, x, time, site)"
        )
    return found


def _along(variables: dict[str, xarray.Variable], dim: str) -> pd.DataFrame:
    """What a file says of every element of a dimension."""
    return pd.DataFrame({n: v.values for n, v in variables.items() if v.dims == (dim,)})


def _with_names(
    shown: pd.DataFrame, n_shown: int, dim: str, entry: dict, where: str
) -> pd.DataFrame:
    """What was shown, with the column `image`: as the entry says, or by a usual name.

    File names come before other names, because they are what pictures are found by.
    """
    shown = shown if len(shown) else pd.DataFrame(index=range(n_shown))
    named = entry.get("columns", {}).get("image")
    files_first = (
        [*USUAL["file"], *USUAL["image"]] if "image_table" not in entry else USUAL["image"]
    )
    is_text = {name: shown[name].dtype.kind not in "iuf" for name in shown}
    usual = [name for name in files_first if name in shown]
    usual += [dim] if is_text.get(dim) and dim not in usual else []
    name = named or next(iter(usual), None)
    if name not in shown:
        raise UserError(
            f"{where}: nothing along {dim!r} names the "
            f"images{f' ({named!r} is not there)' if named else ''}; "
            f"name the variable that does, `columns: {{image: ...}}`; there are "
            f"{', '.join(map(repr, shown)) or 'none'}"
        )
    shown = shown.rename(columns={name: "image"}) if name != "image" else shown
    repetition = next((n for n in USUAL["repeat"] if n in shown and n not in ("trial",)), None)
    if repetition and _numbers_repeats(shown, repetition):
        shown = shown.rename(columns={repetition: "repeat"})
    return shown.assign(image=shown["image"].astype(str))


def _numbers_repeats(shown: pd.DataFrame, column: str) -> bool:
    """Whether a column gives every presentation of an image a number of its own."""
    return not shown[column].isna().any() and not shown.duplicated(["image", column]).any()


def _sites(sites: pd.DataFrame, n_sites: int, dim: str, entry: dict) -> pd.DataFrame:
    """Sites with the column `site`; sites without names are numbered."""
    sites = sites if len(sites) else pd.DataFrame(index=range(n_sites))
    named = entry.get("columns", {}).get("site")
    name = named or next((n for n in ("neuroid_id", *USUAL["site"], dim) if n in sites), None)
    if name is None:
        digits = max(2, len(str(n_sites)))
        return sites.assign(site=[f"site-{number + 1:0{digits}d}" for number in range(n_sites)])
    return sites.assign(site=sites[name].astype(str))


def _time(bins: pd.DataFrame | None, entry: dict, where: str) -> tuple[float, float] | None:
    """Start of the first bin and width of a bin, ms, of bins that follow each other without a gap."""
    if "time" in entry:
        return stated_time(entry, where)
    if bins is None or not len(bins):
        return None
    name = _starts(bins, where)
    if name is None:
        return None
    starts = bins[name].to_numpy(float)
    if name == "time_bin_start" and "time_bin_end" in bins:
        return _bordered(starts, bins["time_bin_end"].to_numpy(float), where)
    if len(starts) < 2:
        return None
    width = float(starts[1] - starts[0])
    if not (width > 0 and np.allclose(np.diff(starts), width)):
        raise UserError(
            f"{where}: {name}: its time bins do not begin one after the other in even steps: "
            f"{starts[:_SHOWN].tolist()}; sort them by time, and average them to bins of one width"
        )
    return float(starts[0]), width


def _starts(bins: pd.DataFrame, where: str) -> str | None:
    """The variable along time that says when bins start: `time_bin_start`, or the first of numbers."""
    if "time_bin_start" in bins:
        return "time_bin_start"
    numeric = [name for name in bins if bins[name].dtype.kind in "iuf"]
    if not numeric or len(bins) < 2:
        return None
    if any(word in numeric[0].lower() for word in ("end", "stop", "cent", "mid")):
        raise UserError(
            f"{where}: {numeric[0]!r} says when time bins end or what is their middle, and nothing "
            "when they start; store `time_bin_start`, or write `time: {start: ..., bin: ...}` (ms) "
            "into the recording's entry"
        )
    return numeric[0]


def _bordered(starts: np.ndarray, ends: np.ndarray, where: str) -> tuple[float, float]:
    """Start and width of bins with these borders; `UserError` if they overlap, or leave gaps."""
    widths = ends - starts
    alike = widths[0] > 0 and np.allclose(widths, widths[0])
    if not alike or not np.allclose(starts[1:], ends[:-1]):
        shown = [list(pair) for pair in zip(starts.tolist(), ends.tolist(), strict=True)][:_SHOWN]
        raise UserError(
            f"{where}: its time bins [time_bin_start, time_bin_end) are {shown}; each must begin where "
            "the one before ends, and all must have one width: leave out bins that overlap, and sort "
            "and average the others to such bins"
        )
    return float(starts[0]), float(widths[0])
