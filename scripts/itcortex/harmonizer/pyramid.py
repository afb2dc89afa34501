"""Comparing saliency maps with human maps: standardised, cut at zero, and at several scales.

These steps of the neural harmonizer equal the published code (Fel et al., NeurIPS 2022;
serre-lab/Harmonization, loss.py and pyramid.py). All maps are float (image, row, column).
"""

import torch
from torch.nn import functional

from itcortex.errors import UserError, nearest
from itcortex.harmonizer.choices import EPSILONS

#: What is added to the standard deviation before dividing by it, and to both maxima.
STD_EPSILON, MAXIMUM_EPSILON = 1e-5, 1e-6
_BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)


def standardize_cut(maps: torch.Tensor, epsilon: str = "reference") -> torch.Tensor:
    """max(0, (map - mean) / (std + epsilon)) per image: where a map is above its own average.

    The std is divided by the number of pixels, not by one less. `epsilon` 'reference' is 1e-5, next to
    which much smaller gradients vanish (some networks start at 1e-9). 'relative' is 1e-5 * std, so that
    the scale of a map does not matter. A constant map gives zeros and zero gradients; the published
    code gives NaN gradients. A map with values that are not finite gives NaN.
    """
    if epsilon not in EPSILONS:
        raise UserError(f"epsilon: {epsilon!r} is unknown; {nearest(epsilon, list(EPSILONS))}")
    lowest, highest = (f(maps.detach(), (1, 2), keepdim=True) for f in (torch.amin, torch.amax))
    varies = highest != lowest  # true of NaN, which must not pass for a constant map
    if epsilon == "relative":  # squares of small values must not underflow; the scale cancels below
        maps = maps / torch.where(varies, torch.maximum(highest, -lowest), 1)
    centred = maps - maps.mean((1, 2), keepdim=True)
    variance = centred.square().mean((1, 2), keepdim=True)
    varies = varies & (variance != 0)
    std = torch.where(varies, variance, 1).sqrt()
    added = STD_EPSILON * std if epsilon == "relative" else STD_EPSILON
    return torch.where(varies, functional.relu(centred / (std + added)), 0)


def match_maximum(human_maps: torch.Tensor, saliency_maps: torch.Tensor) -> torch.Tensor:
    """Human maps scaled per image to the maximum of the saliency maps, both standardised.

    No gradient flows through the maxima: otherwise a network could lower the loss by flattening its own
    peak.
    """
    human, model = (m.detach().amax((1, 2), keepdim=True) for m in (human_maps, saliency_maps))
    return human_maps / (human + MAXIMUM_EPSILON) * (model + MAXIMUM_EPSILON)


def pyramid(maps: torch.Tensor, levels: int = 5) -> list[torch.Tensor]:
    """Gaussian pyramid: the maps themselves and `levels` - 1 halvings, each ceil(size / 2).

    The kernel is binomial (1-4-6-4-1), the stride 2, and outside the map are zeros. As with 'SAME' in
    TensorFlow, an even size is padded by 1 before and 2 after, an odd size by 2 on both sides.
    """
    kernel = maps.new_tensor(_BINOMIAL)
    kernel = (kernel.outer(kernel) / kernel.sum().square())[None, None]
    out = [maps]
    for _ in range(levels - 1):
        height, width = out[-1].shape[1:]
        padding = [n for size in (width, height) for n in ((1, 2) if size % 2 == 0 else (2, 2))]
        padded = functional.pad(out[-1], padding)
        out.append(functional.conv2d(padded[:, None], kernel, stride=2)[:, 0])
    return out


def pyramidal_mse(
    a: torch.Tensor, b: torch.Tensor, tokens: torch.Tensor, levels: int = 5
) -> torch.Tensor:
    """Mean over levels and images of the squared difference of two sets of maps, times the tokens.

    `tokens` (image,): 1 for an image with a human map, 0 without. The mean runs over all images,
    including those without a map, as in the published code. The pyramid is linear, so that the pyramid
    of the difference is enough.
    """
    errors = [level.square().mean((1, 2)) for level in pyramid(a - b, levels)]
    return (torch.stack(errors).mean(0) * tokens).mean()
