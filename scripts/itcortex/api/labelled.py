"""Arrays, frames and xarray's DataArrays as plain arrays, with the names of their images and sites."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from itcortex.errors import UserError

#: Names by which other tools call the axes of a recording, ours first (BrainIO: presentation, neuroid).
IMAGE = ("image", "presentation", "stimulus")
SITE = ("site", "neuroid", "channel", "voxel")
REPEAT = ("repeat", "repetition", "trial", "rep")
#: Coordinates of these axes that name their entries.
_IDS = ("image_id", "stimulus_id", "site_id", "neuroid_id", *IMAGE, *SITE)
#: Squares of larger values, and of smaller ones, are no numbers in float64.
_LARGEST, _SMALLEST = 1e100, 1e-100


class Labelled(NamedTuple):
    """Values (image, ..., site[, repeat]), and names of images and sites, None where they have none."""

    values: np.ndarray
    images: list[str] | None
    sites: list[str] | None


def labelled(values: Any, label: str, repeats: bool = False) -> Labelled:
    """An array, a frame or a DataArray as numbers: images first, sites last, then repeats if any.

    Masked values are NaN. Raises `UserError` for what is no array of real numbers, for numbers whose
    squares float64 does not hold, and for a DataArray of trials without a dimension of repeats.
    """
    ordered = _in_order(values, label, repeats)
    array = _numbers(ordered, label)
    if array.ndim < 2 or 0 in array.shape:
        raise UserError(
            f"{label}: axes {array.shape}; expected images along the first of two or more"
        )
    site_axis = array.ndim - 1 - repeats
    return Labelled(array, _names(ordered, IMAGE, 0), _names(ordered, SITE, site_axis))


def _in_order(values: Any, label: str, repeats: bool) -> Any:
    """A DataArray with its dimensions in our order, by their names; anything else as it is."""
    dims = getattr(values, "dims", None)
    if dims is None:  # no DataArray; without importing xarray
        return values
    rest, last = list(dims), []
    if repeats:
        last = [dim for dim in dims if dim in REPEAT][:1]
        if not last:
            raise UserError(
                f"{label}: dimensions {tuple(dims)}, none of which is one of {REPEAT}; rename that of "
                "the repeats, or give a plain array with repeats along the last axis"
            )
        rest.remove(last[0])
    front = next((dim for dim in rest if dim in IMAGE), rest[0])
    rest.remove(front)
    back = next((dim for dim in rest if dim in SITE), rest[-1]) if rest else None
    middle = [dim for dim in rest if dim != back]
    return values.transpose(front, *middle, *([back] if rest else []), *last)


def _numbers(values: Any, label: str) -> np.ndarray:
    kind = getattr(getattr(values, "dtype", None), "kind", "")
    if kind == "c":
        raise UserError(f"{label}: complex numbers; give real ones, such as their absolute values")
    try:
        if np.ma.isMaskedArray(values):
            array = np.ma.filled(values.astype(float), np.nan)
        else:
            array = np.asarray(values, dtype=None if kind == "f" else float)
    except (TypeError, ValueError) as error:
        raise UserError(f"{label}: not an array of numbers ({error})") from error
    highest, lowest = (f.reduce(array, axis=None, initial=0) for f in (np.fmax, np.fmin))
    largest = float(max(highest, -lowest))  # NaN aside
    if _LARGEST < largest < np.inf or 0 < largest < _SMALLEST:
        raise UserError(
            f"{label}: values up to {largest:.3g}, whose squares float64 does not hold; give them in "
            "another unit"
        )
    return array


def _names(values: Any, candidates: tuple[str, ...], axis: int) -> list[str] | None:
    """Names along one axis of a frame or a DataArray, None where they have none."""
    if isinstance(values, pd.DataFrame):
        index = values.index if axis == 0 else values.columns
        plain = isinstance(index, pd.RangeIndex) and index.step > 0  # a reversed one is an order
        return None if plain else [str(name) for name in index]
    dims = getattr(values, "dims", None)
    if dims is None:
        return None
    dim = next((dim for dim in dims if dim in candidates), dims[axis])
    for name in (*_IDS, dim):
        if name in values.coords and values.coords[name].dims == (dim,):
            return [str(value) for value in values.coords[name].values]
    return None


def as_named(
    values: np.ndarray,
    names: Sequence[str] | None,
    wanted: Sequence[str] | None,
    axis: int,
    what: str,
) -> np.ndarray:
    """Values in the order of `wanted` along an axis that has `names`; as they are if one has none.

    Raises `UserError`, with `what` these are, where names are there twice or are not the same.
    """
    if names is None or wanted is None or list(names) == list(wanted):
        return values
    place = {name: index for index, name in enumerate(names)}
    other = set(place) ^ set(wanted)
    if other or len(place) < len(names):
        which = f"{sorted(other)[0]!r} is in one alone" if other else "one is there twice"
        raise UserError(f"{what} are not those of the responses: {which}; give both the same names")
    return np.take(values, [place[name] for name in wanted], axis)


def require_ascending(names: Sequence[str] | None, what: str) -> None:
    """Raise `UserError` for row numbers in another order, beside rows that have no names.

    They are what shuffling a frame leaves: whether rows are meant by number or by place is not known.
    """
    if names is None or not all(name.isdigit() for name in names):
        return
    numbers = [int(name) for name in names]
    if numbers != sorted(numbers):
        raise UserError(
            f"{what}: rows are numbered {', '.join(names[:3])}, ... in no order, and what they are "
            "joined with has no names; give both names, or call reset_index(drop=True) if both are in "
            "one order"
        )


def labels_of_images(values: Any, images: Sequence[str] | None, label: str) -> list[str]:
    """One label for each image: a Series with an index of names goes by the names of the images.

    `images` are their names, None if they have none. Raises `UserError` for an image without a label,
    and for a Series that is numbered in no order where images have no names.
    """
    names = _names(values.to_frame(), (), 0) if isinstance(values, pd.Series) else None
    if names is not None:
        if images is None:
            require_ascending(names, label)
        else:
            place = dict(zip(names, values, strict=True))
            missing = [name for name in images if name not in place]
            if missing or len(place) < len(names):
                which = f"no label for {missing[0]!r}" if missing else "an image is there twice"
                raise UserError(
                    f"{label}: {which}: a Series goes by the names in its index; give "
                    "`.to_numpy()` if its rows are the images in order"
                )
            values = [place[name] for name in images]
    return [str(value) for value in np.asarray(values)]
