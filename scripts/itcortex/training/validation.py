"""How good a network is during training: accuracy, and agreement of its saliency with human maps."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from itcortex.attention.saliency import saliency
from itcortex.networks.preprocessing import Preprocessing
from itcortex.numerics.ranks import correlate_ranks, unit_ranks
from itcortex.numerics.sampling import spread
from itcortex.training.batches import Batch, Judged, load_batches
from itcortex.training.distributed import Group
from itcortex.training.images.samples import Samples
from itcortex.training.interruption import Stop
from itcortex.training.own_labels import OwnLabels, divergence

_BATCH = 64


def judge(
    model: nn.Module,
    samples: Samples,
    preprocessing: Preprocessing,
    crop: float,
    alignment_images: int,
    group: Group,
    workers: int,
    stop: Stop,
    own: OwnLabels | None = None,
) -> dict | None:
    """Cross-entropy, accuracy and alignment on `samples`; None if the training was asked to stop.

    With `own` labels the cross-entropy is with the predictions before training, the saliency is that of
    the class that was ranked first then, and in place of the accuracy there are `validation_agreement`,
    the share of images whose first class is still that one, and `validation_divergence`, the mean
    Kullback-Leibler divergence (nats) of the predictions from those before.

    Alignment is the mean Spearman correlation, over pixels, of the largest absolute gradient over
    colour with the human map (as the published evaluation), at the network's input size, of at most
    `alignment_images` images evenly spread over those with a map. Images whose saliency or human map is
    constant have no correlation: they are counted in `n_undefined` and left out of the mean. The
    processes of `group` share the images.
    """
    count = len(samples.labels)
    if not count:
        return {}
    aligned = set(aligned_images(samples.mapped, alignment_images))
    size = _BATCH * group.size
    starts = range(0, count, size)
    keys = [list(range(s + group.rank, min(s + size, count), group.size)) for s in starts]
    batches = load_batches(
        Judged(samples, crop, preprocessing), [k for k in keys if k], workers, group.device
    )
    model.eval()
    sums = torch.zeros(6, dtype=torch.float64)
    for chosen in keys:
        if group.any(stop.requested):
            return None
        if chosen:
            sums += _judged(model, next(batches), chosen, aligned, preprocessing, group, own)
    kind = torch.float32 if group.device.type == "mps" else torch.float64
    return _summary(group.total(sums.to(group.device, kind)).tolist(), count, own is not None)


def aligned_images(mapped: np.ndarray, wanted: int) -> list[int]:
    """Indices of the images that alignment is measured on: at most `wanted`, evenly spread over those
    with a map (`mapped`, bool (image,)).
    """
    found = np.flatnonzero(mapped)
    return found[spread(len(found), wanted)].tolist() if len(found) else []


def _summary(sums: list[float], count: int, own: bool) -> dict:
    """Columns of the history from the sums that `_judged` returns."""
    entropy, correct, rho, defined, asked, moved = sums
    same = {"validation_agreement": correct / count, "validation_divergence": moved / count}
    return {
        "validation_cross_entropy": entropy / count,
        **(same if own else {"validation_accuracy": correct / count}),
        "validation_alignment": rho / defined if defined else float("nan"),
        "n_validation": count,
        "n_aligned": int(asked),
        "n_undefined": int(asked - defined),
    }


def _judged(
    model: nn.Module,
    batch: Batch,
    indices: list[int],
    aligned: set[int],
    preprocessing: Preprocessing,
    group: Group,
    own: OwnLabels | None,
) -> torch.Tensor:
    """Sums over a batch: cross-entropy, right answers, rho, maps with a rho, maps asked, divergence."""
    images = batch.inputs(preprocessing, group.device, channels_last=False)
    labels, targets = own(images) if own else (batch.labels, None)
    labels = labels.to(group.device)
    with torch.no_grad():
        logits = model(images).float()
    wanted = labels if targets is None else targets
    entropy = functional.cross_entropy(logits, wanted, reduction="sum")
    moved = 0.0 if targets is None else float(divergence(targets, logits).sum())
    correct = (logits.argmax(1) == labels).sum()
    rows = [row for row, index in enumerate(indices) if index in aligned]
    scores = np.zeros(0)
    if rows:
        maps, _ = saliency(model, images[rows], labels[rows])
        pairs = zip(maps.cpu().numpy(), batch.maps[rows].numpy(), strict=True)
        scores = np.array(
            [correlate_ranks(unit_ranks(found), unit_ranks(human)) for found, human in pairs]
        )
    defined = scores[np.isfinite(scores)]
    found = [float(entropy), float(correct), defined.sum(), len(defined), len(rows), moved]
    return torch.tensor(found, dtype=torch.float64)
