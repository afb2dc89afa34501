"""What a classifier sees in photographs: its likeliest classes."""

import numpy as np
import torch
from torch import nn

from itcortex.networks.preprocessing import Preprocessing


def likeliest_classes(
    model: nn.Module, preprocessing: Preprocessing, images: np.ndarray, count: int = 5
) -> np.ndarray:
    """Numbers of the likeliest classes int (image, count), the likeliest first.

    `images` are uint8 (image, row, column, rgb), and are shown whole, as for activations.
    """
    with torch.inference_mode():
        scores = model.eval()(preprocessing(images))
    return scores.topk(count, dim=1).indices.numpy()
