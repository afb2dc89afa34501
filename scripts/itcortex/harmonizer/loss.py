"""The neural harmonizer's loss: classify, and look where people look.

total = cross-entropy (labels smoothed by .1) + strength x harmonization + decay; Fel et al., NeurIPS
2022, equal to the reference code (serre-lab/Harmonization, loss.py) and to its gradients, which are
all that code gives. What it has not is off unless asked for: the largest absolute gradient as
saliency, a relative epsilon, a second forward pass for the images with a human map only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from itcortex.errors import UserError
from itcortex.harmonizer.checks import require_numbers, require_precision, require_tensors
from itcortex.harmonizer.convolution import without_autocast
from itcortex.harmonizer.decay import decayed_parameters, half_squares
from itcortex.harmonizer.double_backward import (
    add_gradients,
    double_backward,
    score_gradient,
)
from itcortex.harmonizer.pyramid import match_maximum, pyramidal_mse, standardize_cut


@dataclass(frozen=True)
class LossParts:
    """The loss of one batch and what it is made of; all but `total` are for logs, without gradient.

    `total` = `cross_entropy` + strength x `harmonization` + `decay`. `decay` already holds its
    factor, `harmonization` does not hold the strength. `logits` (image, class) are the scores of
    all images. `saliency_std` is the mean, over the images with a human map, of the std of the
    saliency before it is standardised; None where none was made. Where it comes near 1e-5, the
    reference's epsilon outweighs it and the harmonization fades: the relative one does not.
    `n_maps` images had a human map.
    """

    total: torch.Tensor
    cross_entropy: torch.Tensor
    harmonization: torch.Tensor
    decay: torch.Tensor
    logits: torch.Tensor
    saliency_std: torch.Tensor | None
    n_maps: int

    def backward(self, scale: float = 1.0) -> None:
        """Add the gradients of scale x `total` to those of the parameters.

        `total.backward()` gives the same; this one also serves networks with gradient
        checkpointing, and raises `UserError` where an operation has no second derivative.
        """
        add_gradients(self.total * scale)


def harmonizer_loss(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    human_maps: torch.Tensor,
    tokens: torch.Tensor,
    *,
    strength: float,
    weight_decay: float = 1e-5,
    label_smoothing: float = 0.1,
    levels: int = 5,
    epsilon: str = "reference",
    saliency: str = "mean",
    sub_batch: bool = False,
) -> LossParts:
    """Loss of one batch: `harmonizer_loss(...).backward()` leaves gradients as any loss does.

    images (image, rgb, row, column), preprocessed; labels (image,) class numbers; human_maps
    (image, row, column) in any unit; tokens (image,) 1 with a human map, 0 without: such an image's
    map is not read, though the image counts in the mean. `levels` of the pyramid; `epsilon`
    'reference' or 'relative' (`pyramid.standardize_cut`); `saliency` 'mean' or 'max_abs' over colour.

    Strength 0, or a batch without maps, is a plain forward pass: nothing is differentiated twice.
    `sub_batch` makes a second forward pass, of the images with a map, and differentiates only that
    twice. What differs is their batch norm, which sees those images alone (running averages are
    left to the first pass), and the masks of dropout; without these two the loss is the same.

    Under `torch.autocast` in bfloat16 the network runs in it, the loss in float32. Labels and tokens
    may be on the CPU: checked on a GPU, they keep the program waiting for it.

    Raises `UserError` for what does not fit together, float16, a compiled network, and scores that
    do not depend on the images.
    """
    require_numbers(strength, weight_decay, label_smoothing, levels, epsilon, saliency)
    require_tensors(images, labels, human_maps, tokens)
    require_precision(model, images, strength)
    chosen = torch.nonzero(tokens.cpu() > 0)[:, 0]
    rows = _rows(chosen, len(images), sub_batch) if strength > 0 else None
    logits, gradient = _forward(model, images, labels, rows)
    with without_autocast(images.device):
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        classes = labels.to(wide.device, torch.long)
        cross_entropy = functional.cross_entropy(wide, classes, label_smoothing=label_smoothing)
        decay = harmonization = wide.new_zeros(())
        std = None
        if weight_decay > 0:
            decay = weight_decay * half_squares(decayed_parameters(model))
        if gradient is not None:
            maps = reduce_colour(gradient, saliency)
            weights = tokens[rows].to(maps)
            error = harmonization_error(maps, human_maps[rows].to(maps), weights, levels, epsilon)
            harmonization = error * (len(maps) / len(images))
            std = _mean_std(maps.detach(), weights > 0)
        total = cross_entropy + strength * harmonization + decay
    return LossParts(
        total, cross_entropy.detach(), harmonization.detach(), decay.detach(), logits.detach(), std,
        len(chosen),
    )  # fmt: skip


def reduce_colour(gradient: torch.Tensor, saliency: str = "mean") -> torch.Tensor:
    """Map (image, row, column) of a gradient (image, rgb, row, column).

    'mean' over colour, as the reference, is blind to an edge between colours of one brightness;
    'max_abs', the largest absolute value, which the evaluation of ClickMe uses, is not.
    """
    return gradient.mean(1) if saliency == "mean" else gradient.abs().amax(1)


def harmonization_error(
    maps: torch.Tensor,
    human_maps: torch.Tensor,
    tokens: torch.Tensor,
    levels: int = 5,
    epsilon: str = "reference",
) -> torch.Tensor:
    """Squared difference of saliency and human maps (image, row, column), standardised and matched.

    Human maps of images with token 0 are not read.
    """
    human_maps = torch.where(tokens[:, None, None] > 0, human_maps, 0)
    model, human = standardize_cut(maps, epsilon), standardize_cut(human_maps, epsilon)
    return pyramidal_mse(model, match_maximum(human, model), tokens, levels)


def _mean_std(maps, chosen):
    """Mean over the chosen images of the std of their maps; no wait for a GPU to count them."""
    chosen = chosen.to(maps)
    return (maps.std((1, 2), correction=0) * chosen).sum() / chosen.sum()


# --- forward passes -------------------------------------------------------------------------------


def _rows(chosen, n_images, sub_batch):
    """Images whose saliency is wanted: all (a slice), those with a map, or None of them.

    One image alone may have no batch statistics: another keeps it company, which counts nothing.
    """
    if len(chosen) == 0:
        return None
    if not sub_batch or len(chosen) == n_images:
        return slice(None)
    if len(chosen) > 1:
        return chosen
    return torch.cat([chosen, (chosen + 1) % n_images])


def _forward(model, images, labels, rows):
    """Scores of all images, and the gradients of the images `rows`, in one pass or two."""
    if rows is None:
        return _scores(model, images, labels), None
    if isinstance(rows, slice):
        return _forward_twice(model, images, labels)
    logits = _scores(model, images, labels)
    inner = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    with _running_averages_kept(inner):
        _, gradient = _forward_twice(inner, images[rows], labels[rows])
    return logits, gradient


def _forward_twice(model, images, labels):
    """Scores and the gradient of every image's own score, both to be differentiated."""
    images = images.detach().requires_grad_()
    with double_backward():
        logits = _scores(model, images, labels)
        return logits, score_gradient(logits, images, labels)


def _scores(model, images, labels):
    """The network's output, one row of class scores per image, with a score for every label."""
    scores = model(images)
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2:
        raise UserError(
            "model: it must put out class scores (image, class); build it with a classifier "
            "(num_classes > 0) and a single head"
        )
    if int(labels.max()) >= scores.shape[1]:
        raise UserError(
            f"labels: {int(labels.max())} is out of range, the network has {scores.shape[1]} "
            f"classes (0 to {scores.shape[1] - 1}); build it with more (num_classes)"
        )
    return scores


@contextmanager
def _running_averages_kept(model: nn.Module) -> Iterator[None]:
    """Within it, batch norm in training leaves its running averages as they are."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    training = [norm for norm in norms if norm.training and norm.track_running_stats]
    try:
        for norm in training:
            norm.track_running_stats = False
        yield
    finally:
        for norm in training:
            norm.track_running_stats = True
