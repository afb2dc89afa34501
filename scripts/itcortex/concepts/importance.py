"""How much each concept matters to what a network answers: total Sobol indices (CRAFT).

Masks m from [0, 1]^K turn the K concepts of an image down. With a the layer's maps, u (position,
concept) what is in them of each concept and W the concepts' activations, the network is shown the maps

    a - ((1 - m) u) W

and y(m) is its score of the class that it gives the whole image. The total Sobol index of concept k,

    S_k = E[var(y | m_~k)] / var(y)

is the share of the variance of y over masks that goes when all masks but that of k are known: what k
does alone and together with others. It is estimated with Jansen's formula on Saltelli's design, by
`scipy.stats.sobol_indices`. Every image has masks of its own: a few masks may err by half an index and
more, in the same way for all images that they are shown with, so that no mean over images takes it off.
Where CRAFT shows the network (m u) W alone, what concepts do not rebuild (activations below zero among
it) stays here: with all masks at 1 the network gives its own answer.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.stats import sobol_indices, uniform
from torch import nn

from itcortex.concepts.factorization import take_apart
from itcortex.errors import UserError
from itcortex.networks.layers import Layer
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.replaced import ReplacedLayer
from itcortex.running import progress


def total_indices(
    model: nn.Module,
    preprocessing: Preprocessing,
    images: Sequence[np.ndarray],
    layer: Layer,
    basis: np.ndarray,
    masks: int,
    batch_size: int,
    seed: int,
    device: torch.device | str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Total Sobol indices float64 (image, concept), and the class int (image,) that they are about.

    `images` are uint8 (image, row, column, rgb), `basis` (concept, channel), `masks` a power of two: a
    network runs `masks` (K + 2) times for an image. An image whose answer no concept changes has zeros.
    `seed` and the number of an image draw its masks. Raises `UserError`, with the layer and the image's
    place, for scores that are not finite.
    """
    place = torch.device(device)
    model = model.to(place, memory_format=torch.channels_last).eval()
    replaced = ReplacedLayer(model, layer)
    found, classes = np.zeros((len(images), len(basis))), np.zeros(len(images), int)
    for index in progress.bar(range(len(images)), "importance", unit="image"):
        shown = preprocessing([np.asarray(images[index])])
        shown = shown.to(place, memory_format=torch.channels_last)
        maps, scores = replaced.look(shown)
        answer = classes[index] = int(scores.argmax())
        parts = torch.from_numpy(take_apart(maps.cpu().numpy(), basis)).to(maps)
        rows = torch.from_numpy(basis).to(maps)

        def score(design, shown=shown, maps=maps, parts=parts, rows=rows, answer=answer):
            """Scores (1, mask) of the image's class, of masks (concept, mask)."""
            off = 1 - torch.from_numpy(np.ascontiguousarray(design.T)).to(maps)
            values = [
                replaced.scores(shown, maps - (some[:, None, None] * parts) @ rows)[:, answer]
                for some in off.split(batch_size)
            ]
            return torch.cat(values).double().cpu().numpy()[None]

        where = f"layer {layer.name!r}, image {index + 1} of {len(images)}"
        found[index] = sobol_of(score, len(basis), masks, [seed, index], where)
    return found, classes


def sobol_of(
    score: Callable[[np.ndarray], np.ndarray],
    number: int,
    masks: int,
    seed: int | Sequence[int],
    where: str = "importance",
) -> np.ndarray:
    """Total Sobol indices (concept,) of `score`: masks (concept, mask) -> scores (1, mask).

    Zeros for a score that does not vary. An index is at most 1, but its estimate, a mean square over a
    variance, may exceed 1 where masks are few; it is left so, as a cut would bias means over images.
    Raises `UserError`, which begins with `where`, for scores that are not finite.
    """

    def finite(design):
        """The scores, if they are numbers: of others SciPy makes an index of 0."""
        scores = np.asarray(score(design))
        bad = np.count_nonzero(~np.isfinite(scores))
        if bad:
            raise UserError(
                f"{where}: {bad} of {scores.size} class scores with concepts turned down are not finite"
                "; check the network's weights (did its training diverge?), or take it out of "
                "`concepts: models`"
            )
        return scores

    rng = np.random.default_rng(seed)
    found = sobol_indices(func=finite, n=masks, dists=[uniform()] * number, random_state=rng)
    return np.reshape(found.total_order, number)
