"""A first entry for a file: its form, its axes and its columns, as far as the file tells.

What is tried is what a person would try; the first that reads without an error is taken.
"""

import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np

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
    problem = ""
    for more in _tries(path, form_of(path, {}), pictures):
        try:
            recording = read_own(path, entry | more, pictures, _ABOUT)
        except UserError as error:
            problem = problem or str(error)
            continue
        return entry | more, recording, ""
    return entry, None, problem


def _tries(path: Path, form: str, pictures: list[str]) -> Iterator[dict]:
    """What may have to be added to an entry, the plainest first."""
    yield {}
    if form in ("wide", "long"):
        columns = _columns_with(read_table(path), pictures)
        yield from ({"columns": {"image": name}} for name in columns)
        if form == "wide":
            yield {"axes": ["site", "image"]}
            yield {"repeats": True}
    if form == "numpy":
        yield from _axes_of_arrays(path)
    if form == "netcdf":
        yield {"axes": ["image", "site"]}
        yield {"axes": ["site", "image"]}
    if form == "nwb":
        start, stop = USUAL_WINDOW
        time = {"start": start, "stop": stop}
        yield {"time": time}
        yield from ({"time": time, "columns": {"image": name}} for name in _columns_of_trials(path))
    yield {"incomplete": "leave out sites"}


def _columns_with(table, pictures: list[str]) -> list[str]:
    """Columns most of whose cells are names of pictures, with or without their endings."""
    known = {name.casefold() for name in pictures} | {
        Path(name).stem.casefold() for name in pictures
    }
    shares = {name: table[name].astype(str).str.casefold().isin(known).mean() for name in table}
    return [name for name, share in shares.items() if share > 0.5]


def _axes_of_arrays(path: Path) -> Iterator[dict]:
    """Axes of an array by the lengths of the names beside it; in every order that is possible."""
    loaded = np.load(path, allow_pickle=False)
    arrays = [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in loaded]
    n_axes = max((array.ndim for array in arrays), default=0)
    kinds = {2: ("image", "site"), 3: ("image", "site", "repeat"), 4: ("image", "y", "x", "site")}
    for axes in permutations(kinds.get(n_axes, ())):
        yield {"axes": [*axes]}


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
