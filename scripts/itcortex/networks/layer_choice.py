"""Networks as modules: timm's by name, what their images must look like, and their layers.

What a row of the model table says of a network is in `networks`; it builds them with this module.

Which layers are compared with neurons follows one rule for every image network. A forward pass is
traced: every operation notes which tensors it reads and makes, every module which one it puts out.
A tensor is of the *trunk* if no data goes around it: nothing from before it is read after it.

1. Candidates are module outputs that are trunk tensors and maps of more than one position.
2. Of several that are one tensor, or maps of one size with no convolution or linear map between
   them, one is kept: convolution, normalisation and activation give one candidate.
3. They are taken at the coarsest level of the module tree (the fewest dots in a name) that spreads
   over as many tenths of the forward pass, and then offers as many of the `count`, as any. This
   gives blocks rather than the parts of blocks.
4. Of the D that remain, those at round(linspace(0, D - 1, count)); all if there are fewer.

Networks of parallel streams have no trunk. Where more than half of the forward pass holds no
candidate, the stages that timm's `forward_intermediates` gives are the candidates. Only shapes
decide, so the choice is the same on every machine; it is stored with the activations.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from PIL import Image
from torch import nn

from itcortex.errors import UserError, nearest
from itcortex.networks.layers import Geometry, Layer
from itcortex.networks.timm_names import known_architectures, require_architecture
from itcortex.networks.torch_compat import timm
from itcortex.networks.tracing import Output, trace

__all__ = [
    "INTERMEDIATE", "Preprocessing", "build", "choose_layers", "known_architectures",
    "layer_names", "named_layers", "seeded", "skeleton",
]  # fmt: skip

INTERMEDIATE = "forward_intermediates."  # with a number: a layer that is no module's output
_TRACED_IMAGES = 3  # a batch axis that is not easily taken for another one


def build(architecture: str, seed: int | None = None, **kwargs) -> nn.Module:
    """Network of timm's `architecture` in eval mode, untrained: nothing is downloaded.

    `seed` fixes the initial weights; `kwargs` go to `timm.create_model`. Raises `UserError` with
    the nearest names if timm has no such architecture or tag, and for arguments it does not take.
    """
    require_architecture(architecture)
    base, _, tag = architecture.partition(".")
    tagged = timm.list_pretrained(f"{base}.*")
    if tag and architecture not in tagged:
        raise UserError(
            f"architecture: timm has no weights {tag!r} of {base}; {nearest(architecture, tagged)}"
        )
    with seeded(seed):
        try:
            return timm.create_model(architecture, pretrained=False, **kwargs).eval()
        except TypeError as error:
            if not kwargs:
                raise
            raise UserError(
                f"arguments: {architecture} cannot be built with {kwargs} ({error}); "
                "give keyword arguments that timm.create_model takes for it"
            ) from error


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Torch draws from `seed` in this block, if one is given, and goes on after it as before it."""
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.random.default_generator.manual_seed(seed)
        yield


def skeleton(architecture: str, **kwargs) -> nn.Module:
    """Network without values (on the meta device): shapes and layers of it cost nothing to find."""
    with torch.device("meta"):
        return build(architecture, **kwargs)


# --- images ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preprocessing:
    """What a network's images must look like: `input_size` (channel, height, width), mean, std.

    The WHOLE image is resized to the input size, without timm's central crop and whatever its
    aspect: the positions of a recording's grid span the whole image, so a layer's map must too.
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str

    @classmethod
    def of(cls, model: nn.Module, given: dict | None = None) -> "Preprocessing":
        """What the model's configuration in timm asks for, and `given` instead where it says so.

        Raises `UserError` for a setting that is neither given nor configured: timm's own defaults
        are a guess that a network of other origin need not share.
        """
        given = given or {}
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in given]
        if missing and not getattr(model, "pretrained_cfg", None):
            raise UserError(
                f"preprocessing: {type(model).__name__} carries no configuration of timm, and "
                f"{', '.join(map(repr, missing))} not given; write them into the model's row"
            )
        config = (timm.data.resolve_model_data_config(model) if missing else {}) | given
        size, mean, std = (tuple(config[key]) for key in ("input_size", "mean", "std"))
        return cls(size, mean, std, config["interpolation"])

    def __call__(self, images: np.ndarray) -> torch.Tensor:
        """Images uint8 (image, row, column, rgb) as a batch float32 (image, rgb, row, column)."""
        _, height, width = self.input_size
        how = Image.Resampling[self.interpolation.upper()]
        resized = [np.asarray(Image.fromarray(i).resize((width, height), how)) for i in images]
        batch = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float().div_(255)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (self.mean, self.std))
        return batch.sub_(mean).div_(std).contiguous()

    def asdict(self) -> dict:
        """The settings as JSON values, for the attributes of a file."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


# --- layers ---------------------------------------------------------------------------------------


def choose_layers(
    model: nn.Module, input_size: tuple[int, int, int], count: int = 10
) -> list[Layer]:
    """About `count` layers of any network, uniformly in depth, by the rule in this file's docstring.

    Raises `UserError` if the network has no layer with a map.
    """
    outputs, geometry = _traced(model, input_size)
    maps = [(o, geometry.read(o.name, o.shape, o.depth)) for o in outputs if o.trunk]
    maps = [(o, layer) for o, layer in maps if layer and layer.height * layer.width > 1]
    levels = sorted({output.name.count(".") for output, _ in maps})
    by_level = [_distinct((o, la) for o, la in maps if o.name.count(".") <= n) for n in levels]
    spread = [(_tenths(found), min(len(found), count)) for found in by_level]
    candidates = by_level[spread.index(max(spread))] if by_level else []
    if _largest_gap(candidates) > 1 / 2:
        candidates = _intermediates(model, geometry) or candidates
    if not candidates:
        raise UserError(
            f"{_name(model)}: no layer with a map of the image; name its layers instead"
        )
    positions = np.linspace(0, len(candidates) - 1, min(count, len(candidates)))
    return [candidates[i] for i in np.round(positions).astype(int)]


def named_layers(
    model: nn.Module, input_size: tuple[int, int, int], names: Iterable[str]
) -> list[Layer]:
    """The layers of these names, in order of depth; also such as are not of the trunk.

    Raises `UserError` for a layer that the model does not have, with the nearest names, and for one
    whose output cannot be read as a map or a vector per image.
    """
    readable = {layer.name: layer for layer in _readable(model, input_size)}
    modules = dict(model.named_modules())
    for name in names:
        if name not in readable and name in modules and name:
            raise UserError(
                f"layers: {name!r} of {_name(model)} does not put out, once in a forward pass, one "
                f"map or vector per image; {nearest(name, list(readable))}"
            )
        if name not in readable:
            raise UserError(
                f"layers: {_name(model)} has no layer {name!r}; {nearest(name, list(readable))}"
            )
    return sorted((readable[name] for name in dict.fromkeys(names)), key=lambda layer: layer.depth)


def layer_names(model: nn.Module, input_size: tuple[int, int, int]) -> list[str]:
    """Names that may be given as layers of a network, in order of depth."""
    return [layer.name for layer in _readable(model, input_size)]


def _traced(model: nn.Module, input_size: tuple[int, int, int]) -> tuple[list[Output], Geometry]:
    weight = next(model.parameters(), torch.zeros(()))
    batch = torch.zeros(_TRACED_IMAGES, *input_size, device=weight.device, dtype=weight.dtype)
    return trace(model, batch), Geometry.of(model, _TRACED_IMAGES, input_size)


def _distinct(maps: Iterable[tuple[Output, Layer]]) -> list[Layer]:
    """One layer per tensor (the innermost of its names), the last of those of one step's maps."""
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


def _largest_gap(layers: list[Layer]) -> float:
    """Largest share of the forward pass without a layer."""
    return float(np.diff([0, *(layer.depth for layer in layers), 1]).max())


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
    return [
        Layer(f"{INTERMEDIATE}{i}", "NCHW", 0, *m.shape[2:], m.shape[1], (i + 1) / len(maps))
        for i, m in enumerate(maps)
    ]


def _readable(model: nn.Module, input_size: tuple[int, int, int]) -> list[Layer]:
    outputs, geometry = _traced(model, input_size)
    layers = (geometry.read(o.name, o.shape, o.depth) for o in outputs)
    return sorted(filter(None, layers), key=lambda layer: layer.depth)


def _name(model: nn.Module) -> str:
    configuration = getattr(model, "pretrained_cfg", None) or {}
    return configuration.get("architecture", type(model).__name__)
