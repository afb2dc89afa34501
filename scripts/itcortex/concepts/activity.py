"""How a layer answers to crops: its positive activations, averaged over each crop."""

import numpy as np
import torch
from torch import nn

from itcortex.concepts.crops import Crops
from itcortex.networks.activations import extract
from itcortex.networks.layers import Layer
from itcortex.networks.preprocessing import Preprocessing


def crop_activations(
    model: nn.Module,
    preprocessing: Preprocessing,
    crops: Crops,
    layer: Layer,
    batch_size: int | str,
    device: torch.device | str = "cpu",
    threads: int = 1,
) -> tuple[np.ndarray, float]:
    """Activations float32 (crop, channel) of a layer, and how much of the layer they are.

    Every crop is resized to the network's input and shown alone, as in CRAFT. What is below zero is set
    to zero, which changes nothing after a ReLU, and the rest is averaged over the layer's positions. The
    second value is the share of the sum of absolute activations that is above zero: 1 after a ReLU.
    """
    found = np.empty((len(crops), layer.channels), np.float32)
    above, whole = 0.0, 0.0
    batches = extract(
        model, preprocessing, crops, [layer], batch_size, device, threads=threads
    )  # fmt: skip
    for start, maps in batches:
        values = maps[layer.name]
        positive = np.maximum(values, 0)
        found[start : start + len(values)] = positive.mean((1, 2))
        above += float(positive.sum(dtype=np.float64))
        whole += float(np.abs(values).sum(dtype=np.float64))
    return found, above / whole if whole else np.nan
