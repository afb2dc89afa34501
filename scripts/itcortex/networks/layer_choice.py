"""Which layers of a network are compared with neurons: by one rule, or those that a user names.

The rule is the same for every image network. A forward pass is traced: every operation notes which
tensors it reads and makes, and every module which tensor it puts out. A tensor belongs to the *trunk*
if no data goes around it: no later map holds what came through it together with what was made before it
and read after it. What the network returns, and what its head pools to vectors without weights of their
own, goes around nothing. The longest line of such tensors, each made from the one before, counts.

1. Candidates are module outputs that are trunk tensors and maps of more than one position.
2. Of several that are one tensor, or maps of one size with no convolution or linear map between
   them, one is kept: convolution, normalisation and activation give one candidate.
3. They are taken at the coarsest level of the module tree (the fewest dots in a name) that spreads
   over as many tenths of the forward pass, and then offers as many of the `count`, as any. This
   gives blocks rather than the parts of blocks.
4. Of the D that remain, those at round(linspace(0, D - 1, count)); all if there are fewer.

Networks of parallel streams, and those whose decoder reads the encoder's maps, have no trunk. Where the
candidates leave out more than half of the part of the forward pass that makes maps, the stages that
timm's `forward_intermediates` gives are the candidates; a network that has none needs named layers. Only
shapes decide, so the choice is the same on every machine; it is stored with the activations.
"""

from collections import Counter
from collections.abc import Iterable
from copy import deepcopy

import numpy as np
import torch
from torch import nn

from itcortex.errors import UserError, nearest
from itcortex.networks.axes import LAYOUTS, Tokens
from itcortex.networks.layers import Geometry, Layer
from itcortex.networks.tracing import Output, trace

INTERMEDIATE = "forward_intermediates."  # with a number: a layer that is no module's output
_TRACED_IMAGES = 3  # a batch axis that is not easily taken for another one


class Survey:
    """What one traced forward pass says of a network's layers.

    `readable` are all layers that may be named, by name and in order of depth; `trunk` holds the names
    of those that the rule chooses from, `followed` of those whose axes were followed through the pass
    and are as they are read. A network on the meta device is enough.
    """

    def __init__(self, model: nn.Module, input_size: tuple[int, int, int]):
        weight = next(model.parameters(), torch.zeros(()))
        batch = torch.zeros(_TRACED_IMAGES, *input_size, device=weight.device, dtype=weight.dtype)
        outputs = trace(model, batch, repeated=True)
        runs = Counter(output.name for output in outputs)
        self.model, self.geometry = model, Geometry.of(model, _TRACED_IMAGES, input_size)
        alike = _tokens_by_count(outputs)
        known = [
            o.tokens or (alike.get(o.shape[1]) if len(o.shape) == 3 else None) for o in outputs
        ]
        read = [
            (o, self.geometry.read(o.name, o.shape, o.depth, tokens))
            for o, tokens in zip(outputs, known, strict=True)
        ]
        found = [(output, layer) for output, layer in read if layer]
        self._read = [(output, layer) for output, layer in found if runs[output.name] == 1]
        self._again = [layer for output, layer in found if runs[output.name] > 1]
        by_depth = sorted((layer for _, layer in self._read), key=lambda layer: layer.depth)
        self.readable = {layer.name: layer for layer in by_depth}
        self.trunk = frozenset(output.name for output, _ in self._read if output.trunk)
        self.followed = frozenset(
            output.name for output, layer in self._read if output.axes == LAYOUTS.get(layer.layout)
        )

    @classmethod
    def without_values(cls, model: nn.Module, input_size: tuple[int, int, int]) -> "Survey":
        """The survey of a network that has values, made on the meta device if it can run there."""
        tensors = [*model.parameters(), *model.buffers()]
        try:
            empty = {id(tensor): torch.empty_like(tensor, device="meta") for tensor in tensors}
            return cls(deepcopy(model, empty), input_size)
        except Exception:  # noqa: BLE001 (it computes with values; other errors come again)
            return cls(model, input_size)

    def choose(self, count: int = 10) -> list[Layer]:
        """At most `count` layers, spread over the network's depth, by the rule in this file's docstring.

        Raises `UserError` if the network has no layer with a map, and if more than half of what makes
        maps would be left out.
        """
        maps = [(o, layer) for o, layer in self._read if layer.height * layer.width > 1]
        end = max((output.depth for output, _ in maps), default=1.0)
        candidates = _candidates([(o, layer) for o, layer in maps if o.trunk], count)
        if _largest_gap(candidates, end) > 1 / 2:
            stages = _intermediates(self.model, self.geometry)
            goes_around = any(not output.trunk for output, _ in maps)
            again = any(layer.height * layer.width > 1 for layer in self._again)
            if not stages and (goes_around or again or not candidates):
                raise UserError(_uncovered(_name(self.model), candidates, end))
            candidates = stages or candidates  # a plain chain may have a single layer
        positions = np.linspace(0, len(candidates) - 1, min(count, len(candidates)))
        return [candidates[i] for i in np.round(positions).astype(int)]

    def named(self, names: Iterable[str]) -> list[Layer]:
        """The layers of these names, in order of depth; they need not belong to the trunk.

        Raises `UserError` for a layer that the model does not have, with the nearest names, and for one
        whose output cannot be read as a map or a vector per image.
        """
        names, modules = list(dict.fromkeys(names)), dict(self.model.named_modules())
        for name in names:
            if name not in self.readable and name and name in modules:
                raise UserError(
                    f"layers: {name!r} of {_name(self.model)} does not put out, once in a forward "
                    f"pass, one map or vector per image; {nearest(name, list(self.readable))}"
                )
            if name not in self.readable:
                raise UserError(
                    f"layers: {_name(self.model)} has no layer {name!r}; "
                    f"{nearest(name, list(self.readable))}"
                )
        return sorted((self.readable[name] for name in names), key=lambda layer: layer.depth)


def choose_layers(
    model: nn.Module, input_size: tuple[int, int, int], count: int = 10
) -> list[Layer]:
    """At most `count` layers of a network, spread over its depth: `Survey.choose`."""
    return Survey(model, input_size).choose(count)


def named_layers(
    model: nn.Module, input_size: tuple[int, int, int], names: Iterable[str]
) -> list[Layer]:
    """The layers of these names, in order of depth: `Survey.named`."""
    return Survey(model, input_size).named(names)


def layer_names(model: nn.Module, input_size: tuple[int, int, int]) -> list[str]:
    """Names that may be given as layers of a network, in order of depth."""
    return list(Survey(model, input_size).readable)


def _tokens_by_count(outputs: list[Output]) -> dict[int, Tokens]:
    """What lies along an axis of so many tokens, where it was followed and all outputs agree."""
    found: dict[int, set[Tokens]] = {}
    for output in outputs:
        if output.tokens:
            found.setdefault(output.shape[output.axes.index("p")], set()).add(output.tokens)
    return {count: tokens.pop() for count, tokens in found.items() if len(tokens) == 1}


def _candidates(maps: list[tuple[Output, Layer]], count: int) -> list[Layer]:
    """Layers at the coarsest level of the module tree that spreads as widely as any."""
    levels = sorted({output.name.count(".") for output, _ in maps})
    by_level = [_distinct((o, la) for o, la in maps if o.name.count(".") <= n) for n in levels]
    spread = [(_tenths(found), min(len(found), count)) for found in by_level]
    return by_level[spread.index(max(spread))] if by_level else []


def _distinct(maps: Iterable[tuple[Output, Layer]]) -> list[Layer]:
    """One layer for each tensor (the innermost module), and of each step's maps only the last."""
    by_tensor: dict[int, tuple[Output, Layer]] = {}
    for output, layer in maps:
        by_tensor.setdefault(output.tensor, (output, layer))
    steps = {
        (output.weighted, layer.height, layer.width, layer.channels): layer
        for output, layer in by_tensor.values()
    }
    return sorted(steps.values(), key=lambda layer: layer.depth)


def _tenths(layers: list[Layer]) -> int:
    """How many tenths of the forward pass hold a layer."""
    return len({min(int(layer.depth * 10), 9) for layer in layers})


def _largest_gap(layers: list[Layer], end: float) -> float:
    """Largest share without a layer of the part of the forward pass that makes maps, up to `end`."""
    return float(np.diff([0, *(layer.depth for layer in layers), end]).max()) / end


def _uncovered(name: str, layers: list[Layer], end: float) -> str:
    """Message that the rule finds no layers, or too few, and what to do."""
    remedy = "name its layers in the column `layers` of the model table"
    if not layers:
        return f"{name}: no layer with a map of the image that all data passes through; {remedy}"
    return (
        f"{name}: all data passes through only {len(layers)} of its layers with a map "
        f"({', '.join(layer.name for layer in layers[:5])}), and {_largest_gap(layers, end):.0%} of the "
        f"pass up to its last map has none of them, because data goes around or modules run more than "
        f"once; {remedy}"
    )


def _intermediates(model: nn.Module, geometry: Geometry) -> list[Layer]:
    """Maps that timm's `forward_intermediates` gives; their depth is their place among them."""
    if not hasattr(model, "forward_intermediates"):
        return []
    weight = next(model.parameters())
    size = (geometry.batch, 3, geometry.height, geometry.width)
    with torch.no_grad():
        maps = model.forward_intermediates(
            torch.zeros(size, device=weight.device, dtype=weight.dtype), intermediates_only=True
        )
    if not all(geometry.is_map(m.shape) for m in maps):
        return []
    return [
        Layer(f"{INTERMEDIATE}{i}", "NCHW", 0, *m.shape[2:], m.shape[1], (i + 1) / len(maps))
        for i, m in enumerate(maps)
    ]


def _name(model: nn.Module) -> str:
    configuration = getattr(model, "pretrained_cfg", None) or {}
    return configuration.get("architecture", type(model).__name__)
