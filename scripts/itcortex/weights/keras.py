"""Weights that were trained in Keras, as state dicts of timm's networks; TensorFlow is not needed.

The networks that the Serre lab harmonized (Fel et al., NeurIPS 2022; Linsley et al., NeurIPS 2023) are
public as Keras `.h5` files. timm has the same networks with other names and other axes of tensors:

    convolution       (height, width, in, out)  ->  (out, in, height, width)
    depthwise         (height, width, channel, 1)  ->  (channel, 1, height, width)
    dense             (in, out)  ->  (out, in)
    dense on a map    (height * width * in, out)  ->  (out, in, height, width)

and with query, key and value in one tensor. Every tensor of the file must have a place in timm's
network, and every place must be filled, by name and with the right shape. What the file says about the
network (epsilons, layers that preprocess images) must also be true in timm. Whether the last layer has a
softmax does not matter: timm returns the scores before it. How images must be preprocessed is not in the
file: see the column `preprocessing` of the model table.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.weights.keras_files import KerasFile, open_keras
from itcortex.weights.keras_layouts import LAYOUTS, Layout, layout_of
from itcortex.weights.state import State

SUFFIXES = (".h5", ".hdf5", ".keras")
_ROLES = {  # last part of a weight's name, in Keras and in timm
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_COUNTER = "num_batches_tracked"  # of batch norms in PyTorch; Keras has no such counter
_IN_NETWORK = ("Rescaling", "Normalization", "CenterCrop", "Resizing")


def read_state(path: str | Path, architecture: str, outline: nn.Module) -> State:
    """State dict of timm's `architecture` from a Keras file, float32, in timm's order.

    `outline` is the network, with or without values. Raises `UserError`, naming what differs, for an
    architecture that has no counterpart in Keras, a file that Keras did not write, and a network of
    another form.
    """
    layout = layout_of(architecture)
    every = {name: tuple(like.shape) for name, like in outline.state_dict().items()}
    target = {name: like for name, like in every.items() if not name.endswith(_COUNTER)}
    with open_keras(path) as file:
        places = _places(file, layout, target)
        _check_description(file, layout, outline)
        for name, weights in places.items():
            for weight in weights:
                _check_shape(file, weight, name, _piece(target[name], len(weights)))
        return {
            name: torch.zeros((), dtype=torch.long)
            if name.endswith(_COUNTER)
            else _tensor(file, places[name], _piece(like, len(places[name])))
            for name, like in every.items()
        }


def _tensor(file: KerasFile, weights: list[str], like: tuple[int, ...]) -> torch.Tensor:
    """A tensor of timm, stacked from Keras weights, each of which is brought to the shape `like`."""
    values = [file.values(weight) for weight in weights]
    if _role(weights[0]) == "moving_variance" and values[0].min() < 0:
        raise UserError(f"{file.path}: {weights[0]} is negative, down to {values[0].min()}")
    pieces = [_turned(v, _role(w), like) for v, w in zip(values, weights, strict=True)]
    whole = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    return torch.from_numpy(np.ascontiguousarray(whole))


# --- names ----------------------------------------------------------------------------------------


def _places(file: KerasFile, layout: Layout, target: dict) -> dict[str, list[str]]:
    """{tensor of timm: Keras weights that are stacked in it, in order}, for all tensors of both."""
    found: dict[str, dict[str, str]] = {name: {} for name in target}
    for weight in file.weights:
        layer, _, role = weight.rpartition("/")
        place = layout.place(layer)
        name = f"{place}.{_ROLES[role]}" if role in _ROLES else place
        if place is None or name not in found:
            raise UserError(
                f"{_differs(file, layout)}: it has {weight}, timm's network has no such weight"
            )
        end = layer.rpartition("/")[2]
        part = end if end in layout.parts(name) else ""
        if part in found[name]:
            raise UserError(
                f"{_differs(file, layout)}: its {found[name][part]} and {weight} are one tensor in timm"
            )
        found[name][part] = weight
    for name, weights in found.items():
        if lacking := set(layout.parts(name)) - set(weights):
            part = f" ({', '.join(sorted(lacking))})" if any(lacking) else ""
            raise UserError(f"{_differs(file, layout)}: it has nothing for timm's {name}{part}")
    return {name: [weights[p] for p in layout.parts(name)] for name, weights in found.items()}


def _differs(file: KerasFile, layout: Layout) -> str:
    """Start of an error message: the file, the network it should hold and the one it seems to hold."""
    layers = [weight.rpartition("/")[0] for weight in file.weights]
    alike = [n for n, known in LAYOUTS.items() if all(map(known.place, layers))]
    seems = (
        f" but one for {alike[0]}" if layers and alike and LAYOUTS[alike[0]] is not layout else ""
    )
    hint = f" ({layout.hint})" if layout.hint else ""
    return f"{file.path}: not the network of {layout.package}{hint}{seems}"


# --- shapes and axes ------------------------------------------------------------------------------


def _role(weight: str) -> str:
    return weight.rpartition("/")[2]


def _piece(like: tuple[int, ...], parts: int) -> tuple[int, ...]:
    """Shape of one of the tensors that are stacked along the first axis."""
    return (like[0] // parts, *like[1:])


def _check_shape(file: KerasFile, weight: str, name: str, like: tuple[int, ...]) -> None:
    """Refuse a weight whose shape cannot become `like`, before its values are read."""
    shapes, found = _shapes(_role(weight), like), file.weights[weight].shape
    if found not in shapes:
        wanted = " or ".join(str(shape) for shape in shapes) or "another kind of weight"
        raise UserError(
            f"{file.path}: {weight} has shape {found}, timm's {name} {like} needs {wanted}; check "
            "architecture and arguments in the model's row"
        )


def _shapes(role: str, like: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Shapes that a tensor of shape `like` in timm can have in Keras."""
    if role == "depthwise_kernel":
        return [(*like[2:], like[0], 1)] if len(like) == 4 and like[1] == 1 else []
    if role == "kernel" and len(like) == 4:
        out, inner, height, width = like
        return [(height, width, inner, out), (height * width * inner, out)]
    if role == "kernel":
        return [like[::-1], (1, 1, *like[::-1])] if len(like) == 2 else []
    if role == "positional_embedding":
        return [like[::-1]] if len(like) == 2 else [(like[0], math.prod(like[1:]))]
    return [like] if role not in _ROLES or len(like) == 1 else []


def _turned(values: np.ndarray, role: str, like: tuple[int, ...]) -> np.ndarray:
    """Values with Keras' axes brought to timm's, with shape `like`."""
    if role == "depthwise_kernel":
        return values.transpose(2, 3, 0, 1)
    if role == "kernel" and len(like) == 4:
        out, inner, height, width = like
        return values.reshape(height, width, inner, out).transpose(3, 2, 0, 1)
    if role == "kernel":
        return values.reshape(like[::-1]).T
    if role == "positional_embedding":
        # LeViT: (distance, head). MaxViT: (head, distance), where Keras counts from the key to the
        # query and timm from the query to the key.
        return values.T if len(like) == 2 else values.reshape(like)[:, ::-1, ::-1]
    return values


# --- the network's description --------------------------------------------------------------------


def _check_description(file: KerasFile, layout: Layout, outline: nn.Module) -> None:
    """What the file says about its network, if anything, must also be true of timm's."""
    try:
        layers = [layer["config"] | {"kind": layer["class_name"]} for layer in _layers(file.config)]
        for layer in layers:
            _check_layer(layer, layer.get("name", ""), file, layout, outline)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{file.path}: model_config does not describe a network ({error!r}); fetch it again"
        ) from error


def _layers(config: dict) -> list[dict]:
    return config["config"]["layers"] if config else []


def _check_layer(layer: dict, name: str, file: KerasFile, layout: Layout, outline) -> None:
    if layer["kind"] in _IN_NETWORK:
        raise UserError(
            f"{file.path}: its layer {name!r} ({layer['kind']}) preprocesses images inside the "
            f"network; timm's network and that of {layout.package} have no such layer"
        )
    if layer.get("data_format") == "channels_first":
        raise UserError(f"{file.path}: layer {name!r} is channels_first; save it channels_last")
    place = layout.place(name)
    if "epsilon" not in layer or place is None:
        return
    epsilon = getattr(outline.get_submodule(place), "eps", None)
    if epsilon is None or not math.isclose(layer["epsilon"], epsilon, rel_tol=1e-3):
        raise UserError(
            f"{file.path}: layer {name!r} has epsilon {layer['epsilon']}, timm's {place} {epsilon}; "
            "the networks differ"
        )
