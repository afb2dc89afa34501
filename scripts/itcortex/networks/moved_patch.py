"""Whether a layer's map is a map of the image: where a patch of the image changes, it must change too.

Shapes alone cannot tell. An attention matrix has two axes of one length like a map, what mixes tokens
has the channels where positions are looked for, and tokens may be sorted by windows. So an image is
shown, and again with a patch changed in one of its upper quarters and in the other: a layer's map must
change most in the same quarter, which no turned or mirrored reading does in both. Where that is not
plain, because a layer sees nearly all of the image or a narrow network without trained weights answers
weakly, it is asked of the mean over more images, with a patch in each of the four quarters.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layer_choice import INTERMEDIATE
from itcortex.networks.layers import Layer, as_maps, first_tensor

_QUARTERS = ((0, 0), (0, 1), (1, 0), (1, 1))  # upper or lower, left or right
_FIRST = 2  # quarters that a first look changes: a network's own pass over an image costs most
_PLAIN = 1.25  # how much more than any other quarter the changed one must change at a first look
_WEAK = 0.05  # share of other noise outside a patch: an image's company differs from it everywhere
_CELLS = 32  # cells of the image's noise along a side
_MORE = (range(1, 5), range(5, 17))  # further images, by their seeds
#: Positions a side. In a smaller map every position of a 3 x 3 convolution may see all of the image.
_SMALLEST = 4
#: Share of a layer's change that depends on the place, below which nothing can be told.
_ALIKE = 1e-4


def patched_images(
    input_size: tuple[int, int, int], seed: int = 0, quarters: int = len(_QUARTERS)
) -> torch.Tensor:
    """Images float32 (1 + quarters, channel, row, column): noise, which stands second, between others.

    These differ from it by a patch in the middle of a quarter, which has a fourth of the image's sides.
    It is negated and three times as strong, so that the largest and smallest values of the batch are not
    the noise's own; outside it other noise is added, a twentieth as strong.
    """
    channels, height, width = input_size
    generator = torch.Generator().manual_seed(seed)
    cells = torch.randn(2, channels, _CELLS, _CELLS, generator=generator)
    image, other = nn.functional.interpolate(cells, (height, width))
    images = []
    for lower, right in _QUARTERS[:quarters]:
        top, left = (1 + 4 * lower) * height // 8, (1 + 4 * right) * width // 8
        place = slice(top, top + max(1, height // 4)), slice(left, left + max(1, width // 4))
        changed = image + _WEAK * other
        changed[:, *place] = -3 * image[:, *place]
        images.append(changed)
    return torch.stack([images[0], image, *images[1:]])


def first_images(input_size: tuple[int, int, int]) -> torch.Tensor:
    """Three images: those of `patched_images` whose patch is in one of the upper quarters.

    No turned or mirrored reading has the change of both in the same quarters.
    """
    return patched_images(input_size, quarters=_FIRST)


def wake(model: nn.Module) -> None:
    """Give weights that begin at zero, such as a block's last gain, other values: they would hide it.

    Gains become 1, matrices normal with variance 1 / inputs. Biases stay: they hide nothing.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bias" in name.rpartition(".")[2] or parameter.any():
                continue
            if parameter.ndim < 2:
                parameter.fill_(1)
            else:
                inputs = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / inputs**0.5)


@contextmanager
def changes(model: nn.Module, layers: Iterable[Layer]) -> Iterator[dict[str, list[np.ndarray]]]:
    """A dict to which each pass over `patched_images` adds every layer's change (patch, quarter). A pass
    over one or two images adds nothing.

    A change is the mean, over positions of a quarter, of the squared length of what differs from the
    unchanged image, less its mean over positions (what changes everywhere alike is no place), as a
    share of the whole change. A pass that changes nothing adds nothing. Layers of less than 4 x 4
    positions are left out.
    """
    found: dict[str, list[np.ndarray]] = {}

    def keep(layer: Layer):
        def hook(_module, _arguments, output):
            tensor = first_tensor(output)
            if tensor is not None and len(tensor) > 2:
                maps = as_maps(tensor.detach().float().cpu().numpy(), layer)
                found[layer.name] += _by_quarter(np.delete(maps, 1, axis=0) - maps[1])

        return hook

    with ExitStack() as hooks:
        for layer in layers:
            large = min(layer.height, layer.width) >= _SMALLEST
            if large and not layer.name.startswith(INTERMEDIATE):
                found[layer.name] = []
                module = model.get_submodule(layer.name)
                hooks.enter_context(module.register_forward_hook(keep(layer)))
        yield found


def _by_quarter(difference: np.ndarray) -> list[np.ndarray]:
    """Change (patch, quarter) by differences (patch, height, width, channel), less a middle row."""
    count, height, width, _ = difference.shape
    whole = float(np.square(difference).sum()) / (count * height * width)
    if not 0 < whole < np.inf:
        return []
    difference = difference - difference.mean((1, 2), keepdims=True)
    energy = np.einsum("phwc,phwc->phw", difference, difference) / whole
    down, across = [np.linspace(0.5 / n, 1 - 0.5 / n, n) for n in (height, width)]
    rows, columns = ([axis < 0.499, axis > 0.501] for axis in (down, across))
    quarters = [energy[:, rows[y]][:, :, columns[x]].mean((1, 2)) for y, x in _QUARTERS]
    return [np.stack(quarters, 1)]


def follows(passes: list[np.ndarray]) -> bool:
    """Whether changes (patch, quarter) are, for every patch, largest in the patch's quarter.

    In one pass alone they must be so by a quarter. Over several passes it is the mean logarithm that
    counts, less the means of patches and of quarters: one quarter may be more sensitive than the others,
    whatever changes. A layer that changes everywhere alike, as attention does without trained weights,
    contradicts nothing.
    """
    if not passes:
        return False
    if np.mean(passes) < _ALIKE:
        return True
    mean = np.log(np.array(passes) + 1e-9).mean(0)  # the summand: nothing may change in a quarter
    if len(passes) > 1:
        mean = mean - mean.mean(0) - mean.mean(1, keepdims=True)
    own = np.eye(*mean.shape, dtype=bool)
    others = np.where(own, -np.inf, mean).max(1)
    return bool((mean[own] > others + (np.log(_PLAIN) if len(passes) == 1 else 0)).all())


def require_places(
    model: nn.Module,
    input_size: tuple[int, int, int],
    layers: Iterable[Layer],
    found: dict[str, list[np.ndarray]],
) -> None:
    """Raise `UserError` for a layer whose change does not follow the patch, over more images either.

    `found` is what `changes` found in a first pass over `first_images(input_size)`.
    """
    doubtful = [la for la in layers if la.name in found and not follows(found[la.name])]
    weight = next(model.parameters(), torch.zeros(()))
    found = {layer.name: [] for layer in doubtful}  # with all four patches from here on
    for seeds in _MORE if doubtful else ():
        with changes(model, doubtful) as more, torch.no_grad():
            for seed in seeds:
                model(patched_images(input_size, seed).to(weight))
        for name, passes in more.items():
            found[name] += passes
        doubtful = [layer for layer in doubtful if not follows(found[layer.name])]
    for layer in doubtful:
        raise UserError(
            f"layers: {layer.name!r} of {type(model).__name__}: read as {layer.height} x "
            f"{layer.width} positions of {layer.channels} channels, it does not change where a patch "
            "of the image does: its axes cannot be told; name another layer in the column `layers`, "
            "such as the block that it belongs to"
        )
