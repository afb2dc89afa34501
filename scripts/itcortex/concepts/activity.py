"""How a layer answers to crops: its positive activations, averaged over each crop."""

import math

import numpy as np
import torch
from torch import nn

from itcortex.concepts.crops import Crops
from itcortex.networks.batches import prepared_batches
from itcortex.networks.layers import Layer
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.replaced import maps_up_to
from itcortex.running import progress


def crop_activations(
    model: nn.Module,
    preprocessing: Preprocessing,
    crops: Crops,
    layer: Layer,
    batch_size: int,
    device: torch.device | str = "cpu",
    threads: int = 1,
) -> tuple[np.ndarray, float]:
    """Activations float32 (crop, channel) of a layer, and how much of the layer they are.

    Every crop is resized to the network's input and shown alone, as in CRAFT. What is below zero is set
    to zero, which changes nothing after a ReLU, and the rest is averaged over the layer's positions. The
    second value is the share of the sum of absolute activations that is above zero: 1 after a ReLU.
    """
    place = torch.device(device)
    model = model.to(place, memory_format=torch.channels_last).eval()
    found = np.empty((len(crops), layer.channels), np.float32)
    above, whole = 0.0, 0.0
    batches = prepared_batches(preprocessing, crops, batch_size, place, threads)
    count = math.ceil(len(crops) / batch_size)
    for start, batch in progress.bar(batches, "crops", total=count, unit="batch"):
        maps = maps_up_to(model, layer, batch)
        positive = maps.clamp(min=0)
        found[start : start + len(maps)] = positive.mean((1, 2)).cpu().numpy()
        above += float(positive.sum(dtype=torch.float64))
        whole += float(maps.abs().sum(dtype=torch.float64))
    return found, above / whole if whole else np.nan
