"""Activations of a network's layers on images: all layers in one pass over the images."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from itcortex.errors import UserError
from itcortex.networks.batches import OnHost, images_a_batch, prepared_batches
from itcortex.networks.folding import folded, plain_modules
from itcortex.networks.layer_choice import INTERMEDIATE
from itcortex.networks.layers import Layer, as_maps, first_tensor
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.projection import Projection
from itcortex.numerics.resample import axis_matrix
from itcortex.running import progress

#: Largest difference of an image's map alone and in a batch, in lengths of the map. A GPU may take
#: another algorithm for another number of images, with products of 11 bits: a few times 1e-3.
_TOLERANCE = 1e-2
_LOOKED_AT = 64  # images, evenly spaced, among which the darkest and the brightest are looked for
#: Batches whose maps are on their way to the host while the next one is in the network, by `on a GPU`.
BEHIND = {False: 0, True: 1}


def extract(
    model: nn.Module,
    preprocessing: Preprocessing,
    images: np.ndarray,
    layers: list[Layer],
    batch_size: int | str,
    device: torch.device | str = "cpu",
    side: int | None = None,
    dtype: str = "float32",
    projection: Projection | None = None,
    threads: int = 1,
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield per batch the first image's index and each layer's maps (image, h, w, channel).

    `images` are uint8 (image, row, column, rgb). A batch has `batch_size` of them, or as many as memory
    allows (``"auto"``, see `itcortex.networks.batches`). One batch is held at a time; on a GPU two: one
    is brought to the host while the next is in the network. `threads` threads prepare the one after.

    Maps larger than `side` are averaged down to it as soon as the layer puts them out, in float32 and
    where the network runs, and are then rounded to `dtype` (float32 or float16). With a `projection`
    vectors (image, dimension) are yielded: each layer's units are projected before they are rounded.
    Until all are yielded, batch normalisations are folded (`itcortex.networks.folding`).

    Raises ValueError if a layer does not put out what it was chosen for, and `UserError` if an image,
    the middle one of the first batch, has other maps alone, after another one, than in it, or once all
    others were shown. The network's modules are in evaluation or training mode afterwards as before.
    """
    # channels last: the same sums in an order that convolutions on CPUs take 1.3 to 2 times faster
    place = torch.device(device)
    _require_single(model)
    model = model.to(place, memory_format=torch.channels_last)
    plain = plain_modules(model)
    with (
        evaluating(model),
        _recording(model, layers, side, getattr(torch, dtype), projection) as outputs,
    ):

        def passed(shown: np.ndarray) -> dict[str, torch.Tensor]:
            ((_, batch),) = prepared_batches(preprocessing, shown, len(shown), place)
            return _run(model, batch, layers, outputs)

        runs = [partial(passed, images[k : k + 1]) for k in _extremes(images)]
        with folded(model, runs, {layer.name for layer in layers}, plain):
            size = images_a_batch(batch_size, passed, images[0], place)
            batches = prepared_batches(preprocessing, images, size, place, threads)
            waiting: deque[tuple[int, OnHost]] = deque()
            count = math.ceil(len(images) / size)
            for start, batch in progress.bar(batches, "activations", total=count, unit="batch"):
                waiting.append((start, OnHost(_run(model, batch, layers, outputs))))
                if start == 0:
                    middle = len(batch) // 2  # after some images and before others
                    other = 0 if middle else len(images) - 1
                    passed(images[other : other + 1])  # which a network may remember
                    image = {name: maps[middle] for name, maps in waiting[0][1].arrays().items()}
                    alone = OnHost(passed(images[middle : middle + 1])).arrays()
                    _require_same(image, alone, f"alone than in a batch of {len(batch)}")
                if len(waiting) > BEHIND[place.type == "cuda"]:
                    yield _next(waiting)
            while waiting:
                yield _next(waiting)
            if count > 1:
                again = OnHost(passed(images[middle : middle + 1])).arrays()
                _require_same(image, again, f"once all {len(images)} were shown than at the start")


def _require_single(model: nn.Module) -> None:
    """Images come in float32, which a network of half precision cannot take."""
    for name, parameter in model.named_parameters():
        if parameter.dtype in (torch.float16, torch.bfloat16):
            raise UserError(
                f"{type(model).__name__}: its weight {name!r} is {parameter.dtype}, and features are "
                "computed in float32: call .float() on the network first"
            )


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """A network in evaluation mode; every module is in its own mode again afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _extremes(images: np.ndarray) -> list[int]:
    """The darkest, the middle and the brightest of images, of at most `_LOOKED_AT`, without repeats."""
    looked_at = np.unique(np.linspace(0, len(images) - 1, _LOOKED_AT).astype(int))
    brightness = [np.asarray(images[k])[::4, ::4].mean() for k in looked_at.tolist()]
    order = looked_at[np.argsort(brightness, kind="stable")].tolist()
    return list(dict.fromkeys((order[0], order[len(order) // 2], order[-1])))


def _next(waiting: deque) -> tuple[int, dict[str, np.ndarray]]:
    start, maps = waiting.popleft()
    return start, maps.arrays()


def _run(
    model: nn.Module, batch: torch.Tensor, layers: list[Layer], outputs: "_Outputs"
) -> dict[str, torch.Tensor]:
    outputs.clear()
    with torch.inference_mode():
        _forward(model, batch, layers, outputs)
    for name, maps in outputs.items():
        if len(maps) != len(batch):
            raise ValueError(f"layer {name} put out {len(maps)} maps for {len(batch)} images")
    return {layer.name: outputs[layer.name] for layer in layers}


def _require_same(image: dict, again: dict, when: str) -> None:
    """With the weights that count, and for networks that nobody tried before: an image is all."""
    for name, (single,) in again.items():
        before = image[name].astype(np.float64)
        difference = np.linalg.norm(single - before) / (np.linalg.norm(before) or 1)
        if difference > _TOLERANCE:
            raise UserError(
                f"layer {name!r} gives an image other values {when} (they differ by "
                f"{difference:.0%}): features must be a function of one image; look for dropout or "
                "random numbers in evaluation, for normalisation over the batch, and for a state that "
                "passes leave behind"
            )


class _Outputs(dict):
    """Maps (image, h, w, channel) of a pass, by layer: reduced, rounded, and copies of what they were.

    With a `projection` they are vectors (image, dimension).

    An activation that works in place would otherwise overwrite the layer before it.
    """

    def __init__(self, side: int | None, dtype: torch.dtype, projection: Projection | None):
        super().__init__()
        self.side, self.dtype, self.projection = side, dtype, projection

    def keep(self, layer: Layer, output: torch.Tensor) -> None:
        """Keep what a layer put out."""
        maps = as_maps(output.detach().float(), layer)
        reduced = maps if self.side is None else _pooled(maps, self.side)
        reduced = reduced if self.projection is None else self.projection(reduced)
        self[layer.name] = reduced.to(self.dtype, memory_format=torch.contiguous_format, copy=True)


@contextmanager
def _recording(
    model: nn.Module,
    layers: list[Layer],
    side: int | None,
    dtype: torch.dtype,
    projection: Projection | None,
) -> Iterator[_Outputs]:
    """What every forward pass fills with the layers' maps; removes all hooks at the end."""
    outputs = _Outputs(side, dtype, projection)

    def keep(layer: Layer):
        def hook(_module, _arguments, output):
            tensor = first_tensor(output)
            if tensor is None or layer.name in outputs:
                raise ValueError(f"layer {layer.name} does not put out one tensor, once in a pass")
            outputs.keep(layer, tensor)

        return hook

    with ExitStack() as hooks:
        for layer in layers:
            if not layer.name.startswith(INTERMEDIATE):
                module = model.get_submodule(layer.name)
                hooks.enter_context(module.register_forward_hook(keep(layer)))
        yield outputs


def _forward(model: nn.Module, batch: torch.Tensor, layers: list[Layer], outputs: _Outputs) -> None:
    """Run the network; what no module puts out is taken from timm's `forward_intermediates`."""
    inside = [layer for layer in layers if layer.name.startswith(INTERMEDIATE)]
    if len(inside) < len(layers):
        model(batch)
    if inside:
        maps = model.forward_intermediates(batch, intermediates_only=True)
        for layer in inside:
            outputs.keep(layer, maps[int(layer.name.removeprefix(INTERMEDIATE))])


def _pooled(maps: torch.Tensor, side: int) -> torch.Tensor:
    """Maps (image, h, w, channel) averaged to at most side x side, as `numerics.resample.pool_maps`."""
    height, width = maps.shape[1:3]
    size = (min(side, height), min(side, width))
    if size == (height, width):
        return maps
    if height % size[0] == 0 and width % size[1] == 0:
        cell = (height // size[0], width // size[1])
        return avg_pool2d(maps.permute(0, 3, 1, 2), cell).permute(0, 2, 3, 1)
    rows, columns = (
        torch.from_numpy(axis_matrix(n, k)) for n, k in zip((height, width), size, strict=True)
    )
    maps = torch.einsum("yh,ihwc->iywc", rows.to(maps), maps)
    return torch.einsum("xw,iywc->iyxc", columns.to(maps), maps)
