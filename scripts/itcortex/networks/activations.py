"""Activations of a network's layers on images: all layers in one pass over the images."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layer_choice import INTERMEDIATE
from itcortex.networks.layers import Layer, as_maps, first_tensor
from itcortex.networks.preprocessing import Preprocessing
from itcortex.numerics.resample import pool_maps
from itcortex.running import progress

#: Largest difference of an image's map alone and in a batch, in lengths of the map. A GPU may take
#: another algorithm for another number of images, with products of 11 bits: a few times 1e-3.
_TOLERANCE = 1e-2


def extract(
    model: nn.Module,
    preprocessing: Preprocessing,
    images: np.ndarray,
    layers: list[Layer],
    batch_size: int,
    device: torch.device | str = "cpu",
    side: int | None = None,
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield per batch the first image's index and each layer's maps float32 (image, h, w, channel).

    `images` are uint8 (image, row, column, rgb). One batch is held at a time. Maps larger than
    `side` are averaged down to it. Raises ValueError if a layer does not put out what it was chosen
    for, and `UserError` if the first image has other maps alone than in the first batch.
    """
    # channels last: the same sums in an order that convolutions on CPUs take 1.3 to 2 times faster
    model = model.to(device, memory_format=torch.channels_last).eval()
    starts = range(0, len(images), batch_size)
    with _recording(model, layers) as outputs:
        for start in progress.bar(starts, "activations", unit="batch"):
            batch = preprocessing(images[start : start + batch_size])
            batch = batch.to(device, memory_format=torch.channels_last)
            maps = _run(model, batch, layers, outputs, side)
            if start == 0:
                _require_same(maps, _run(model, batch[:1], layers, outputs, side), len(batch))
            yield start, maps


def _run(
    model: nn.Module, batch: torch.Tensor, layers: list[Layer], outputs: dict, side: int | None
) -> dict[str, np.ndarray]:
    outputs.clear()
    with torch.inference_mode():
        _forward(model, batch, layers, outputs)
    return {layer.name: _maps(outputs, layer, len(batch), side) for layer in layers}


def _require_same(maps: dict, alone: dict, count: int) -> None:
    """With the weights that count, and for networks that nobody tried before: a batch is no matter."""
    for name, (single,) in alone.items():
        together = maps[name][0]
        difference = np.linalg.norm(single - together) / (np.linalg.norm(together) or 1)
        if difference > _TOLERANCE:
            raise UserError(
                f"layer {name!r} gives an image other values alone than in a batch of {count} (they "
                f"differ by {difference:.0%}): features must be a function of one image; look for "
                "dropout or random numbers in evaluation, and for normalisation over the batch"
            )


@contextmanager
def _recording(model: nn.Module, layers: list[Layer]) -> Iterator[dict[str, torch.Tensor]]:
    """A dict that every forward pass fills with the layers' outputs; removes all hooks at the end.

    Outputs are cloned: an activation that works in place would overwrite the layer before it.
    """
    outputs: dict[str, torch.Tensor] = {}

    def keep(name: str):
        def hook(_module, _arguments, output):
            tensor = first_tensor(output)
            if tensor is None or name in outputs:
                raise ValueError(f"layer {name} does not put out one tensor, once in a pass")
            outputs[name] = tensor.detach().clone()

        return hook

    with ExitStack() as hooks:
        for layer in layers:
            if not layer.name.startswith(INTERMEDIATE):
                module = model.get_submodule(layer.name)
                hooks.enter_context(module.register_forward_hook(keep(layer.name)))
        yield outputs


def _forward(model: nn.Module, batch: torch.Tensor, layers: list[Layer], outputs: dict) -> None:
    """Run the network; what no module puts out is taken from timm's `forward_intermediates`."""
    names = [layer.name for layer in layers if layer.name.startswith(INTERMEDIATE)]
    if len(names) < len(layers):
        model(batch)
    if names:
        maps = model.forward_intermediates(batch, intermediates_only=True)
        outputs.update({name: maps[int(name.removeprefix(INTERMEDIATE))] for name in names})


def _maps(
    outputs: dict[str, torch.Tensor], layer: Layer, n_images: int, side: int | None
) -> np.ndarray:
    values = outputs[layer.name].float().cpu().numpy()
    if len(values) != n_images:
        raise ValueError(f"layer {layer.name} put out {len(values)} maps for {n_images} images")
    maps = as_maps(values, layer)
    return np.ascontiguousarray(maps if side is None else pool_maps(maps, side))
