"""Photographs with an object and a shortcut, and a network of one feature that starts with both alike.

The object is a red square, the shortcut a blue one, each as strong as chance wants it, both brighter
than grey in one class and darker in the other. Sites read the object alone. The one feature of the
network is a weighted sum of both, so that what it predicts of the sites says how much is the object.
"""

import numpy as np
import torch
from torch import nn

from itcortex.networks.network import Network
from itcortex.training.images.samples import Arrays

SIDE, CELL = 32, 8
_CELLS = (SIDE // CELL) ** 2
#: Rows and columns at which object and shortcut begin where they are `near` one place, and how far off.
_PLACES, _OFF = ((8, 8), (22, 22)), 2


class Bend(nn.Module):
    """x |x|: odd, and without a gradient where an image is grey."""

    def forward(self, values):
        """Of every value."""
        return values * values.abs()


class OneFeature(nn.Module):
    """Two classes from one feature: a sum of colours, bent, averaged over the image."""

    num_classes = 2

    def __init__(self):
        super().__init__()
        self.read, self.bend = nn.Conv2d(3, 1, 1, bias=False), Bend()
        self.head = nn.Linear(1, 2)
        with torch.no_grad():
            self.read.weight.copy_(torch.tensor([1.0, 0.0, 1.0]).view(1, 3, 1, 1))
            self.head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
            self.head.bias.zero_()

    def features(self, images):
        """(image, 1)."""
        return self.bend(self.read(images)).mean((2, 3))

    def forward(self, images):
        """Logits (image, class)."""
        return self.head(self.features(images))


def network() -> Network:
    """It as a row of the model table would have it."""
    preprocessing = {"input_size": [3, SIDE, SIDE], "mean": [0.5] * 3, "std": [0.25] * 3,
                     "interpolation": "bilinear"}  # fmt: skip
    return Network("one_feature", f"{__file__}:OneFeature", {}, preprocessing)


def scenes(count: int, near: bool, rng: np.random.Generator) -> tuple[Arrays, np.ndarray]:
    """Images with maps of their objects, and what the sites read of each: how strong its object is.

    Objects and shortcuts stand anywhere or, where `near`, each within 2 pixels of its own place: the map
    of another image then marks most of the object (two thirds of it, on average) and no shortcut.
    """
    sign = rng.choice([-1, 1], count)
    strengths = sign[:, None] * rng.uniform(0.3, 1, (count, 2))
    pixels = np.full((count, SIDE, SIDE, 3), 127.5)
    maps = np.zeros((count, SIDE, SIDE), np.float32)
    for image, strength in enumerate(strengths):
        cells = divmod(rng.choice(_CELLS, 2, replace=False), SIDE // CELL)
        corners = (
            _PLACES + rng.integers(-_OFF, _OFF + 1, (2, 2)) if near else CELL * np.transpose(cells)
        )
        for (row, column), colour, value in zip(corners, (0, 2), strength, strict=True):
            part = np.s_[image, row : row + CELL, column : column + CELL]
            pixels[(*part, colour)] += 110 * value
            maps[part] += 255 * (colour == 0)
    samples = Arrays(np.clip(pixels, 0, 255).astype(np.uint8), (sign > 0).astype(int), maps)
    return samples, strengths[:, 0] * np.abs(strengths[:, 0])
