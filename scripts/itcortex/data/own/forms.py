"""A recording's file, whatever its form: chosen by its ending, or named."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from itcortex.data.own.arrays import read_layout, read_numpy
from itcortex.data.own.assembly import read_assembly
from itcortex.data.own.columns import USUAL
from itcortex.data.own.nwb import read_nwb
from itcortex.data.own.presented import Presented, to_recording
from itcortex.data.own.selection import compared_as_names
from itcortex.data.own.tables import read_table, with_image_table, with_site_table
from itcortex.data.own.tabular import read_long, read_wide
from itcortex.data.recordings import Recording
from itcortex.errors import UserError, nearest
from itcortex.files import sha256_of

#: Reader of every form: a function of the file and the recording's entry.
FORMS: dict[str, Callable[[str | Path, dict], Presented]] = {
    "hdf5": read_layout,
    "numpy": read_numpy,
    "netcdf": read_assembly,
    "nwb": read_nwb,
    "wide": read_wide,
    "long": read_long,
}
#: Form by the ending of a file; tables are looked into.
ENDINGS = {
    ".h5": "hdf5", ".hdf5": "hdf5", ".npy": "numpy", ".npz": "numpy", ".nc": "netcdf",
    ".nc4": "netcdf", ".nwb": "nwb", ".csv": "table", ".tsv": "table", ".txt": "table",
    ".parquet": "table", ".pq": "table",
}  # fmt: skip


def form_of(path: str | Path, entry: dict) -> str:
    """Form of a file: as the entry says, or by its ending; `UserError` for one that is not known."""
    if "form" in entry:
        return entry["form"]
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise UserError(
            f"{path}: its form cannot be told by the ending {ending!r}; "
            f"{nearest(ending, [*ENDINGS])} Or "
            f"name it: `form: ...` ({', '.join(FORMS)})"
        )
    form = ENDINGS[ending]
    return _form_of_table(path, entry) if form == "table" else form


def _form_of_table(path: str | Path, entry: dict) -> str:
    """`long` for a table with one column of sites and one of responses, else `wide`."""
    named = entry.get("columns", {})
    if {"site", "response"} <= {*named}:
        return "long"
    names = {name.lower() for name in read_table(path, entry.get("decimal")).values}
    return "long" if names & {*USUAL["site"]} and names & {*USUAL["response"]} else "wide"


def read_presented(path: str | Path, entry: dict) -> Presented:
    """What a file holds, with what tables beside it say of images and sites."""
    presented = FORMS[form_of(path, entry)](path, entry)
    named = entry.get("columns", {})
    if "image_table" in entry:
        labels = [*entry.get("labels", []), *([entry["split"]] if "split" in entry else [])]
        shown = with_image_table(presented.shown, entry["image_table"], named, labels)
        presented = replace(presented, shown=shown)
    if "site_table" in entry:
        levels = compared_as_names(entry.get("sites", {}))
        sites = with_site_table(presented.sites, entry["site_table"], named, levels)
        presented = replace(presented, sites=sites)
    return presented


def read_own(path: str | Path, entry: dict, pictures: Sequence[str], attributes: dict) -> Recording:
    """The recording of a file, with images named as their `pictures`.

    Raises `UserError` for everything that a user can mend, and for a file that changes meanwhile.
    """
    if not Path(path).is_file():
        raise UserError(f"{path}: there is no such file; paths are relative to {Path.cwd()}")
    before = sha256_of(path)
    presented = read_presented(path, entry)
    if sha256_of(path) != before:
        raise UserError(
            f"{path}: changed while it was read; run again when whatever writes it has finished"
        )
    noted = attributes | {"source": str(path), "source_sha256": before}
    try:
        recording = to_recording(presented, entry, pictures, noted, str(path))
    except UserError as error:
        if hint := _swapped(presented, pictures):
            raise UserError(f"{error}. {hint}") from error
        raise
    if "image_name" in entry and (n_left := recording.attributes["left_out"].get("pictures")):
        raise UserError(
            f"{path}: image_name: names are counted, and of {len(pictures)} pictures {n_left} have no "
            "number in the array: are its axes in another order than `axes` says? If only some "
            "pictures were shown, name them in the array's order: `image_table: images.csv`"
        )
    return recording


def _swapped(presented: Presented, pictures: Sequence[str]) -> str:
    """What to say if the sites of a file are called as pictures are; else empty."""
    sites, known = set(presented.sites["site"].astype(str)), set(pictures)
    known |= {Path(name).stem for name in known}
    if len(sites & known) <= len(sites) / 2:
        return ""
    return (
        "Its sites have the names of pictures: images and sites are swapped; write "
        "`axes: [site, image]`"
    )
