"""Occlusion maps of a network: how far a class's logit falls when a part of the image is covered.

A gradient says what an infinitely small change would do, and vanishes where a feature is saturated.
Covering says what a whole part of the image does (Zeiler & Fergus, ECCV 2014): a network whose gradient
points at an object may still read something else, and covering the object shows that.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from itcortex.attention.saliency import network_input
from itcortex.data.photographs import MAP_SIDE, Photographs
from itcortex.networks.preprocessing import Preprocessing
from itcortex.running.progress import bar

#: Colour of the square that covers, as a share of white.
GREY = 0.5


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


def covering_maps(
    model: nn.Module,
    preprocessing: Preprocessing,
    photographs: Photographs,
    classes: Sequence[int],
    positions: int,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> Iterator[np.ndarray]:
    """Occlusion map float32 (224, 224) of every photograph, in order.

    A grey square lies at `positions` x `positions` places of the photograph, and is as large as makes
    neighbours overlap by half. The logit is that of `classes` (photograph,), the class that the
    photograph's saliency is of. Maps of networks with another input than 224 pixels are resized
    (bilinear). A network sees positions^2 + 1 images for every photograph.
    """
    model = model.to(device)
    mean, std = (torch.tensor(v) for v in (preprocessing.mean, preprocessing.std))
    fill = ((GREY - mean) / std).to(device)
    for start in range(0, len(photographs.image_ids), batch_size):
        part = slice(start, start + batch_size)
        batch = network_input(photographs, part, preprocessing).to(device)
        labels = torch.tensor(classes[part], device=device)
        patch, stride = square(min(batch.shape[2:]), positions)
        maps = occlusion(model, batch, labels, patch, stride, fill, batch_size)
        if maps.shape[1:] != (MAP_SIDE, MAP_SIDE):
            size = (MAP_SIDE, MAP_SIDE)
            maps = functional.interpolate(maps[:, None], size, mode="bilinear")[:, 0]
        yield from maps.cpu().numpy()


def square(side: int, positions: int) -> tuple[int, int]:
    """Side and stride (pixels) of a square that stands at `positions` places along `side` pixels.

    Its side is twice its stride, and as much more as is left over. Raises ValueError for more places
    than there are pixels for.
    """
    stride = side // (positions + 1)
    if positions < 1 or stride < 1:
        raise ValueError(f"a square cannot stand at {positions} places along {side} pixels")
    return side - (positions - 1) * stride, stride


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
