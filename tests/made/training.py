"""Small networks and images to train them on, made by code."""

import io
import os
import signal

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from itcortex.training.images.samples import Arrays

SIDE, CLASSES = 16, 3
PREPROCESSING = {
    "input_size": [3, SIDE, SIDE],
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "interpolation": "bilinear",
}


def small_net(norm: str = "batch", dropout: float = 0.2) -> nn.Module:
    """Two convolutions and a classifier; `norm` batch or group."""
    norms = {"batch": nn.BatchNorm2d, "group": lambda n: nn.GroupNorm(2, n)}[norm]
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), norms(8), nn.SiLU(), nn.Conv2d(8, 12, 3, 2, 1), norms(12),
        nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout),
        nn.Linear(12, CLASSES),
    )  # fmt: skip


def network(**arguments) -> dict:
    """The small net as a row of the model table would have it."""
    return {
        "architecture": "small_net",
        "builder": f"{__file__}:small_net",
        "arguments": arguments,
        "preprocessing": PREPROCESSING,
    }


def blobs(count: int, seed: int = 0, side: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey noise with a blob whose colour is the class (uint8), labels, and maps of the blob."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=count)
    rows, columns = np.mgrid[:side, :side]
    centres = rng.uniform(0.3, 0.7, size=(count, 2, 1, 1)) * side
    distance = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2
    maps = np.exp(-distance / (2 * (side / 8) ** 2))
    images = rng.normal(110, 12, size=(count, side, side, 3))
    images += 120 * maps[..., None] * np.eye(3)[labels][:, None, None]
    return np.clip(images, 0, 255).astype(np.uint8), labels, maps.astype(np.float32)


def arrays(count: int, seed: int = 0, mapped: bool = True) -> Arrays:
    """The same as samples."""
    images, labels, maps = blobs(count, seed)
    return Arrays(images, labels, maps if mapped else None, name=f"blob{seed}")


class Interrupted:
    """Samples that send a SIGTERM to this process when the n-th of them is read."""

    def __init__(self, samples, reads):
        self.samples, self.reads = samples, reads
        self.labels, self.mapped, self.digest = samples.labels, samples.mapped, samples.digest
        self.version, self.contents = samples.version, samples.contents

    def read(self, index):
        """One sample, and maybe the signal."""
        self.reads -= 1
        if self.reads == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.samples.read(index)


def shard(path, count: int, seed: int = 0, mapped: bool = True) -> str:
    """The same as a Parquet shard of PNG files; its path as text."""
    images, labels, maps = blobs(count, seed)
    table = pd.DataFrame({"image": [png(image) for image in images], "label": labels})
    if mapped:
        table["map"] = [png((255 * one).astype(np.uint8)) for one in maps]
    table.to_parquet(path)
    return str(path)


def png(pixels: np.ndarray) -> bytes:
    """Content of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """True if two state dicts are equal bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
