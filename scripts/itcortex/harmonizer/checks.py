"""Checks of the arguments of the harmonizer's loss; each error says what to change."""

import math

import torch
from torch import nn

from itcortex.errors import UserError, nearest
from itcortex.harmonizer.choices import EPSILONS, SALIENCIES
from itcortex.harmonizer.convolution import autocast_type

_SUM_TOLERANCE = 0.02  # rounding of a softmax over a thousand classes in bfloat16


def require_numbers(
    strength: float,
    weight_decay: float,
    label_smoothing: float,
    levels: int,
    epsilon: str,
    saliency: str,
) -> None:
    """Raise `UserError` for a setting out of range or an unknown option."""
    for name, value in (("strength", strength), ("weight_decay", weight_decay)):
        if not (math.isfinite(value) and value >= 0):
            raise UserError(f"{name}: {value} is not a finite number of at least 0")
    if not 0 <= label_smoothing < 1:
        raise UserError(f"label_smoothing: {label_smoothing} is not in [0, 1)")
    if not (isinstance(levels, int) and levels >= 1):
        raise UserError(f"levels: {levels!r} is not a whole number of at least 1")
    for name, value, valid in (("epsilon", epsilon, EPSILONS), ("saliency", saliency, SALIENCIES)):
        if value not in valid:
            raise UserError(f"{name}: {value!r} is unknown; {nearest(value, list(valid))}")


def require_tensors(
    images: torch.Tensor, labels: torch.Tensor, human_maps: torch.Tensor, tokens: torch.Tensor
) -> None:
    """Raise `UserError` if the shapes and values of a batch do not fit together."""
    if images.ndim != 4 or 0 in images.shape:
        raise UserError(f"images: shape {_shape(images)} is not (image, rgb, row, column)")
    n, _, height, width = images.shape
    if human_maps.shape != (n, height, width):
        raise UserError(
            f"human_maps: shape {_shape(human_maps)} does not fit the images, {_shape(images)}; one "
            f"map (row, column) of {height} x {width} per image is needed: resize and crop it with "
            "its image, and give zeros (and token 0) where there is none"
        )
    for name, values in (("labels", labels), ("tokens", tokens)):
        if values.shape != (n,):
            raise UserError(f"{name}: shape {_shape(values)} for {n} images; it must be ({n},)")
    if labels.dtype.is_floating_point or labels.dtype == torch.bool:
        raise UserError(f"labels: {labels.dtype} are not class numbers; give integers from 0")
    if int(labels.min()) < 0:
        raise UserError(f"labels: {int(labels.min())} is out of range; classes are numbered from 0")
    if not bool(((tokens >= 0) & (tokens <= 1)).all()):
        bad = tokens[~((tokens >= 0) & (tokens <= 1))][0].item()
        raise UserError(f"tokens: {bad} is not between 0 (no human map) and 1 (a human map)")


def require_targets(targets: torch.Tensor, n_images: int) -> None:
    """Raise `UserError` for targets (image, class) that are no probabilities.

    Their values are checked where they lie on the CPU: on a GPU the program would wait for them.
    """
    if targets.ndim != 2 or len(targets) != n_images or not targets.dtype.is_floating_point:
        raise UserError(
            f"targets: {targets.dtype} of shape {_shape(targets)} for {n_images} images; give "
            "probabilities (image, class), for instance softmax of another network's scores"
        )
    if targets.device.type == "cpu":
        sums = targets.sum(1)
        if not bool((targets >= 0).all() and ((sums - 1).abs() < _SUM_TOLERANCE).all()):
            raise UserError(
                f"targets: from {targets.min():g} on, with sums over classes from {sums.min():g} to "
                f"{sums.max():g}; probabilities are at least 0 and their sum is 1"
            )


def require_precision(model: nn.Module, images: torch.Tensor, strength: float) -> None:
    """Raise `UserError` for number formats and wrappers in which second derivatives are wrong."""
    half = autocast_type(images.device) == torch.float16
    if half or images.dtype not in (torch.float32, torch.float64):
        raise UserError(
            f"precision: {torch.float16 if half else images.dtype} cannot hold the gradients of "
            "gradients; give float32 images and weights, and for speed "
            f"torch.autocast({images.device.type!r}, torch.bfloat16)"
        )
    if strength > 0 and hasattr(model, "_orig_mod"):
        raise UserError(
            "model: torch.compile has no second derivative; give the network before compilation "
            "(model._orig_mod), or strength 0"
        )


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
