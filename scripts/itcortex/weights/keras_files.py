"""Keras' HDF5 files of weights (`.h5`): names and datasets of files that need not be trusted.

Keras writes a group for every layer, with an attribute `weight_names`, and an attribute `layer_names` on
the group that holds all layers. That group is the root of the file (`save_weights`) or `model_weights`
(`save`, which adds the network's description as JSON in the attribute `model_config`, and the state of
the optimiser). Nothing else is read, so that no code can run: layers that Keras would restore from a
pickle or bytecode are only names here. Links are refused, whether they lead out of the file or to
another place in it, and a dataset is read only after its shape was found to be right.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from math import prod
from pathlib import Path

import h5py
import numpy as np

from itcortex.errors import UserError

MAX_OBJECTS = 20_000  # groups and datasets; the largest of the seven networks has 1,100
MAX_DEPTH = 16  # of groups; hard links can go round in circles
MAX_CONFIG = 2**24  # characters of the network's description
_DAMAGE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True)
class KerasFile:
    """An open file of Keras weights.

    weights : {layer/weight: dataset}, with names as Keras prints them, but without the `:0`.
    config : the network's description; {} if the file holds weights only.
    """

    path: Path
    weights: dict[str, h5py.Dataset]
    config: dict

    def values(self, name: str) -> np.ndarray:
        """Values of a weight, float32; its shape must have been checked.

        Raises `UserError` if they cannot be read, or are not finite.
        """
        try:
            values = np.asarray(self.weights[name][...], dtype=np.float32)
        except _DAMAGE as error:
            raise UserError(
                f"{self.path}: {name} cannot be read ({error}); fetch it again"
            ) from error
        if not np.isfinite(values).all():
            bad = np.count_nonzero(~np.isfinite(values))
            raise UserError(
                f"{self.path}: {bad} of {values.size} values of {name} are not finite numbers; "
                "the network was saved after its training had failed"
            )
        return values


@contextmanager
def open_keras(path: str | Path) -> Iterator[KerasFile]:
    """A file of Keras weights, opened for reading.

    Raises `UserError`, naming file and object, for what Keras would not have written: a file that is not
    HDF5, no layer names, links, datasets that are listed and missing or present and not listed, datasets
    that are not floats, and datasets whose values are in another file.
    """
    path = Path(path)
    if path.suffix == ".keras":
        raise UserError(
            f"{path}: .keras archives are not read; save the network's weights as HDF5, in Keras 2 (or "
            "tf_keras): model.save_weights('weights.h5')"
        )
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise UserError(f"{path}: not a readable HDF5 file ({error}); fetch it again") from error
    with file:
        try:
            content = KerasFile(path, _weights(file, path), _config(file, path))
        except _DAMAGE as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{path}: damaged, or not written by Keras ({error})") from error
        yield content


def _weights(file: h5py.File, path: Path) -> dict[str, h5py.Dataset]:
    root = file
    if "model_weights" in file:
        _check_link(file, "model_weights", path)
        root = file["model_weights"]
    if "layer_names" not in root.attrs and "layer_names0" not in root.attrs:
        raise UserError(
            f"{path}: no Keras weights: its attribute layer_names is missing; "
            f"it holds {', '.join(list(root)[:5]) or 'nothing'}"
        )
    found = dict(_datasets(root, "", path, 0, [0]))
    weights = {}
    for layer in _names(root, "layer_names", path):
        if layer not in root:
            raise UserError(
                f"{path}: layer {layer!r} is listed and is not there; fetch the file again"
            )
        for weight in _names(root[layer], "weight_names", path):
            dataset = found.pop(f"{layer}/{weight}", None)
            if dataset is None:
                raise UserError(
                    f"{path}: weight {layer}/{weight} is missing, or listed twice; fetch the file again"
                )
            name = _plain(layer, weight)
            if name in weights:
                raise UserError(
                    f"{path}: two weights are called {name}; save the network without another "
                    "network inside it"
                )
            weights[name] = _checked(dataset, name, path)
    if found:
        raise UserError(
            f"{path}: holds {next(iter(found))}, which Keras does not list; fetch it again"
        )
    return weights


def _datasets(group, place: str, path: Path, depth: int, seen: list[int]):
    """Every dataset below a group, with its path; links and endless nesting are refused."""
    if depth > MAX_DEPTH:
        raise UserError(f"{path}: groups are nested more than {MAX_DEPTH} deep at {place}")
    for name in group:
        seen[0] += 1
        if seen[0] > MAX_OBJECTS:
            raise UserError(f"{path}: holds more than {MAX_OBJECTS} objects; Keras writes fewer")
        _check_link(group, name, path)
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item, f"{place}{name}/", path, depth + 1, seen)
        elif isinstance(item, h5py.Dataset):
            yield f"{place}{name}", item
        else:
            raise UserError(f"{path}: {place}{name} is a {type(item).__name__}, not a dataset")


def _check_link(group, name: str, path: Path) -> None:
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        target = f"{getattr(link, 'filename', '')}:{getattr(link, 'path', '')}"
        raise UserError(
            f"{path}: refused, {group.name.rstrip('/')}/{name} is a link to {target}; "
            "Keras writes none"
        )


def _names(group, attribute: str, path: Path) -> list[str]:
    """A list of names; Keras cuts a long list into attributes name0, name1, ..."""
    numbered = (f"{attribute}{n}" for n in count())
    pieces = [attribute] if attribute in group.attrs else []
    pieces += takewhile(lambda piece: piece in group.attrs, numbered)
    names = [name for piece in pieces for name in np.ravel(group.attrs[piece]).tolist()]
    if not pieces or not all(isinstance(name, bytes | str) for name in names):
        raise UserError(f"{path}: {group.name} has no list of names {attribute!r}")
    return [name.decode() if isinstance(name, bytes) else name for name in names]


def _plain(layer: str, weight: str) -> str:
    """layer/weight, without what Keras adds to make names unique (`conv_1/kernel:0` of layer `conv`)."""
    weight = weight.removesuffix(":0")
    if weight.startswith(f"{layer}/"):
        return weight
    return f"{layer}/{weight.rpartition('/')[2]}"


def _checked(dataset: h5py.Dataset, name: str, path: Path) -> h5py.Dataset:
    if dataset.dtype.kind != "f":
        raise UserError(f"{path}: {name} holds {dataset.dtype}, not floats")
    if dataset.is_virtual or dataset.external:
        raise UserError(f"{path}: refused, the values of {name} are in another file")
    if dataset.shape is None or (dataset.chunks and prod(dataset.chunks) > max(dataset.size, 1)):
        raise UserError(f"{path}: {name} has no shape that Keras would write; fetch it again")
    return dataset


def _config(file: h5py.File, path: Path) -> dict:
    text = file.attrs.get("model_config", "{}")
    text = text.decode() if isinstance(text, bytes) else text
    if not isinstance(text, str) or len(text) > MAX_CONFIG:
        raise UserError(f"{path}: model_config is not a text of at most {MAX_CONFIG} characters")
    try:
        config = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{path}: model_config is not JSON ({error}); fetch it again") from error
    if not isinstance(config, dict):
        raise UserError(f"{path}: model_config is not a JSON object; fetch it again")
    return config
