"""What a user hands over as arrays, data frames or xarray, in the form that the library works on."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from itcortex.data.recordings import Recording, checked
from itcortex.errors import UserError, nearest

_log = logging.getLogger(__name__)

#: Names by which other tools call the axes of a recording, ours first (BrainIO: presentation, neuroid).
_IMAGE = ("image", "presentation", "stimulus")
_SITE = ("site", "neuroid", "channel", "voxel")
#: Coordinates of these axes that name their entries.
_IDS = ("image_id", "stimulus_id", "site_id", "neuroid_id", *_IMAGE, *_SITE)


@dataclass(frozen=True)
class Features(Mapping):
    """Layers of a network on a set of images: a mapping from a layer's name to its maps.

    Parameters
    ----------
    layers : dict of arrays (image, h, w, channel) or (image, channel)
        In the order of their depth.
    image_ids : tuple of str or None
        Name of every image; with names, features and responses are joined by name.
    depths : dict of float or None
        Share of the forward pass that is done at each layer, above 0 and at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> from itcortex import Features
    >>> features = Features({"early": np.zeros((2, 4, 4, 8)), "late": np.zeros((2, 16))})
    >>> list(features), features["late"].shape
    (['early', 'late'], (2, 16))
    """

    layers: dict[str, np.ndarray]
    image_ids: tuple[str, ...] | None = None
    depths: dict[str, float] | None = None

    def __getitem__(self, layer: str) -> np.ndarray:
        """Maps of one layer."""
        return self.layers[layer]

    def __iter__(self) -> Iterator[str]:
        """Names of the layers in the order of depth."""
        return iter(self.layers)

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.layers)


def as_features(values: Any) -> Features:
    """Layers by name from an array, a frame, a DataArray, a mapping of these, or `Features`.

    Raises `UserError` for no layer, for layers of different images, and for values that are not finite.
    """
    given = values if isinstance(values, Mapping) else {"features": values}
    if not given:
        raise UserError("features: no layer; give an array, or a dict of layer name and array")
    ids = values.image_ids if isinstance(values, Features) else None
    layers = {}
    for name, one in given.items():
        layers[str(name)], names = _array(one, f"features: {name}", _IMAGE, last=_SITE)
        if ids is not None and names is not None and tuple(names) != tuple(ids):
            raise UserError(f"features: {name}: its images are not those of the layers before it")
        ids = names if names is not None else ids
    sizes = {name: len(one) for name, one in layers.items()}
    if len(set(sizes.values())) > 1:
        raise UserError(f"features: layers of different numbers of images: {sizes}")
    for name, one in layers.items():
        if one.ndim not in (2, 4):
            raise UserError(
                f"features: {name}: axes {one.shape}; expected (image, channel) or "
                "(image, row, column, channel)"
            )
        if not np.isfinite(one).all():
            raise UserError(
                f"features: {name}: holds NaN or infinite values; leave those images out"
            )
    depths = values.depths if isinstance(values, Features) else None
    return Features(layers, None if ids is None else tuple(ids), depths or _by_rank(layers))


def _by_rank(layers: dict) -> dict[str, float]:
    """Depths of layers of which only the order is known."""
    return {name: (rank + 1) / len(layers) for rank, name in enumerate(layers)}


def as_recording(
    responses: Any,
    trials: Any = None,
    groups: Sequence | None = None,
    kinds: Sequence | None = None,
) -> tuple[Recording, bool]:
    """A recording from responses, and whether its images have names of their own.

    Parameters
    ----------
    responses : Recording, or array, DataFrame or DataArray (image, site) or (image, y, x, site)
        None: the mean over `trials`.
    trials : array as responses with a last axis of repeats; NaN marks one that is missing
    groups : (image,) what every image shows; images of one group are in one fold
    kinds : (image,) kind of every image
    """
    if isinstance(responses, Recording):
        if trials is not None:
            raise UserError("trials: a Recording has its own; give one or the other")
        recording, named = responses, True
    else:
        recording, named = _recording(responses, trials)
    for name, values in (("picture", groups), ("kind", kinds)):
        if values is None:
            continue
        labels = [str(value) for value in np.asarray(values)]
        if len(labels) != len(recording.image_ids):
            argument = "groups" if name == "picture" else "kinds"
            raise UserError(
                f"{argument}: {len(labels)} labels for {len(recording.image_ids)} images; give one each"
            )
        known = recording.attributes.get("image_labels", {}) | {name: labels}
        attributes = recording.attributes | {"image_labels": known}
        recording = replace(recording, attributes=attributes)
    return checked(recording, "responses"), named


def _recording(responses: Any, trials: Any) -> tuple[Recording, bool]:
    if responses is None and trials is None:
        raise UserError("responses: none are given, and no trials to average")
    single = None
    if trials is not None:
        single = _on_axes(np.asarray(trials, float), "trials", repeats=True)
        if responses is None:
            present = np.isfinite(single).any(-1, keepdims=True)
            responses = np.nanmean(np.where(present, single, 0), axis=-1)
            responses = np.where(present[..., 0], responses, np.nan)[:, :, :, 0]
    values, images = _array(responses, "responses", _IMAGE, last=_SITE)
    sites = _names(responses, _SITE, values.ndim - 1)
    values = _on_axes(values, "responses")
    image_ids = images if images is not None else [str(i) for i in range(len(values))]
    site_ids = sites if sites is not None else [str(i) for i in range(values.shape[-1])]
    return Recording(values, tuple(image_ids), tuple(site_ids), {}, single), images is not None


def _on_axes(values: np.ndarray, label: str, repeats: bool = False) -> np.ndarray:
    """Values (image, site) or (image, y, x, site) on the axes (image, y, x, ms, site[, repeat])."""
    flat, grid = 2 + repeats, 4 + repeats
    if values.ndim == flat:
        return values[:, None, None, None]
    if values.ndim == grid:
        return values[:, :, :, None]
    more = ", repeat" if repeats else ""
    raise UserError(
        f"{label}: axes {values.shape}; expected (image, site{more}) or (image, y, x, site{more}); "
        "average over time first, or give a Recording and a window"
    )


def joined(features: Features, recording: Recording, named: bool) -> list[int]:
    """Index into the features of every image of a recording: by name where both have names.

    Says in the log if images have the same features, unless the recording says what they show. Raises
    `UserError` for an image without features or with features twice, and for other numbers of images.
    """
    rows = _rows(features, recording, named)
    if "picture" not in recording.attributes.get("image_labels", {}):
        twins = len(rows) - _different(features, rows)
        if twins:
            _log.warning(
                f"{twins} of {len(rows)} images have the same features as another one, in every "
                "layer: if they show the same picture, it lies in training and test images alike, "
                "and the score is too high; say what every image shows in `groups`"
            )
    return rows


def _different(features: Features, rows: list[int]) -> int:
    """How many images differ from all others in their features."""
    content = [b""] * len(rows)
    for values in sorted(features.layers.values(), key=lambda layer: layer[0].size):
        content = [
            hashlib.sha256(before + values[row].tobytes()).digest()
            for before, row in zip(content, rows, strict=True)
        ]
        if len(set(content)) == len(rows):
            break
    return len(set(content))


def _rows(features: Features, recording: Recording, named: bool) -> list[int]:
    n_features = len(next(iter(features.layers.values())))
    if named and features.image_ids is not None:
        index = {name: i for i, name in enumerate(features.image_ids)}
        if len(index) < n_features:
            twice = next(n for i, n in enumerate(features.image_ids) if index[n] != i)
            raise UserError(f"features: image {twice!r} is there twice; keep one row of it")
        missing = [name for name in recording.image_ids if name not in index]
        if missing:
            raise UserError(
                f"features: {len(missing)} of {len(recording.image_ids)} images of the responses have "
                f"none: {missing[:5]}; for {missing[0]!r}, {nearest(missing[0], list(index))}"
            )
        return [index[name] for name in recording.image_ids]
    if n_features != len(recording.image_ids):
        raise UserError(
            f"features of {n_features} images, responses to {len(recording.image_ids)}: without names "
            "of images on both, their rows must be the same images in the same order"
        )
    return list(range(n_features))


# --- frames and xarray ----------------------------------------------------------------------------


def _array(
    values: Any, label: str, first: tuple[str, ...], last: tuple[str, ...]
) -> tuple[np.ndarray, list[str] | None]:
    """Values as an array of numbers, images first and sites last, and the images' names if any."""
    dims = getattr(values, "dims", None)
    if dims is not None:  # a DataArray, without importing xarray
        front = [dim for dim in dims if dim in first] or [dims[0]]
        back = [dim for dim in dims if dim in last and dim not in front] or [dims[-1]]
        middle = [dim for dim in dims if dim not in (front[0], back[-1])]
        values = values.transpose(front[0], *middle, back[-1])
    names = _names(values, first, 0)
    try:
        array = np.asarray(values, dtype=None if _is_float(values) else float)
    except (TypeError, ValueError) as error:
        raise UserError(f"{label}: not an array of numbers ({error})") from error
    if array.ndim < 2 or 0 in array.shape:
        raise UserError(
            f"{label}: axes {array.shape}; expected images along the first of two or more"
        )
    return array, names


def _is_float(values: Any) -> bool:
    return getattr(getattr(values, "dtype", None), "kind", "") == "f"


def _names(values: Any, candidates: tuple[str, ...], axis: int) -> list[str] | None:
    """Names along one axis of a frame or a DataArray, None where they have none."""
    if isinstance(values, pd.DataFrame):
        index = values.index if axis == 0 else values.columns
        return None if isinstance(index, pd.RangeIndex) else [str(name) for name in index]
    dims = getattr(values, "dims", None)
    if dims is None:
        return None
    dim = next((dim for dim in dims if dim in candidates), dims[axis])
    for name in (*_IDS, dim):
        if name in values.coords and values.coords[name].dims == (dim,):
            return [str(value) for value in values.coords[name].values]
    return None
