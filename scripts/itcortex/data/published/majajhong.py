"""Recordings of Majaj, Hong, Solomon & DiCarlo (J Neurosci 2015) as Brain-Score publishes them.

The responses ("assembly") are a netCDF-4 file, which is HDF5: one numeric variable with the
dimensions neuroid, presentation and time_bin, in any order, and one-dimensional variables along
these that say what a neuroid (neuroid_id, region, animal) and a presentation (image_id or stimulus_id,
repetition) is. `assy_dicarlo_MajajHong2015_public.nc` has 256 neuroids (168 in IT, 88 in V4), 3200
images in 148480 presentations (28 repetitions of the 640 images without variation, 51 of the others)
and the one bin 70-170 ms. An image is named by a hash there. Its file name and its object are in a
table (CSV, one row for each image) that is published beside a zip of the image files; an assembly may
also carry the table's columns itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.recordings import Recording, checked, mean_over_repeats
from itcortex.errors import UserError, nearest
from itcortex.formats import netcdf
from itcortex.formats.unicode import composed

DIMENSIONS = ("presentation", "neuroid", "time_bin")
#: Names of the same column, the newer or more certain one first.
IMAGE = ("stimulus_id", "image_id")
FILE = ("filename", "image_file_name")
#: What may be known of every image; `object_name` balances Brain-Score's splits.
LABELS = ("object_name", "category_name", "variation")


@dataclass(frozen=True)
class Trials:
    """Single trials of some neuroids, with what is known of the images.

    Attributes
    ----------
    trials : float32 array (image, neuroid, repeat)
        NaN where an image has no repeat of that number.
    image_ids, site_ids : tuples of str
        Files of the images, in the order of Brain-Score's names for them; neuroids in file order.
    labels : dict of lists
        Those of `LABELS` that are known of the images.
    window : (start, stop) in ms from stimulus onset, or None where the file does not say
    """

    trials: np.ndarray
    image_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    labels: dict[str, list]
    window: tuple[float, float] | None


def read_trials(
    source: str | Path,
    table: str | Path | None = None,
    region: str | None = None,
    animal: str | None = None,
    variation: Sequence[int] | None = None,
) -> Trials:
    """Trials of the neuroids of a region and an animal, for images of some levels of variation.

    `source` is the assembly, `table` the CSV of its stimulus set; without it the assembly must
    know the images' file names. A choice of None takes all. Raises `UserError` for files of
    another kind, for a choice that is not there, and for images that the table does not have.
    """
    where, about_where = str(source), str(table or source)
    found = read_presentations(source)
    shown, neuroids = found.presentations, found.neuroids
    images = np.array([*map(composed, _column(shown, IMAGE, where).astype(str))], dtype=str)
    sites = _chosen(neuroids, "region", region and [region], where)
    sites &= _chosen(neuroids, "animal", animal and [animal], where)
    if not sites.any():
        raise UserError(f"{where}: animal {animal!r} has no neuroid in region {region!r}")
    about = read_image_table(table) if table else _one_row_an_image(shown, images)
    of_level = about.index[_chosen(about, "variation", variation, about_where)]
    rows = np.isin(images, of_level) if variation is not None else np.ones(len(images), bool)
    repetitions = _column(shown, ("repetition",), where)
    if unnumbered := int(pd.isna(repetitions[rows]).sum()):
        raise UserError(
            f"{where}: {unnumbered} presentations have no `repetition`; every repetition of an image "
            "needs a number of its own"
        )
    trials, names = arrange_trials(
        found.values[np.ix_(rows, sites)], images[rows], repetitions[rows], where
    )
    image_ids, labels = describe_images(names, about, about_where)
    site_ids = _column(neuroids, ("neuroid_id",), where)[sites].astype(str)
    return Trials(trials, image_ids, tuple(site_ids.tolist()), labels, found.window)


def arrange_trials(
    values: np.ndarray, images: np.ndarray, repetitions: np.ndarray, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Trials (image, neuroid, repeat), NaN where there is none, and the images' names, sorted.

    `values` (presentation, neuroid). A repeat's place is its repetition number, because
    Brain-Score's ceiling halves these numbers, alike for all images. Raises `UserError` if an
    image has two presentations of the same number.
    """
    names, image_of = np.unique(images, return_inverse=True)
    numbers, repeat_of = np.unique(repetitions, return_inverse=True)
    count = np.zeros((len(names), len(numbers)), int)
    np.add.at(count, (image_of, repeat_of), 1)
    if count.max() > 1:
        image, repeat = np.argwhere(count > 1)[0]
        raise UserError(
            f"{where}: image {names[image]} has {count[image, repeat]} presentations of repetition "
            f"{numbers[repeat]}; every repetition of an image needs a number of its own"
        )
    trials = np.full((len(names), values.shape[1], len(numbers)), np.nan, np.float32)
    trials[image_of, :, repeat_of] = values
    return trials, names


# --- images ---------------------------------------------------------------------------------------


def read_image_table(path: str | Path) -> pd.DataFrame:
    """The table of a stimulus set, indexed by the hash that names an image.

    Raises `UserError` for a file that is no such table, and for an image given twice.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable table of images ({error})") from error
    if "variation" in table:
        table["variation"] = _levels(table["variation"])
    names = pd.Index(map(composed, _column(table, IMAGE, str(path))))
    if names.has_duplicates:
        raise UserError(f"{path}: gives image {names[names.duplicated()][0]} more than once")
    return table.set_axis(names)


def _levels(cells: pd.Series) -> pd.Series:
    """Levels of variation as numbers, if all are; names and hashes stay text whatever they look like."""
    numbers = pd.to_numeric(cells, errors="coerce")
    return cells if numbers.isna().any() else numbers


def _one_row_an_image(shown: pd.DataFrame, images: np.ndarray) -> pd.DataFrame:
    """What an assembly itself says of its images, indexed by image."""
    table = shown.set_axis(pd.Index(images))
    return table[~table.index.duplicated()]


def describe_images(
    names: np.ndarray, table: pd.DataFrame, where: str
) -> tuple[tuple[str, ...], dict[str, list]]:
    """File of every image, and the `LABELS` that the table (indexed by image) has of them.

    Raises `UserError` for images that the table does not have, and for a table without files.
    """
    missing = [str(name) for name in names if name not in table.index]
    if missing:
        raise UserError(
            f"{where}: {len(missing)} of {len(names)} recorded images are not in it: {missing[:5]}; "
            "give the table of the stimulus set that was shown"
        )
    rows = table.loc[names]
    labels = {name: rows[name].tolist() for name in LABELS if name in rows.columns}
    files = _column(rows, FILE, where).astype(str).tolist()
    return tuple(file.rpartition("/")[2] for file in files), labels


def _column(table: pd.DataFrame, names: Sequence[str], where: str) -> np.ndarray:
    """The first of the columns `names` that is there."""
    for name in names:
        if name in table.columns:
            return table[name].to_numpy()
    raise UserError(
        f"{where}: has no {' or '.join(names)}; it has {', '.join(table.columns) or 'nothing'}"
        + ("; name the CSV of the stimulus set as `table`" if names == FILE else "")
    )


def _chosen(table: pd.DataFrame, column: str, wanted, where: str) -> np.ndarray:
    """Rows (bool) whose `column` is among `wanted`; all of them if that is None."""
    if wanted is None:
        return np.ones(len(table), bool)
    values = _column(table, (column,), where)
    for value in wanted:
        if value not in set(values):
            valid = [str(level) for level in sorted(set(values))]
            raise UserError(f"{where}: no {column} {value!r}; {nearest(str(value), valid)}")
    return np.isin(values, list(wanted))


# --- netCDF-4 -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Presentations:
    """Responses to every presentation of an image, as a file has them.

    Attributes
    ----------
    values : float32 array (presentation, neuroid)
    presentations, neuroids : data frames, one row each
        What the file says of every presentation and of every neuroid.
    window : (start, stop) in ms from stimulus onset, or None where the file does not say
    """

    values: np.ndarray
    presentations: pd.DataFrame
    neuroids: pd.DataFrame
    window: tuple[float, float] | None


def read_presentations(path: str | Path) -> Presentations:
    """Read an assembly of one time bin; responses that the file marks as missing are NaN.

    Raises `UserError` for a file of another kind, for one without responses of neuroids to
    presentations, and for several time bins.
    """
    variables, where = netcdf.read_variables(path), str(path)
    held = [
        name
        for name, variable in variables.items()
        if {"presentation", "neuroid"} <= set(variable.dims) <= set(DIMENSIONS)
        and variable.dtype.kind in "fiu"
    ]
    if len(held) != 1:
        shown = ", ".join(f"{n} {v.dims}" for n, v in variables.items() if v.dims != (n,))
        raise UserError(
            f"{where}: expected one variable of numbers with dimensions {', '.join(DIMENSIONS)}; "
            f"found {held or shown or 'no variable'}"
        )
    responses = variables[held[0]]
    values = responses.transpose(*(dim for dim in DIMENSIONS if dim in responses.dims)).values
    if values.shape[2:] not in ((), (1,)):
        raise UserError(
            f"{where}: has {values.shape[2]} time bins, and a recording of trials has one; take the "
            "file without `temporal` in its name"
        )
    about = {
        dimension: pd.DataFrame(
            {n: v.values for n, v in variables.items() if v.dims == (dimension,) and n != dimension}
        )
        for dimension in DIMENSIONS
    }
    values = values.reshape(values.shape[:2]).astype(np.float32, copy=False)
    return Presentations(
        values, about["presentation"], about["neuroid"], _window(about["time_bin"])
    )


def _window(time_bins: pd.DataFrame) -> tuple[float, float] | None:
    """Start and stop (ms) of the only time bin."""
    names = ["time_bin_start", "time_bin_end"]
    if not set(names) <= set(time_bins.columns):
        return None
    return tuple(float(time_bins[name].iloc[0]) for name in names)


def read_majajhong(
    source: str | Path,
    attributes: dict,
    table: str | Path | None = None,
    region: str | None = "IT",
    animal: str | None = None,
    variation: Sequence[int] | None = None,
) -> Recording:
    """Read Brain-Score's recordings of Majaj, Hong et al. (J Neurosci 2015): trials, no grid or time.

    `source` is its netCDF-4 file of responses, `table` the CSV of the images that were shown, whose
    file names become the image ids; it may be left out if `source` has file names itself. Sites
    are those of one `region` and `animal`, images those of the levels of `variation`; None is all.
    Images are in the order of Brain-Score's names for them, on which the draw of its splits
    depends; `image_labels` are the table's (object_name, category_name, variation).

    Raises `UserError` for files of another kind, for a region, animal or variation that is not
    there, and for images that the table does not have.
    """
    found = read_trials(source, table, region, animal, variation)
    trials = found.trials[:, None, None, None]
    responses = mean_over_repeats(found.trials)[:, None, None, None].astype(np.float32)
    known = {"image_labels": found.labels}
    if found.window is not None:
        known |= {"ms_start": found.window[0], "ms_bin": found.window[1] - found.window[0]}
    recording = Recording(responses, found.image_ids, found.site_ids, known | attributes, trials)
    return checked(recording, str(source))
