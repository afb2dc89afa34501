"""Which axes of a tensor are channels, rows and columns, followed through a forward pass.

Axes are written as one letter each: n images, c channels, y rows, x columns, and p positions row by row,
behind tokens that have no place. Images are "ncyx". What convolutions, pooling, normalisation and
arithmetic make of a tensor keeps its axes, and a view has those that its strides say. All else, such as
attention, windows or mixing of positions, gives "", which is not known; but where its result is added to
a tensor of known axes, position by position, the sum has these. Of positions row by row their rows and
columns are kept as well, with the numbers of tokens around them: several grids may have one
number of tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

IMAGES = "ncyx"
#: Axes of the layouts of a `Layer` that has a map.
LAYOUTS = {"NCHW": "ncyx", "NHWC": "nyxc", "NTC": "npc"}


@dataclass(frozen=True)
class Tokens:
    """What lies along the axis p: `before` tokens without a place, rows x columns, and `behind` more."""

    rows: int
    columns: int
    before: int = 0
    behind: int = 0


@dataclass(frozen=True)
class Axes:
    """Axes of a tensor by their `letters`, "" if they are not known; `tokens` if p is one of them."""

    letters: str = ""
    tokens: Tokens | None = None


#: A tensor that was read, and the letters of its axes.
Read = tuple[torch.Tensor, str]


def follow(
    name: str, made: torch.Tensor, read: Sequence[tuple[torch.Tensor, Axes]], args: Sequence
) -> Axes:
    """Axes of a tensor that torch's function `name` made of tensors `read`, which have these axes.

    `read` holds what was computed from the images, `args` all positional arguments.
    """
    sources = [(tensor, axes) for tensor, axes in read if axes.letters]
    known = [(tensor, axes.letters) for tensor, axes in sources]
    names = (name, name.strip("_"))  # what works in place, and operators
    rules = (rule for own, rule in _RULES.items() if names[rule not in _STRICT] in own)
    rule = next(rules, None)
    letters = rule(made, known, args[0]) if rule and known and args else ""
    if "p" not in letters:
        return Axes(letters)
    found = {_tokens(made.shape[letters.index("p")], *source, args[0]) for source in sources}
    return Axes(letters, found.pop()) if len(found) == 1 else Axes()


def _tokens(count: int, source: torch.Tensor, axes: Axes, first) -> Tokens:
    """What lies along p, `count` long, of what was made from a source, or of it and others in a list."""
    own = axes.tokens
    if own is None:
        rows, columns = (source.shape[axes.letters.index(axis)] for axis in "yx")
        return Tokens(rows, columns)
    place = axes.letters.index("p")
    if count == source.shape[place]:
        return own
    lengths = [tensor.shape[place] for tensor in first]
    index = next(k for k, tensor in enumerate(first) if tensor is source)
    around = sum(lengths[:index]), sum(lengths[index + 1 :])
    return Tokens(own.rows, own.columns, own.before + around[0], own.behind + around[1])


def _of_values(made: torch.Tensor, known: list[Read], _) -> str:
    """Value by value, or normalised by channel: the axes of what has the result's shape."""
    same = {axes for tensor, axes in known if tensor.shape == made.shape}
    return same.pop() if len(same) == 1 else ""


def _of_channels(made: torch.Tensor, known: list[Read], first) -> str:
    """Something of all channels, which are the last axis, at every position."""
    source, axes = known[0]
    kept = source is first and made.shape[:-1] == source.shape[:-1]
    return axes if kept and axes.endswith("c") else ""


def _of_maps(made: torch.Tensor, known: list[Read], first) -> str:
    """Something of neighbours in rows and columns, which are the last two axes."""
    source, axes = known[0]
    return axes if source is first and axes == IMAGES and made.ndim == len(IMAGES) else ""


def _by_strides(made: torch.Tensor, known: list[Read], _) -> str:
    """Axes of a view; "" for a copy, and for a view that parts or joins others than rows and columns."""
    source, axes = known[0]
    if made is source:
        return axes
    base = source if source._base is None else source._base
    if made._base is not base:
        return ""
    sizes = dict(zip(axes, source.shape, strict=True))
    steps = dict(zip(axes, source.stride(), strict=True))
    places = {(sizes[axis], steps[axis]): axis for axis in axes if sizes[axis] > 1}
    if "y" in axes and steps["y"] == sizes["x"] * steps["x"]:
        places[sizes["y"] * sizes["x"], steps["x"]] = "p"
    found = [places.get(place, "") for place in zip(made.shape, made.stride(), strict=True)]
    whole = sorted("".join(found).replace("p", "yx")) == sorted(axes.replace("p", "yx"))
    return "".join(found) if whole and all(found) else ""


def _part(made: torch.Tensor, known: list[Read], _) -> str:
    """Some of the channels."""
    source, axes = known[0]
    sizes = zip(axes, made.shape, source.shape, strict=True)
    other = any(a != b for axis, a, b in sizes if axis != "c")
    return "" if other or made.stride() != source.stride() else axes


def _joined(made: torch.Tensor, known: list[Read], first) -> str:
    """Channels side by side, or tokens without a place around all those that have one."""
    source, axes = known[0]
    if {axes for _, axes in known} != {axes} or not isinstance(first, list | tuple):
        return ""
    grown = [axis for axis, a, b in zip(axes, made.shape, source.shape, strict=True) if a != b]
    if grown in ([], ["c"]) and len(known) == len(first):
        return axes
    return axes if grown == ["p"] and len(known) == 1 else ""


#: Names of torch's functions, without underscores of those in place and of operators: their rules.
_RULES = {
    frozenset({
        "add", "iadd", "radd", "sub", "isub", "rsub", "mul", "imul", "rmul", "multiply", "subtract",
        "div", "truediv", "true_divide", "itruediv", "neg", "abs", "square", "sqrt", "exp", "clamp",
        "clip", "pow", "relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "selu", "gelu", "silu",
        "mish", "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "tanh", "softplus", "dropout",
        "dropout1d", "dropout2d", "feature_dropout", "alpha_dropout", "contiguous", "clone", "detach",
        "to", "type_as", "float", "half", "double", "bfloat16", "batch_norm", "instance_norm",
        "group_norm",
    }): _of_values,
    frozenset({"linear", "layer_norm", "rms_norm"}): _of_channels,
    frozenset({
        "conv2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d",
        "interpolate", "pad",
    }): _of_maps,
    frozenset({
        "permute", "transpose", "swapaxes", "movedim", "moveaxis", "flatten", "view", "reshape",
    }): _by_strides,
    frozenset({"split", "split_with_sizes", "chunk", "tensor_split", "narrow"}): _part,
    frozenset({"cat", "concat", "concatenate"}): _joined,
}  # fmt: skip
_STRICT = (_by_strides,)  # a view in place has other axes afterwards than were noted of its source
