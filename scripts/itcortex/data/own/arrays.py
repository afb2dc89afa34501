"""Recordings in NumPy's files and in HDF5: arrays whose axes are named, with names along them."""

import json
from itertools import permutations
from pathlib import Path
from zipfile import BadZipFile

import h5py
import numpy as np
import pandas as pd

from itcortex.data.own.columns import find
from itcortex.data.own.presented import Presented, stated_time
from itcortex.data.own.storage import as_float32
from itcortex.data.own.tables import names_in_order
from itcortex.errors import UserError, nearest
from itcortex.formats import hdf5, netcdf

#: Axes by name, in the order of a recording; `image` and `repeat` make up presentations.
AXES = ("image", "repeat", "y", "x", "time", "site")

#: What an array of so many axes may have beside images and sites.
_FURTHER_AXES = {2: ((),), 3: (("repeat",), ("time",)), 4: (("y", "x"), ("repeat", "time"))}


def read_numpy(path: str | Path, entry: dict) -> Presented:
    """A .npy array, or one of an .npz with names of images and sites beside it.

    `axes` of the entry names the axes in their order. Images are named by an array of the file, by
    `image_table` (a row for each image, in the array's order) or by `image_name`, a pattern such as
    "image{:04d}.png", counted from 1.
    """
    where, arrays = str(path), _load(path)
    name = _which(arrays, entry.get("array"), where)
    values = arrays.pop(name)
    axes = entry.get("axes")
    if not axes:
        raise UserError(
            f"{where}: its axes {values.shape} have no names; write them into the recording's "
            "entry, in their order, such as `axes: [image, site]`"
        )
    return _presented(values, axes, _beside(arrays), entry, where)


def possible_axes(path: str | Path) -> tuple[tuple[int, ...], list[list[str]]]:
    """Shape of the responses in a file of NumPy, and axes that they may have, in every order.

    Names of images and sites beside them must be as many as the axis is long; there are no axes where
    nothing names images. Raises `UserError` as `read_numpy` does.
    """
    arrays = _load(path)
    shape = arrays.pop(_which(arrays, None, str(path))).shape
    beside = _beside(arrays)
    named = {kind: _name_of(kind, beside, {}) for kind in ("image", "site")}
    if named["image"] is None:
        return shape, []
    lengths = {kind: len(beside[name]) for kind, name in named.items() if name}
    found = []
    for more in _FURTHER_AXES.get(len(shape), ()):
        for axes in permutations(("image", "site", *more)):
            if all(shape[axes.index(kind)] == length for kind, length in lengths.items()):
                found.append([*axes])
    return shape, found


def read_layout(path: str | Path, entry: dict) -> Presented:
    """An HDF5 file in our own layout.

    `responses` (image, y, x, ms, site) or (image, site), or `trials` with one more axis for repeats;
    `image_ids` and `site_ids`; groups `images` and `sites` with further columns; attributes `ms_start`
    and `ms_bin` where there is time.
    """
    where = str(path)
    try:
        with h5py.File(path, "r", locking=False) as handle:
            held = dict(hdf5.entries(handle, where))
            arrays, axes = _in_layout(held, where)
            about = {
                group: {name: _array(one) for name, one in hdf5.entries(held[group], where)}
                for group in ("images", "sites") if group in held
            }  # fmt: skip
            attributes = {key: handle.attrs[key] for key in handle.attrs}
    except OSError as error:
        raise UserError(f"{path}: not a readable HDF5 file ({error})") from error
    attributes |= json.loads(attributes.get("attributes", "{}"))
    named = {"image": "image_ids", "site": "site_ids"} | entry.get("columns", {})
    entry = entry | {"columns": named}
    if "time" not in entry and attributes.get("ms_bin") is not None:
        entry["time"] = {
            "start": float(attributes.get("ms_start", 0)),
            "bin": float(attributes["ms_bin"]),
        }
    values = arrays.pop("values")
    beside = _beside(arrays | about.get("images", {}) | about.get("sites", {}))
    return _presented(values, axes, beside, entry, where)


def _load(path: str | Path) -> dict[str, np.ndarray]:
    """Arrays of a file of NumPy by name."""
    try:
        loaded = np.load(path, allow_pickle=False)
        return {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise UserError(
            f"{path}: not a readable file of NumPy ({error}); arrays of Python objects are not "
            "read: save names as text (dtype str)"
        ) from error


def _in_layout(held: dict, where: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays of a file in our layout, the responses under `values`, and the names of their axes."""
    for name in ("image_ids", "site_ids"):
        if name not in held:
            raise UserError(
                f"{where}: has no {name!r}; it has {', '.join(map(repr, held))}. Our layout is in "
                "docs/own_recordings.md"
            )
    for name, last in (("trials", ["repeat"]), ("responses", [])):
        if name not in held:
            continue
        n_axes = held[name].ndim - len(last)
        axes = {2: ["image", "site"], 5: ["image", "y", "x", "time", "site"]}.get(n_axes)
        if axes is None:
            raise UserError(
                f"{where}: {name} has axes {held[name].shape}; expected (image, site) or "
                f"(image, y, x, ms, site){' and repeats' if last else ''}"
            )
        arrays = {"values": netcdf.values_of(held[name])}
        return arrays | {n: _array(held[n]) for n in ("image_ids", "site_ids")}, [*axes, *last]
    raise UserError(
        f"{where}: has neither 'responses' nor 'trials'; it has {', '.join(map(repr, held))}"
    )


def _array(dataset) -> np.ndarray:
    """A dataset's values, text as str."""
    if not isinstance(dataset, h5py.Dataset):
        return np.empty((0, 0))  # a group below is of no use here
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    return dataset.asstr()[...].astype(str) if is_text else dataset[...]


# --- what both have in common ---------------------------------------------------------------------


def _which(arrays: dict[str, np.ndarray], named: str | None, where: str) -> str:
    """Name of the array that holds responses: the only one of numbers with several axes."""
    if named is not None:
        if named not in arrays:
            raise UserError(f"{where}: array: no {named!r}; {nearest(named, [*arrays])}")
        return named
    held = [name for name, a in arrays.items() if a.ndim > 1 and a.dtype.kind in "iuf"]
    if len(held) != 1:
        raise UserError(
            f"{where}: {len(held)} arrays may hold the responses: "
            f"{', '.join(f'{n!r} {a.shape}' for n, a in arrays.items())}; name one: `array: ...`"
        )
    return held[0]


def _beside(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays with one axis, which may say something of images or sites."""
    return {
        name: values.astype(str) if values.dtype.kind in "SU" else values
        for name, values in arrays.items()
        if values.ndim == 1
    }


def _presented(
    values: np.ndarray, axes: list[str], beside: dict[str, np.ndarray], entry: dict, where: str
) -> Presented:
    """Presentations from an array with named axes, and the arrays beside it."""
    if values.dtype.kind not in "iuf":
        raise UserError(
            f"{where}: the responses are {values.dtype}, no numbers; give an array of numbers"
        )
    wrong = (
        len(axes) != values.ndim or len(set(axes)) < len(axes) or not {"image", "site"} <= {*axes}
    )
    if wrong:
        raise UserError(
            f"{where}: axes: {axes} do not fit an array of shape {values.shape}; name every axis "
            "once, image and site among them"
        )
    order = [axes.index(name) for name in AXES if name in axes]
    ordered = values.transpose(order)
    for position, name in enumerate(AXES):
        if name not in axes:
            ordered = np.expand_dims(ordered, position)
    n_images, n_repeats, *_, n_sites = ordered.shape
    named = entry.get("columns", {})
    images = _image_names(n_images, n_sites, beside, entry, where)
    sites = _names("site", n_sites, beside, named, where)
    about_images = _columns(n_images, beside, {"image": images})
    digits = max(2, len(str(n_sites)))
    usual = [f"site-{number + 1:0{digits}d}" for number in range(n_sites)]
    shown = about_images.loc[np.repeat(np.arange(n_images), n_repeats)].reset_index(drop=True)
    if n_repeats > 1:
        shown["repeat"] = np.tile(np.arange(n_repeats), n_images)
    sites = usual if sites is None else sites
    flat = as_float32(ordered.reshape(-1, *ordered.shape[2:]), sites, where)
    return Presented(
        flat,
        shown,
        _columns(n_sites, beside, {"site": sites}),
        stated_time(entry, where),
        rows_are_repeats=entry.get("repeats", False),
    )


def _image_names(n_images: int, n_sites: int, beside: dict, entry: dict, where: str) -> list[str]:
    """Names of images: from an array beside, by the entry's pattern, or from its table."""
    named = entry.get("columns", {})
    images = _names("image", n_images, beside, named, where)
    if images is None and "image_name" in entry:
        images = [entry["image_name"].format(number + 1) for number in range(n_images)]
    if images is None and "image_table" in entry:
        images = names_in_order(entry["image_table"], named, n_images)
    if images is None:
        _refuse_nameless(n_images, n_sites, beside, where)
    return images


def _names(kind: str, length: int, beside: dict, named: dict, where: str):
    """Names along an axis, from the array that the entry names or a usual one; None without any."""
    name = _name_of(kind, beside, named)
    if name is None:
        return None
    if name not in beside:
        raise UserError(f"{where}: columns: {kind}: no array {name!r}; {nearest(name, [*beside])}")
    if len(beside[name]) != length:
        raise UserError(
            f"{where}: {len(beside[name])} names in {name!r} do not fit {length} along the axis "
            f"{kind!r}; are the axes in another order in the file? Write them as they are: `axes: "
            "[...]`"
        )
    return [str(value) for value in beside[name]]


def _name_of(kind: str, beside: dict, named: dict) -> str | None:
    """The array with names along an axis, also in the plural; None without any."""
    name = find(kind, beside, named) or find(kind, [n.removesuffix("s") for n in beside], {})
    return next((one for one in (name, f"{name}s") if one in beside), name)


def _columns(length: int, beside: dict[str, np.ndarray], first: dict) -> pd.DataFrame:
    """A table of what has one value for each element of an axis."""
    columns = {name: values for name, values in beside.items() if len(values) == length}
    return pd.DataFrame(
        first | {n: v for n, v in columns.items() if n not in first}, index=range(length)
    )


def _refuse_nameless(n_images: int, n_sites: int, beside: dict, where: str) -> None:
    known = ", ".join(f"{name!r} ({len(values)})" for name, values in beside.items())
    raise UserError(
        f"{where}: nothing names its {n_images} images ({n_sites} sites). Name the array that "
        f"does, `columns: {{image: ...}}` (there are {known or 'none'}); or give a table with a "
        "row for each image, `image_table: images.csv`; or a pattern: `image_name: "
        "image{:04d}.png`"
    )
