"""Photographs that are made of known parts, and a network whose layer answers to these parts alone."""

from pathlib import Path

import numpy as np

from itcortex.networks.network import Network

#: Activations of the layer's channels to a pixel of pure red, green and blue.
PARTS = np.array(
    [
        [2.0, 1.0, 0.0, 0.0, 0.5, 0.0],
        [0.0, 0.0, 1.5, 1.0, 0.0, 0.5],
        [0.0, 0.0, 0.0, 0.0, 1.0, 2.0],
    ]
)
#: Weights of the head (class, channel), which reads means over positions.
HEAD = np.array([[1.0, 0.5, 0.2, 0.0, 0.0, 0.1], [0.0, 0.1, 1.0, 1.0, 0.3, 0.0],
                 [0.2, 0.0, 0.0, 0.1, 1.0, 1.0]])  # fmt: skip
SIDE = 16
_CODE = f"""
import torch
from torch import nn


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(3, 6, 1, bias=False)
        self.act = nn.ReLU()
        self.head = nn.Linear(6, 3, bias=False)
        with torch.no_grad():
            self.filters.weight[:] = torch.tensor({PARTS.T.tolist()})[:, :, None, None]
            self.head.weight[:] = torch.tensor({HEAD.tolist()})

    def forward(self, images):
        return self.head(self.act(self.filters(images)).mean((2, 3)))


def build():
    return Parts()
"""


def network(folder: Path) -> Network:
    """The network of `PARTS` and `HEAD`, from a file that is written into a folder."""
    path = folder / "parts.py"
    path.write_text(_CODE, encoding="utf-8")
    plain = {"input_size": [3, SIDE, SIDE], "mean": [0.0] * 3, "std": [1.0] * 3,
             "interpolation": "bilinear"}  # fmt: skip
    return Network("parts", f"{path}:build", {}, plain)


def photographs(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (image, row, column, rgb), and how much of each colour is in them (image, colour).

    Each half has one of the three colours, at a brightness of its own.
    """
    images = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    for image in images:
        for half in (image[:, : SIDE // 2], image[:, SIDE // 2 :]):
            half[..., rng.integers(3)] = rng.integers(60, 256)
    return images, images.mean((1, 2)) / 255


def matched(basis: np.ndarray) -> np.ndarray:
    """Which concept (index) is which part, by the cosine of their activations; each once."""
    parts = PARTS / np.linalg.norm(PARTS, axis=1, keepdims=True)
    found = (parts @ basis.T).argmax(1)
    assert sorted(found) == [0, 1, 2]
    return found
