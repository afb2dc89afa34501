"""Occlusion maps of a network: how far a class's logit falls when a part of the image is covered.

A gradient says what an infinitely small change would do, and vanishes where a feature is saturated.
Covering says what a whole part of the image does (Zeiler & Fergus, ECCV 2014): a network whose gradient
points at an object may still read something else, and covering the object shows that.
"""

import torch
from torch import nn

from itcortex.running.progress import bar


def occlusion(
    model: nn.Module,
    batch: torch.Tensor,
    labels: torch.Tensor,
    patch: int,
    stride: int,
    fill: torch.Tensor,
    batch_size: int = 512,
) -> torch.Tensor:
    """Occlusion maps float32 (image, row, column): mean drop of a class's logit over all covers.

    A square of `patch` pixels with the colour `fill` (channel,), in the network's input units, is
    laid over every `stride`-th place, and flush with the last row and column. A pixel's value is
    the mean, over all squares that cover it, of logit without cover - logit with cover, of the
    class `labels` (image,). The network is put into eval mode and sees `batch_size` images at a time.

    Raises ValueError for a patch larger than the image or a stride that leaves pixels uncovered.
    """
    height, width = batch.shape[2:]
    if not 0 < patch <= min(height, width) or not 0 < stride <= patch:
        raise ValueError(
            f"a patch of {patch} every {stride} pixels cannot cover {height} x {width}"
        )
    covers = _covers(height, width, patch, stride).to(batch.device)
    pairs = [(i, c) for i in range(len(batch)) for c in range(-1, len(covers))]  # -1: no cover
    none = torch.zeros_like(covers[:1])
    masks = torch.cat([covers, none])
    found = []
    model.eval()
    with torch.no_grad():
        for start in bar(range(0, len(pairs), batch_size), "occlusion", unit="batch"):
            image, cover = torch.tensor(pairs[start : start + batch_size]).T.to(batch.device)
            shown = torch.where(masks[cover][:, None], fill.view(1, -1, 1, 1), batch[image])
            logits = model(shown).float()
            found.append(logits.gather(1, labels[image][:, None])[:, 0])
    logit = torch.cat(found).view(len(batch), -1)
    drop = logit[:, :1] - logit[:, 1:]
    weights = covers.flatten(1).float()
    return ((drop @ weights) / weights.sum(0)).view(-1, height, width)


def _covers(height: int, width: int, patch: int, stride: int) -> torch.Tensor:
    """Masks (cover, row, column), true where a square lies."""
    rows, columns = (_starts(side, patch, stride) for side in (height, width))
    covers = torch.zeros(len(rows) * len(columns), height, width, dtype=torch.bool)
    for index, (row, column) in enumerate((r, c) for r in rows for c in columns):
        covers[index, row : row + patch, column : column + patch] = True
    return covers


def _starts(side: int, patch: int, stride: int) -> list[int]:
    last = side - patch
    return [*range(0, last, stride), last]
