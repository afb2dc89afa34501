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
        if not (_is_number(value) and value >= 0):
            raise UserError(f"{name}: {value!r} is not a finite number of at least 0")
    if not (_is_number(label_smoothing) and 0 <= label_smoothing < 1):
        raise UserError(f"label_smoothing: {label_smoothing!r} is not a number in [0, 1)")
    if not (isinstance(levels, int) and levels >= 1):
        raise UserError(f"levels: {levels!r} is not a whole number of at least 1")
    for name, value, valid in (("epsilon", epsilon, EPSILONS), ("saliency", saliency, SALIENCIES)):
        if value not in valid:
            raise UserError(f"{name}: {value!r} is unknown; {nearest(value, list(valid))}")


def require_tensors(
    images: torch.Tensor, labels: torch.Tensor, human_maps: torch.Tensor, tokens: torch.Tensor
) -> None:
    """Raise `UserError` if the shapes and values of a batch do not fit together."""
    given = {"images": images, "labels": labels, "human_maps": human_maps, "tokens": tokens}
    for name, values in given.items():
        require_tensor(name, values)
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


def require_tensor(name: str, values: torch.Tensor) -> None:
    """Raise `UserError` for an argument that is no tensor of real numbers."""
    if not isinstance(values, torch.Tensor):
        raise UserError(
            f"{name}: a {type(values).__name__}, not a torch.Tensor; torch.as_tensor makes one of an "
            "array or a list"
        )
    if values.is_complex():
        raise UserError(f"{name}: {values.dtype}; give real numbers, for instance .real or .abs()")


def require_maps(human_maps: torch.Tensor, chosen: torch.Tensor, levels: int) -> None:
    """Raise `UserError` for human maps (image, row, column) that cannot be compared.

    `chosen` (on the CPU) are the numbers of the images with a map. The values of maps are checked where
    they lie on the CPU: on a GPU the program would wait for them.
    """
    height, width = human_maps.shape[1:]
    scales = (max(height, width) - 1).bit_length() + 1
    if levels > scales:
        raise UserError(
            f"levels: {levels}, but a map of {height} x {width} has {scales} scales, the smallest of "
            f"one pixel; give levels={scales} or less"
        )
    if human_maps.device.type != "cpu" or len(chosen) == 0:
        return
    lowest, highest = human_maps.detach().flatten(1).aminmax(dim=1)
    lowest, highest = lowest[chosen], highest[chosen]
    finite = lowest.isfinite() & highest.isfinite()
    for bad, what in (
        (~finite, "has values that are not finite; mend it"),
        (lowest == highest, "has one value everywhere, which does not say where to look; mend it"),
    ):
        if bool(bad.any()):
            place = int(bad.nonzero()[0, 0])
            raise UserError(
                f"human_maps: the map of image {int(chosen[place])} of the batch (values from "
                f"{float(lowest[place]):g} to {float(highest[place]):g}) {what}, or give its image "
                "token 0"
            )


def require_targets(targets: torch.Tensor, n_images: int) -> None:
    """Raise `UserError` for targets (image, class) that are no probabilities.

    Their values are checked where they lie on the CPU: on a GPU the program would wait for them.
    """
    require_tensor("targets", targets)
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


def require_network(model: nn.Module, strength: float) -> None:
    """Raise `UserError` for what is no network, and for a compiled one with a strength above 0."""
    if not isinstance(model, nn.Module):
        name = getattr(model, "__name__", type(model).__name__)
        raise UserError(f"model: {name} is no network; give an instance of torch.nn.Module")
    if strength > 0:
        require_uncompiled({"model": model, "model.module": getattr(model, "module", None)})


def require_uncompiled(parts: dict[str, nn.Module]) -> None:
    """Raise `UserError` if `torch.compile` made one of these parts of a network, given by name."""
    for name, part in parts.items():
        if hasattr(part, "_orig_mod"):
            remedy = f"use the network before compilation ({name}._orig_mod)"
        elif getattr(part, "_compiled_call_impl", None) is not None:
            remedy = f"build the network again without {name}.compile()"
        else:
            continue
        raise UserError(f"model: torch.compile has no second derivative; {remedy}, or strength 0")


def require_precision(model: nn.Module, images: torch.Tensor) -> None:
    """Raise `UserError` for number formats in which second derivatives are wrong."""
    wrong = None if images.dtype in (torch.float32, torch.float64) else images.dtype
    if torch.float16 in (autocast_type(images.device), _type_of(model)):
        wrong = torch.float16
    if wrong is not None:
        raise UserError(
            f"precision: {wrong} cannot hold the gradients of gradients; give float32 images and "
            f"weights, and for speed torch.autocast({images.device.type!r}, torch.bfloat16)"
        )


def require_one_type(model: nn.Module, images: torch.Tensor, error: Exception) -> None:
    """Raise `UserError` from the error of a pass whose weights and images have different types."""
    weights = _type_of(model)
    if weights not in (None, images.dtype):
        raise UserError(
            f"precision: {weights} in the network and {images.dtype} in the images; give both in "
            f"float32, by model.float() and images.float() ({error})"
        ) from error


def _type_of(model: nn.Module) -> torch.dtype | None:
    """The type of a network's first parameter; None without parameters."""
    return getattr(next(model.parameters(), None), "dtype", None)


def _is_number(value: object) -> bool:
    """Whether this is a number, and finite."""
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # text, none or several numbers
        return False


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
