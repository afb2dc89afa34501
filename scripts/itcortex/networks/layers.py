"""What a layer's output looks like, and how it becomes maps of the image with channels last."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """One layer's output: how its axes are to be read, and its place in the network.

    `layout` is 'NCHW', 'NHWC', 'NTC' (tokens: first `prefix_tokens` that have no place in the image,
    then the grid, row by row) or 'NC' (no map, which counts as one position). `depth` is
    the share of the forward pass's operations that are done when the layer is complete, above 0 and at
    most 1.
    """

    name: str
    layout: str
    prefix_tokens: int
    height: int
    width: int
    channels: int
    depth: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the layer's output for one image, in the network's own layout."""
        h, w, c = self.height, self.width, self.channels
        tokens = self.prefix_tokens + h * w
        return {"NCHW": (c, h, w), "NHWC": (h, w, c), "NTC": (tokens, c), "NC": (c,)}[self.layout]


def as_maps(values: np.ndarray, layer: Layer) -> np.ndarray:
    """A layer's output (image, ...) in the network's layout as maps (image, height, width, channel).

    Prefix tokens are dropped; a layer without a map has one position. Raises ValueError if the
    output does not have the shape that the layer was chosen with: axes are never guessed anew.
    """
    if values.shape[1:] != layer.shape:
        raise ValueError(
            f"layer {layer.name} put out {values.shape[1:]}, expected {layer.shape} {layer.layout}"
        )
    if layer.layout == "NCHW":
        return np.moveaxis(values, 1, -1)
    if layer.layout == "NTC":
        values = values[:, layer.prefix_tokens :]
    return values.reshape(len(values), layer.height, layer.width, layer.channels)


@dataclass(frozen=True)
class Geometry:
    """What is known of a model and its input, by which the axes of an output are told apart.

    An output is read only if its first axis is the batch, its channel axis has a length that occurs
    in the model's weights, and the others form a grid with the input's aspect or the model's own
    patch grid. So swapped axes are refused instead of giving wrong features.
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
        grids = (getattr(module, "grid_size", None) for module in model.modules())
        own = getattr(model, "num_prefix_tokens", 0)
        return cls(
            batch=batch,
            height=input_size[1],
            width=input_size[2],
            channels=frozenset(n for p in model.parameters() for n in p.shape),
            patch_grids=tuple(dict.fromkeys(tuple(g) for g in grids if _is_pair(g))),
            prefixes=tuple(dict.fromkeys((own, 0, 1, 2))),
            channels_last=getattr(model, "output_fmt", "NCHW") == "NHWC",
            tokens_by_row=not hasattr(model, "unroll"),  # Hiera sorts its tokens by mask unit
        )

    def read(self, name: str, shape: Iterable[int], depth: float) -> Layer | None:
        """Layer of an output of this shape (with the batch axis), or None if it cannot be read."""
        batch, *axes = shape
        if batch != self.batch or len(axes) not in (1, 2, 3):
            return None
        if len(axes) == 1:
            return Layer(name, "NC", 0, 1, 1, axes[0], depth)
        if len(axes) == 2:
            return self._read_tokens(name, *axes, depth)
        readings = {"NCHW": (*axes[1:], axes[0]), "NHWC": tuple(axes)}
        for layout in sorted(readings, reverse=self.channels_last, key=["NCHW", "NHWC"].index):
            height, width, channels = readings[layout]
            if channels in self.channels and self._is_grid(height, width):
                return Layer(name, layout, 0, height, width, channels, depth)
        return None

    def _read_tokens(self, name: str, tokens: int, channels: int, depth: float) -> Layer | None:
        if channels not in self.channels or not self.tokens_by_row:
            return None
        # The model's own grid first: a number of tokens can be factorised in more than one way.
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

    def _is_grid(self, height: int, width: int) -> bool:
        """Whether a grid has the aspect of the input, up to one position lost by rounding."""
        if (height, width) in self.patch_grids:
            return True
        error = abs(height * self.width - width * self.height)
        return (
            height <= self.height and width <= self.width and error < max(self.height, self.width)
        )


def _is_pair(grid) -> bool:
    return (
        isinstance(grid, tuple | list) and len(grid) == 2 and all(isinstance(n, int) for n in grid)
    )


def first_tensor(output) -> torch.Tensor | None:
    """The tensor that a module puts out: its output, or the only tensor in a tuple of things."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, tuple | list):
        tensors = [item for item in output if isinstance(item, torch.Tensor)]
        return tensors[0] if len(tensors) == 1 else None
    return None
