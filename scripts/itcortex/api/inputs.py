"""What a user hands over as arrays, data frames or xarray, in the form that the library works on."""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from itcortex.api.labelled import as_named, labelled, labels_of_images, require_ascending
from itcortex.data.recordings import Recording, checked
from itcortex.errors import UserError, nearest

_log = logging.getLogger(__name__)


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
        layers[str(name)], names, _ = labelled(one, f"features: {name}")
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
        argument = "groups" if name == "picture" else "kinds"
        labels = labels_of_images(values, recording.image_ids if named else None, argument)
        if len(labels) != len(recording.image_ids):
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
    single, named = None, (None, None)
    if trials is not None:
        values, *named = labelled(trials, "trials", repeats=True)
        single = _on_axes(values, "trials", repeats=True)
    if responses is None:
        present = np.isfinite(single).any(-1, keepdims=True)
        values = np.nanmean(np.where(present, single, 0), axis=-1)
        values, images, sites = np.where(present[..., 0], values, np.nan), *named
    else:
        values, images, sites = labelled(responses, "responses")
        values = _on_axes(values, "responses")
    if single is not None:
        single = as_named(single, named[0], images, 0, "trials: their images")
        single = as_named(single, named[1], sites, 4, "trials: their sites")
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
    require_ascending(features.image_ids, "features")
    require_ascending(recording.image_ids if named else None, "responses")
    if n_features != len(recording.image_ids):
        raise UserError(
            f"features of {n_features} images, responses to {len(recording.image_ids)}: without names "
            "of images on both, their rows must be the same images in the same order"
        )
    return list(range(n_features))
