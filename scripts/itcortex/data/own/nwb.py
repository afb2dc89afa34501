"""Recordings in NWB files (Neurodata Without Borders): spikes of units, counted in bins after onsets.

The tables `units` and `trials` are read by pynwb, an optional package. A unit is silent only while it
was observed: bins outside of its `obs_intervals`, or in the session's `invalid_times`, have no response.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from itcortex.data.own.columns import USUAL, require
from itcortex.data.own.presented import Presented
from itcortex.errors import UserError
from itcortex.formats import hdf5

_log = logging.getLogger(__name__)
_COLUMNS_OF_UNITS = ("spike_times", "obs_intervals", "electrodes", "waveforms", "waveform_mean",
                     "waveform_sd", "spike_amplitudes")  # fmt: skip


def read_nwb(path: str | Path, entry: dict) -> Presented:
    """Firing rates (spikes/s) of all units in bins after the onset of every trial's image.

    `time` of the entry is {start, stop, bin} in ms from onset: bins of that width, or one from start to
    stop. `columns` names the trials' columns with the image and, unless it is `start_time`, the
    onset in seconds. Rates are NaN in bins that do not lie whole in an observed interval of the unit, or
    that meet an invalid time. Raises `UserError` for a file without trials or units, or in which no unit
    was observed in any trial, or without pynwb installed.
    """
    try:
        from pynwb import NWBHDF5IO  # noqa: PLC0415 (optional)
    except ImportError as error:
        raise UserError(
            f"{path}: reading NWB needs the package pynwb, which is not installed; install it "
            "(pip install pynwb), or export trials and responses to another form"
        ) from error
    where, window = str(path), entry.get("time")
    if not window or "stop" not in window:
        raise UserError(
            f"{where}: in which window are spikes counted? Write it into the recording's entry, "
            "in ms from the onset of an image: `time: {start: 50, stop: 250}`, with `bin: 10` "
            "for a time axis"
        )
    _require_own_values(path)
    with NWBHDF5IO(str(path), "r", load_namespaces=True) as source:
        content = source.read()
        if content.trials is None or content.units is None:
            lacking = "trials" if content.trials is None else "units"
            raise UserError(
                f"{where}: has no table of {lacking}; a recording needs units with spike times, "
                "and a trial for each image that was shown"
            )
        trials, units = content.trials.to_dataframe(), content.units
        if "spike_times" not in units.colnames:
            raise UserError(f"{where}: its units have no spike times ({', '.join(units.colnames)})")
        spikes = [np.sort(units["spike_times"][k]) for k in range(len(units))]
        sites = pd.DataFrame({n: units[n][:] for n in units.colnames if n not in _COLUMNS_OF_UNITS})
        sites["site"] = [f"unit-{number}" for number in units.id[:]]
        intervals = [None] * len(units)
        if "obs_intervals" in units.colnames:
            intervals = [np.reshape(units["obs_intervals"][k], (-1, 2)) for k in range(len(units))]
        invalid = np.empty((0, 2))
        if content.invalid_times is not None:
            invalid = content.invalid_times.to_dataframe()[["start_time", "stop_time"]].to_numpy()
    return _presented(trials, spikes, sites, (intervals, invalid), entry, where)


def _require_own_values(path: str | Path) -> None:
    """Refuse a file that reaches into others, before anything else opens it."""
    try:
        with h5py.File(path, "r", locking=False) as handle:
            for _ in hdf5.entries(handle, str(path)):
                pass
    except OSError as error:
        raise UserError(f"{path}: not a readable NWB file ({error})") from error


def _presented(
    trials, spikes: list[np.ndarray], sites, known: tuple, entry: dict, where: str
) -> Presented:
    named = entry.get("columns", {})
    image = require("image", trials, named, where)
    onset = named.get("onset", "start_time")
    if onset not in trials:
        raise UserError(
            f"{where}: columns: onset: its trials have no {onset!r}: {', '.join(trials)}"
        )
    edges = bin_edges(entry["time"], where)
    shown = trials.rename(columns={image: "image"}).reset_index(drop=True)
    shown = shown.assign(
        image=[name.decode() if isinstance(name, bytes) else str(name) for name in shown["image"]],
        started=trials["start_time"].to_numpy(float),
    ).drop(columns=[name for name in USUAL["repeat"] if name in shown])
    onsets = trials[onset].to_numpy(float)
    kept = np.isfinite(onsets) & (shown["image"] != "").to_numpy()
    rates = count_spikes(spikes, onsets[kept], edges)
    rates[~observed(*known, onsets[kept], edges)] = np.nan
    _tell_unobserved(rates, sites["site"], where)
    width = float(edges[1] - edges[0])
    return Presented(
        rates[:, None, None].astype(np.float32), shown[kept].reset_index(drop=True), sites,
        (float(edges[0]), width),
    )  # fmt: skip


def bin_edges(window: dict, where: str) -> np.ndarray:
    """Edges (ms) of the bins of a window {start, stop, bin}; without `bin` it is one."""
    start, stop = float(window["start"]), float(window["stop"])
    width = float(window.get("bin", stop - start))
    n_bins = (stop - start) / width if width > 0 else 0
    if stop <= start or abs(n_bins - round(n_bins)) > 1e-6 or round(n_bins) < 1:
        raise UserError(
            f"{where}: time: {window} is no window of whole bins; `stop` must be `start` and a "
            "multiple of `bin`"
        )
    return start + width * np.arange(round(n_bins) + 1)


def count_spikes(spikes: list[np.ndarray], onsets: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Firing rates (presentation, bin, unit) in spikes/s, from sorted spike times in seconds.

    A spike on the edge of two bins is counted in the later one. `onsets` (presentation,) in seconds,
    `edges` in ms after them.
    """
    times = onsets[:, None] + edges[None, :] / 1000
    below = np.stack([np.searchsorted(one, times, side="left") for one in spikes], axis=2)
    return np.diff(below, axis=1) / (np.diff(edges) / 1000)[None, :, None]


def observed(
    intervals: Sequence[np.ndarray | None],
    invalid: np.ndarray,
    onsets: np.ndarray,
    edges: np.ndarray,
) -> np.ndarray:
    """Whether every bin was recorded, bool (presentation, bin, unit).

    It was where it lies whole in an interval [start, stop] of the unit, in which touching ones are
    one, and meets no invalid time.

    Parameters
    ----------
    intervals : of every unit, float (interval, 2) in seconds; None for a unit that was always observed.
    invalid : float (interval, 2) in seconds, of all units.
    onsets : (presentation,) in seconds
    edges : (bin + 1,) in ms after onsets
    """
    times = onsets[:, None] + edges[None, :] / 1000
    begins, ends = times[:, :-1] + _ROUNDING, times[:, 1:] - _ROUNDING
    valid = np.ones(begins.shape, bool)
    for start, stop in invalid:
        valid &= (ends <= start) | (begins >= stop)
    found = []
    for of_unit in intervals:
        inside = np.ones(begins.shape, bool)
        if of_unit is not None:
            starts, stops = _merged(of_unit).T
            last = np.searchsorted(starts, begins, side="right") - 1
            inside = last >= 0
            inside[inside] = ends[inside] <= stops[last[inside]]
        found.append(valid & inside)
    return np.stack(found, axis=2)


#: Seconds by which a bin's edge may lie outside: times are sums of rounded numbers.
_ROUNDING = 1e-6


def _merged(intervals: np.ndarray) -> np.ndarray:
    """Intervals (interval, 2) in their order, those that touch or overlap as one."""
    found: list[list[float]] = []
    for start, stop in sorted(map(tuple, intervals.astype(float))):
        if found and start <= found[-1][1] + _ROUNDING:
            found[-1][1] = max(found[-1][1], stop)
        else:
            found.append([start, stop])
    return np.array(found).reshape(-1, 2)


def _tell_unobserved(rates: np.ndarray, names: Sequence[str], where: str) -> None:
    """Log units that were not observed in every trial; refuse a file in which none ever was."""
    lacking = np.isnan(rates).any(axis=1)  # (presentation, unit)
    if lacking.size and np.isnan(rates).all():
        raise UserError(
            f"{where}: no unit was observed in any trial: obs_intervals of the units, or invalid_times, "
            "leave out the window after every onset; check that they are in seconds on the clock of the "
            "trials, and the window `time` of the entry"
        )
    if lacking.any():
        counts = {name: int(n) for name, n in zip(names, lacking.sum(0), strict=True) if n}
        shown = ", ".join(f"{name} in {n}" for name, n in list(counts.items())[:_MOST_NAMED])
        _log.warning(
            f"{where}: {len(counts)} of {len(lacking.T)} units were not observed in every one of "
            f"{len(lacking)} trials (obs_intervals, invalid_times), which have no response then: {shown}"
        )


_MOST_NAMED = 8
