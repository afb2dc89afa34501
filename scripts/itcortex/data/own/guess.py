"""A first entry for a file: its form, its axes and its columns, as far as the file tells.

What is tried is what a person would try, the plainest first. Of ways that are equally plain one is taken
only if no other reads the file: else all are named, and the user chooses.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from itcortex.data.own.arrays import possible_axes
from itcortex.data.own.cells import Table
from itcortex.data.own.forms import form_of, read_own, read_presented
from itcortex.data.own.tables import read_table
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import is_image, pictures_in
from itcortex.errors import UserError
from itcortex.formats.unicode import composed
from itcortex.formats.zips import open_archive
from itcortex.numerics.metrics import FEWEST_SAMPLES

#: A window after onset (ms) that is proposed where spikes are to be counted, or bins to be averaged.
USUAL_WINDOW = (70, 170)
_PLURAL = {
    "image": "images", "site": "sites", "repeat": "repeats", "time": "time bins", "y": "grid rows",
    "x": "grid columns",
}  # fmt: skip
_ABOUT = {"monkey": "", "area": "", "unit": "a.u."}


def picture_names(place: str | Path) -> list[str]:
    """Names of the pictures in a folder or a zip; `UserError` if there is none."""
    place = Path(place)
    if place.is_dir():
        names = [composed(name) for name in pictures_in(place)]
    elif place.is_file():
        with open_archive(place) as members:
            names = [name for name in members.names if is_image(name)]
    else:
        raise UserError(
            f"{place}: there is no such folder or zip; paths are relative to {Path.cwd()}"
        )
    if not names:
        raise UserError(f"{place}: holds no picture")
    return names


def guess(path: str | Path, stimuli: str | Path) -> tuple[dict, Recording | None, str]:
    """An entry for a file, the recording that it gives, and the problem if it gives none.

    The entry has `name`, `responses`, `stimuli` and what was found out beside. Raises `UserError` for a
    file that is not there or whose form is not known.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; paths are relative to {Path.cwd()}")
    pictures = picture_names(stimuli)
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", path.stem).strip("_") or "my_recording"
    entry = {"name": plain, "responses": path.as_posix(), "stimuli": Path(stimuli).as_posix()}
    form, problem = form_of(path, {}), ""
    if form == "numpy" and (choice := _choice_of_axes(path)):
        return entry, None, choice
    for ways in _tries(path, form, pictures):
        found = []
        for more in ways:
            try:
                found.append((more, read_own(path, entry | more, pictures, _ABOUT)))
            except UserError as error:
                problem = problem or str(error)
        if len(found) == 1:
            return entry | found[0][0], found[0][1], ""
        if found:
            return entry, None, _choice(path, [_written(more) for more, _ in found])
    return entry, None, problem


def _tries(path: Path, form: str, pictures: list[str]) -> Iterator[list[dict]]:
    """What may have to be added to an entry, the plainest first; ways in one list are equally plain."""
    yield [{}]
    if form in ("wide", "long"):
        columns = _columns_with(read_table(path), pictures)
        yield [{"columns": {"image": name}} for name in columns]
        if form == "wide":
            yield [{"axes": ["site", "image"]}]
            yield [{"repeats": True}]
    if form == "numpy":
        for axes in _possible(path)[1]:
            yield [{"axes": axes}]
            yield [{"axes": axes, "incomplete": "leave out sites"}]
    if form == "netcdf":
        yield [{"axes": ["image", "site"]}, {"axes": ["site", "image"]}]
    if form == "nwb":
        start, stop = USUAL_WINDOW
        time = {"start": start, "stop": stop}
        yield [{"time": time}]
        yield [{"time": time, "columns": {"image": name}} for name in _columns_of_trials(path)]
    yield [{"incomplete": "leave out sites"}]


def _choice_of_axes(path: Path) -> str:
    """What to ask if the lengths of names leave several orders of an array's axes; else empty."""
    shape, possible = _possible(path)
    ways = []
    for axes in possible:
        counts = ", ".join(f"{n} {_PLURAL[name]}" for n, name in zip(shape, axes, strict=True))
        time = " and `time: {start: ..., bin: ...}` (ms)" if "time" in axes else ""
        ways.append(f"{_written({'axes': axes})}{time}: {counts}")
    return _choice(path, ways) if len(ways) > 1 else ""


def _possible(path: Path) -> tuple[tuple[int, ...], list[list[str]]]:
    """Shape and possible axes of an array; none for a file that is not read, which a reader says."""
    try:
        return possible_axes(path)
    except UserError:
        return (), []


def _choice(path: Path, ways: list[str]) -> str:
    listed = "".join(f"\n  {way}" for way in ways)
    return (
        f"{path}: can be read in {len(ways)} ways, and nothing in it says which is right; write one of "
        f"these into the recording's entry:{listed}"
    )


def _written(value) -> str:
    """What is added to an entry as one writes it, in one line."""
    if isinstance(value, dict):
        return ", ".join(
            f"{key}: {{{_written(one)}}}" if isinstance(one, dict) else f"{key}: {_written(one)}"
            for key, one in value.items()
        )
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)


def _columns_with(table: Table, pictures: list[str]) -> list[str]:
    """Columns most of whose cells are names of pictures, with or without their endings."""
    known = {name.casefold() for name in pictures} | {
        Path(name).stem.casefold() for name in pictures
    }
    written = {name: table.text.get(name, table.values[name]).astype(str) for name in table.values}
    shares = {name: text.str.casefold().isin(known).mean() for name, text in written.items()}
    return [name for name, share in shares.items() if share > 0.5]


def _columns_of_trials(path: Path) -> list[str]:
    """Text columns of the trials of an NWB file."""
    try:
        read_presented(path, {"time": {"start": 0, "stop": 1}, "columns": {"image": "start_time"}})
        from pynwb import NWBHDF5IO  # noqa: PLC0415 (optional, and there if the line before passed)
    except UserError:
        return []
    with NWBHDF5IO(str(path), "r", load_namespaces=True) as source:
        trials = source.read().trials.to_dataframe()
    return [name for name in trials if trials[name].dtype.kind in "OUS"]


def overlay(entry: dict, recording: Recording) -> dict:
    """Settings of an experiment on the recording, to be laid over config.yaml."""
    grid = recording.has_grid
    n_images = len(recording.image_ids)
    folds = "image" if grid and n_images <= 100 else max(3, min(10, n_images // FEWEST_SAMPLES))
    settings = {
        "experiment": entry["name"],
        "models": "experiments/models.csv",
        "recordings": [
            entry | {"attributes": {"monkey": "monkey 1", "area": "IT", "unit": "spikes/s"}}
        ],
        "encoding": {"folds": folds},
        "ceiling": {"name": "population" if recording.trials is None else "split_half_bound"},
    }
    if recording.has_time:
        settings["encoding"]["window"] = {"default": _window(recording)}
        width = recording.attributes["ms_bin"]
        settings["encoding"]["sweep"] = {"width_ms": 2 * width, "step_ms": 2 * width}
    return settings


def _window(recording: Recording) -> list[float]:
    """A window on borders of bins, near the usual one, within the recorded time."""
    first, width = recording.attributes["ms_start"], recording.attributes["ms_bin"]
    n_bins = recording.responses.shape[3]
    low, high = (int(np.clip(round((edge - first) / width), 0, n_bins)) for edge in USUAL_WINDOW)
    if high <= low:
        low, high = 0, n_bins
    return [first + width * low, first + width * high]
