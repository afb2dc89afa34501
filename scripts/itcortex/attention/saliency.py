"""Gradient saliency of a network: which pixels its answer depends on.

The map is the gradient of one class's logit with respect to the network's preprocessed input, reduced
over the colours: its largest absolute value for the comparison with human maps (Fel et al. 2022), or its
mean, which the harmonizer's loss uses. The class is the photograph's own or, where a set has no ImageNet
labels, the one that the network ranks first.

A single image is run twice in one batch: on the CPU, torch 2.13's backward pass of batch norm is
silently wrong for a batch of one whose gradient comes channels-last, as it does in LeViT. The error is
as large as the gradient; with two images the gradient agrees with finite differences to 1e-8.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from itcortex.data.images import decode_rgb
from itcortex.data.photographs import CLASSES, MAP_SIDE, Photographs
from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.numerics.resample import resize_images
from itcortex.running.progress import bar

REDUCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "max_abs": lambda gradient: gradient.abs().amax(1),
    "mean": lambda gradient: gradient.mean(1),
}


def saliency(
    model: nn.Module,
    batch: torch.Tensor,
    labels: torch.Tensor | None = None,
    reduction: str = "max_abs",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Saliency float32 (image, row, column) of a batch, and the class (image,) that each map belongs to.

    The network runs in eval mode on its own device, so that images do not influence each other.
    Afterwards its mode and its parameters' `requires_grad` are restored.

    Parameters
    ----------
    batch : float32 (image, channel, row, column), preprocessed.
    labels : int64 (image,); None takes the class with the largest logit.
    reduction : how the gradient is reduced over colours, `max_abs` or `mean`.

    Raises ValueError for another reduction or a network that does not put out (image, class), and
    for a label that it has no class for.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction {reduction!r} is not one of {', '.join(REDUCTIONS)}")
    device = next(model.parameters()).device
    count = len(batch)
    if count == 1:  # see the module's docstring
        batch, labels = batch.repeat(2, 1, 1, 1), None if labels is None else labels.repeat(2)
    with _frozen(model), torch.enable_grad():
        images = batch.detach().to(device).requires_grad_()
        logits = model(images)
        if not torch.is_tensor(logits) or logits.ndim != 2 or not logits.shape[1]:
            raise ValueError("saliency needs a network that puts out one logit a class")
        classes = logits.argmax(1) if labels is None else labels.to(device)
        if classes.min() < 0 or classes.max() >= logits.shape[1]:
            raise ValueError(f"label {int(classes.max())}, but {logits.shape[1]} classes")
        chosen = logits.gather(1, classes[:, None]).sum()
        (gradient,) = torch.autograd.grad(chosen, images)
    return REDUCTIONS[reduction](gradient[:count]).float(), classes[:count]


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Eval mode, without gradients of parameters, which would cost memory; restored afterwards."""
    modes = {module: module.training for module in model.modules()}
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        for module, mode in modes.items():
            module.training = mode


def photographs_saliency(
    model: nn.Module,
    preprocessing: Preprocessing,
    photographs: Photographs,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[np.ndarray, int]]:
    """Saliency float32 (224, 224) of every photograph, in order, and the class that it belongs to.

    Maps of networks with another input than 224 pixels are resized (bilinear, antialiased). Raises
    `UserError` for a network without ImageNet's 1000 classes where photographs have labels.
    """
    model, labels = model.to(device), photographs.labels
    if labels is not None and (count := getattr(model, "num_classes", CLASSES)) != CLASSES:
        raise UserError(
            f"attention: the photographs' labels are ImageNet's {CLASSES} classes, the network has "
            f"{count}; take it out of this attention set, or give it a classifier"
        )
    starts = range(0, len(photographs.image_ids), batch_size)
    for start in bar(starts, "saliency", unit="batch"):
        part = slice(start, start + batch_size)
        batch = network_input(photographs, part, preprocessing)
        wanted = None if labels is None else torch.from_numpy(labels[part].astype(np.int64))
        maps, classes = saliency(model, batch, wanted)
        if maps.shape[1:] != (MAP_SIDE, MAP_SIDE):
            maps = functional.interpolate(
                maps[:, None], (MAP_SIDE, MAP_SIDE), mode="bilinear", antialias=True
            )[:, 0]
        yield from zip(maps.cpu().numpy(), classes.tolist(), strict=True)


def network_input(
    photographs: Photographs, part: slice, preprocessing: Preprocessing
) -> torch.Tensor:
    """Some of the photographs as a network's batch: the whole photograph, resized to its input.

    ClickMe's are resized as its authors do (`clickme.resize_images`), others as the model's own
    preprocessing says; the mean and std are the model's in both cases.
    """
    named = zip(photographs.image_ids[part], photographs.jpegs[part], strict=True)
    pixels = [np.asarray(decode_rgb(jpeg, image, "photograph")) for image, jpeg in named]
    if not photographs.reference_resize:
        return preprocessing(pixels)
    resized = resize_images(np.stack(pixels), preprocessing.input_size[1:])
    batch = torch.from_numpy(resized).permute(0, 3, 1, 2).div(255)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    return batch.sub_(mean).div_(std).contiguous()
