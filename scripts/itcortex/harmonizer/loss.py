"""The loss of the neural harmonizer: classify images, and look where people look.

    total = cross_entropy + strength * harmonization + decay

`cross_entropy` is over labels smoothed by .1. `harmonization` is the squared difference between the
network's saliency maps and human maps, over several spatial scales. `decay` is half the sum of squared
weights, times a factor. The loss and its gradients equal those of the published code (Fel et al.,
NeurIPS 2022; serre-lab/Harmonization, loss.py). Four options that it does not have are off by
default: saliency as the largest absolute gradient over colour, an epsilon relative to the saliency's
scale, a second forward pass that holds only the images with a human map, and probabilities of all
classes in place of labels.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from itcortex.errors import UserError
from itcortex.harmonizer.checks import (
    require_maps,
    require_network,
    require_numbers,
    require_one_type,
    require_precision,
    require_targets,
    require_tensors,
)
from itcortex.harmonizer.convolution import without_autocast
from itcortex.harmonizer.decay import decayed_parameters, half_squares
from itcortex.harmonizer.double_backward import (
    add_gradients,
    double_backward,
    score_gradient,
)
from itcortex.harmonizer.normalization import running_averages_kept
from itcortex.harmonizer.pyramid import match_maximum, pyramidal_mse, standardize_cut

_LABEL_SMOOTHING = 0.1  # of the published loss


@dataclass(frozen=True)
class LossParts:
    """The loss of one batch and its terms; all but `total` are for logs and have no gradient.

    `total` = `cross_entropy` + strength * `harmonization` + `decay`. The factor of the decay is
    included in `decay`; the strength is not included in `harmonization`. `logits` (image, class) are
    the scores of all images. `saliency_std` is the standard deviation of the saliency before it is
    standardised, averaged over the images with a human map; None if no saliency was computed. Where it
    approaches 1e-5, the published epsilon dominates and the harmonization vanishes; with the relative
    epsilon it does not. `n_maps` images had a human map.
    """

    total: torch.Tensor
    cross_entropy: torch.Tensor
    harmonization: torch.Tensor
    decay: torch.Tensor
    logits: torch.Tensor
    saliency_std: torch.Tensor | None
    n_maps: int

    def backward(self, scale: float = 1.0) -> None:
        """Add the gradients of scale * `total` to those of the parameters.

        The result is that of `total.backward()`. In addition, this function works with gradient
        checkpointing, and raises `UserError` if an operation has no second derivative, or if the loss
        has no gradient.
        """
        if not self.total.requires_grad:
            raise UserError(
                "model: no parameter that the loss depends on requires a gradient (are all frozen, or "
                "was this under no_grad?); set requires_grad_() on those to train"
            )
        add_gradients(self.total * scale)


def harmonizer_loss(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    human_maps: torch.Tensor,
    tokens: torch.Tensor,
    *,
    strength: float,
    targets: torch.Tensor | None = None,
    weight_decay: float = 1e-5,
    label_smoothing: float | None = None,
    levels: int = 5,
    epsilon: str = "reference",
    saliency: str = "mean",
    sub_batch: bool = False,
) -> LossParts:
    """Loss of one batch; call `.backward()` of the result for the gradients.

    Parameters
    ----------
    model : torch.nn.Module
        Puts out class scores (image, class).
    images : float tensor (image, rgb, row, column)
        Preprocessed.
    labels : int tensor (image,)
        Class numbers. Leave labels and tokens on the CPU: their values are checked, which on a GPU would
        make the program wait.
    human_maps : float tensor (image, row, column)
        In any unit. On the CPU, maps of images with a token above 0 are checked if the strength is: all
        their values finite, and not all the same. On a GPU the program would wait: there a map with
        values not finite makes the loss NaN, and one of a single value asks to look nowhere.
    tokens : tensor (image,)
        1 for images with a human map and 0 for images without: their maps are not read, but they count
        in the mean.
    strength : float
        Weight of the harmonization. With 0, or for a batch without maps, this is a plain forward pass,
        and nothing is differentiated twice.
    targets : float tensor (image, class), optional
        Probabilities to learn instead of the labels, as for distillation: the cross-entropy is
        -sum(targets * log softmax(scores)). The labels still say whose score the saliency is of.
    weight_decay : float
    label_smoothing : float, optional
        By default the published .1 for labels, and 0 for `targets`; another value smooths these too.
    levels : int
        Scales of the pyramid, each half the one before; at most down to one pixel.
    epsilon : str
        ``"reference"`` or ``"relative"`` (`pyramid.standardize_cut`).
    saliency : str
        ``"mean"`` or ``"max_abs"`` of the gradient over colour.
    sub_batch : bool
        A second forward pass of the images with a map, and only this pass is differentiated twice. The
        result then differs in two respects: batch norm in the second pass sees only those images
        (running averages are updated by the first pass alone), and dropout draws other masks. For
        networks with neither, the loss is the same.

    Returns
    -------
    LossParts
        `total` and its terms. Under `torch.autocast` in bfloat16 the network runs in bfloat16 and the
        loss in float32.

    Raises
    ------
    UserError
        For arguments that do not fit together, human maps that say nothing, float16, a compiled network,
        and scores that do not depend on the images.

    References
    ----------
    Fel et al. (2022), NeurIPS; serre-lab/Harmonization, loss.py.

    Examples
    --------
    >>> import torch, itcortex
    >>> _ = torch.manual_seed(0)
    >>> net = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 4, 3), torch.nn.Softplus(), torch.nn.AdaptiveAvgPool2d(1),
    ...     torch.nn.Flatten(), torch.nn.Linear(4, 2),
    ... )
    >>> parts = itcortex.harmonizer_loss(
    ...     net, torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 0, 1]), torch.rand(4, 32, 32),
    ...     torch.tensor([1, 1, 0, 0]), strength=1.0,
    ... )
    >>> parts.backward()
    >>> parts.n_maps, bool(parts.harmonization > 0), net[0].weight.grad is not None
    (2, True, True)
    """
    if label_smoothing is None:
        label_smoothing = _LABEL_SMOOTHING if targets is None else 0.0
    require_numbers(strength, weight_decay, label_smoothing, levels, epsilon, saliency)
    require_tensors(images, labels, human_maps, tokens)
    if targets is not None:
        require_targets(targets, len(images))
    require_network(model, strength)
    require_precision(model, images)
    chosen = torch.nonzero(tokens.cpu() > 0)[:, 0]
    if strength > 0:
        require_maps(human_maps, chosen, levels)
    rows = _rows(chosen, len(images), sub_batch) if strength > 0 else None
    logits, gradient = _forward(model, images, labels, rows)
    with without_autocast(images.device):
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        wanted = _wanted(wide, labels, targets)
        cross_entropy = functional.cross_entropy(wide, wanted, label_smoothing=label_smoothing)
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


def _wanted(scores, labels, targets):
    """Class numbers, or probabilities of all classes, that the scores (image, class) should tell."""
    if targets is None:
        return labels.to(scores.device, torch.long)
    if targets.shape != scores.shape:
        raise UserError(
            f"targets: {targets.shape[1]} classes, the network has {scores.shape[1]}; give a "
            "probability for each class of the network"
        )
    return targets.to(scores)


def reduce_colour(gradient: torch.Tensor, saliency: str = "mean") -> torch.Tensor:
    """Saliency map (image, row, column) of a gradient (image, rgb, row, column).

    'mean' is the mean over colour, as in the published loss; it cannot see an edge between two colours
    of the same brightness. 'max_abs' is the largest absolute value over colour, which can, and which
    the evaluation on ClickMe uses.
    """
    return gradient.mean(1) if saliency == "mean" else gradient.abs().amax(1)


def harmonization_error(
    maps: torch.Tensor,
    human_maps: torch.Tensor,
    tokens: torch.Tensor,
    levels: int = 5,
    epsilon: str = "reference",
) -> torch.Tensor:
    """Squared difference of saliency maps and human maps (image, row, column) over all scales.

    Both are standardised and cut at 0, and human maps are scaled to the maximum of the saliency maps.
    Neither map of an image with token 0 is read.
    """
    read = tokens[:, None, None] > 0
    model, human = (standardize_cut(m.where(read, 0), epsilon) for m in (maps, human_maps))
    return pyramidal_mse(model, match_maximum(human, model), tokens, levels)


def _mean_std(maps, chosen):
    """Mean over the chosen images of the std of their maps, without waiting for a GPU to count them."""
    chosen = chosen.to(maps)
    return (maps.std((1, 2), correction=0) * chosen).sum() / chosen.sum()


# --- forward passes -------------------------------------------------------------------------------


def _rows(chosen, n_images, sub_batch):
    """Images whose saliency is needed: all (a slice), those with a human map, or None.

    A single image may have no batch statistics, so the next image is added to it; its token is 0, so
    that it adds nothing to the loss.
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
    with running_averages_kept(inner):
        _, gradient = _forward_twice(inner, images[rows], labels[rows])
    return logits, gradient


def _forward_twice(model, images, labels):
    """Scores, and the gradient of the score of every image's class; both can be differentiated."""
    images = images.detach().requires_grad_()
    with double_backward():
        logits = _scores(model, images, labels)
        return logits, score_gradient(logits, images, labels)


def _scores(model, images, labels):
    """The network's output (image, class), with a score for every label."""
    try:
        scores = model(images)
    except RuntimeError as error:
        require_one_type(model, images, error)
        raise
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
