"""A file of small networks as a user writes them, good ones and bad ones, and rows for them."""

import json
from pathlib import Path

CODE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.b = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16, classes)

    def forward(self, images):
        return self.head(self.b(self.a(images).relu()).relu().mean((2, 3)))


def good(classes=1000):
    return Net(classes)


def values():
    if torch.ones(3).sum().item() != 3:  # needs values: cannot run on the meta device
        raise ValueError("not three")
    return Net(1000)


def raises():
    raise RuntimeError("no luck today")


def lacks():
    import cornet

    return cornet.cornet_s.CORnet_S()


def picky():
    return nn.Conv2d(5, 4, 1)
"""
PREPROCESSING = {
    "input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear",
}  # fmt: skip


def write(folder: Path) -> None:
    """Write the file nets.py."""
    (folder / "nets.py").write_text(CODE)


def row(model: str, builder: str = "good", **cells) -> dict:
    """A row of a model table, as `read_models` gives it, with what a check adds."""
    builder = builder if ":" in builder else f"nets.py:{builder}"
    texts = dict.fromkeys(
        ("layers", "arguments", "sha256", "state_dict", "match_by", "baseline", "top1_source"), ""
    )
    return texts | {
        "model": model, "weights": "w", "where": f"models.csv: {model}", "architecture": model,
        "source": "untrained:0", "category": "own", "builder": builder,
        "preprocessing": json.dumps(PREPROCESSING), "top1": float("nan"), "measured": False,
        "params_m": 0.018, "input_size": 32.0, "fetched": f"results/weights/{model}/w.safetensors",
        "data_file": None,
    } | cells  # fmt: skip
