"""What a layer's output looks like, and how it becomes maps of the image with channels last."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from itcortex.networks.axes import Tokens


@dataclass(frozen=True)
class Layer:
    """One layer's output: how its axes are to be read, and its place in the network.

    `layout` is 'NCHW', 'NHWC', 'NTC' (tokens: first `prefix_tokens` that have no place in the image,
    then the grid, row by row, then `suffix_tokens`) or 'NC' (no map, which counts as one position).
    `depth` is the share of the forward pass's operations that are done when the layer is complete, above
    0 and at most 1.
    """

    name: str
    layout: str
    prefix_tokens: int
    height: int
    width: int
    channels: int
    depth: float
    suffix_tokens: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the layer's output for one image, in the network's own layout."""
        h, w, c = self.height, self.width, self.channels
        tokens = self.prefix_tokens + h * w + self.suffix_tokens
        return {"NCHW": (c, h, w), "NHWC": (h, w, c), "NTC": (tokens, c), "NC": (c,)}[self.layout]


def as_maps(values: np.ndarray | torch.Tensor, layer: Layer) -> np.ndarray | torch.Tensor:
    """A layer's output (image, ...) in the network's layout as maps (image, height, width, channel).

    Tokens without a place are dropped; a layer without a map has one position. Raises ValueError if the
    output does not have the shape that the layer was chosen with: axes are never guessed anew.
    """
    shape = tuple(values.shape[1:])
    if shape != layer.shape:
        raise ValueError(
            f"layer {layer.name} put out {shape}, expected {layer.shape} {layer.layout}"
        )
    if layer.layout == "NCHW":
        on_host = isinstance(values, np.ndarray)
        return np.moveaxis(values, 1, -1) if on_host else values.movedim(1, -1)
    if layer.layout == "NTC":
        values = values[:, layer.prefix_tokens :][:, : layer.height * layer.width]
    return values.reshape(len(values), layer.height, layer.width, layer.channels)


def with_maps(output: torch.Tensor, maps: torch.Tensor, layer: Layer) -> torch.Tensor:
    """A layer's output in the network's layout with other maps (image, height, width, channel) in it.

    The inverse of `as_maps`. Tokens without a place are those of `output` (one image): they stay.
    """
    if layer.layout == "NCHW":
        return maps.movedim(-1, 1)
    if layer.layout == "NHWC":
        return maps
    if layer.layout == "NC":
        return maps.reshape(len(maps), -1)
    sizes = [layer.prefix_tokens, layer.height * layer.width, layer.suffix_tokens]
    prefix, _, suffix = output.expand(len(maps), -1, -1).split(sizes, 1)
    return torch.cat([prefix, maps.reshape(len(maps), -1, layer.channels), suffix], 1)


@dataclass(frozen=True)
class Geometry:
    """What is known of a model and its input, by which the axes of an output are told apart.

    An output is read only if its first axis is the batch, its channel axis has a length that occurs
    in the model's weights, and the others form a grid with the input's aspect or that of the model's
    patches on this input. So swapped axes are refused instead of giving wrong features.
    """

    batch: int
    height: int
    width: int
    channels: frozenset[int]
    patch_grids: tuple[tuple[int, int], ...]
    prefixes: tuple[int, ...]
    channels_last: bool
    tokens_by_row: bool

    @classmethod
    def of(cls, model: nn.Module, batch: int, input_size: tuple[int, int, int]) -> "Geometry":
        """Geometry of `model` for a batch of images of `input_size` (channel, height, width)."""
        grids = (grid for m in model.modules() for grid in _patch_grids(m, *input_size[1:]))
        own = getattr(model, "num_prefix_tokens", 0)
        return cls(
            batch=batch,
            height=input_size[1],
            width=input_size[2],
            channels=frozenset(n for p in model.parameters() for n in p.shape),
            patch_grids=tuple(dict.fromkeys(grids)),
            prefixes=tuple(dict.fromkeys((own, 0, 1, 2))),
            channels_last=getattr(model, "output_fmt", "NCHW") == "NHWC",
            tokens_by_row=not hasattr(model, "unroll"),  # Hiera sorts its tokens by mask unit
        )

    def read(
        self, name: str, shape: Iterable[int], depth: float, known: Tokens | None = None
    ) -> Layer | None:
        """Layer of an output of this shape (with the batch axis), or None if it cannot be read.

        `known` is what lies along the axis of tokens; without it a grid is looked for by their number.
        """
        batch, *axes = shape
        if batch != self.batch or len(axes) not in (1, 2, 3):
            return None
        if len(axes) == 1:
            return Layer(name, "NC", 0, 1, 1, axes[0], depth)
        if len(axes) == 2:
            return self._read_tokens(name, *axes, depth, known)
        readings = {"NCHW": (*axes[1:], axes[0]), "NHWC": tuple(axes)}
        for layout in sorted(readings, reverse=self.channels_last, key=["NCHW", "NHWC"].index):
            height, width, channels = readings[layout]
            if channels in self.channels and self._is_grid(height, width):
                return Layer(name, layout, 0, height, width, channels, depth)
        return None

    def _read_tokens(
        self, name: str, tokens: int, channels: int, depth: float, known: Tokens | None
    ) -> Layer | None:
        if channels not in self.channels or not self.tokens_by_row:
            return None
        if known:
            grid, around = (known.rows, known.columns), (known.before, known.behind)
            read = Layer(name, "NTC", around[0], *grid, channels, depth, around[1])
            return read if self._is_grid(*grid) else None
        # The grid of the patches first: a number of tokens can be factorised in more than one way.
        for height, width in self.patch_grids:
            if tokens - height * width in self.prefixes:
                prefix = tokens - height * width
                return Layer(name, "NTC", prefix, height, width, channels, depth)
        for prefix in self.prefixes:
            for height in range(1, tokens - prefix + 1):
                width, rest = divmod(tokens - prefix, height)
                if rest == 0 and self._is_grid(height, width):
                    return Layer(name, "NTC", prefix, height, width, channels, depth)
        return None

    def is_map(self, shape: Iterable[int]) -> bool:
        """Whether a shape is that of maps (image, channel, height, width) of the input."""
        batch, *axes = shape
        return batch == self.batch and len(axes) == 3 and self._is_grid(*axes[1:])

    def _is_grid(self, height: int, width: int) -> bool:
        """Whether positions are the patches of the image, or a grid with the aspect of the input."""
        return (height, width) in self.patch_grids or _has_aspect(
            height, width, self.height, self.width
        )


def _patch_grids(module: nn.Module, height: int, width: int) -> Iterator[tuple[int, int]]:
    """Grids of the patches that a module may cut an input of this size into.

    First what its patches' size says of this input. The grid that it stores belongs to the size that it
    was built for, which a network that takes any size need not be shown: it counts only if it has the
    input's aspect.
    """
    stored, patch = (_pair(getattr(module, name, None)) for name in ("grid_size", "patch_size"))
    if stored and patch:
        padded = getattr(module, "dynamic_img_pad", False)
        size = ((height, patch[0]), (width, patch[1]))
        yield tuple(math.ceil(n / p) if padded else n // p for n, p in size)
    if stored and _has_aspect(*stored, height, width):
        yield stored


def _has_aspect(rows: int, columns: int, height: int, width: int) -> bool:
    """Whether a grid has an image's aspect, up to one position lost by rounding."""
    return (
        rows <= height
        and columns <= width
        and abs(rows * width - columns * height) < max(height, width)
    )


def _pair(value) -> tuple[int, int] | None:
    """A size (height, width), from two whole numbers or from one for both."""
    pair = (value, value) if isinstance(value, int) else value
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        return None
    return tuple(pair) if all(isinstance(n, int) and n > 0 for n in pair) else None


def first_tensor(output) -> torch.Tensor | None:
    """The tensor that a module puts out: its output, or the only tensor in a tuple of things."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, tuple | list):
        tensors = [item for item in output if isinstance(item, torch.Tensor)]
        return tensors[0] if len(tensors) == 1 else None
    return None


def tensors_in(item) -> Iterator[torch.Tensor]:
    """Tensors of plain storage in nested lists, tuples and dicts."""
    if isinstance(item, torch.Tensor):
        if item.layout == torch.strided:
            yield item
    elif isinstance(item, list | tuple | dict):
        for inner in item.values() if isinstance(item, dict) else item:
            yield from tensors_in(inner)
