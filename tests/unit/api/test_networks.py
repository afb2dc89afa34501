"""A network that is asked for its features from Python goes on as it was."""

import numpy as np
import pytest
import torch
from torch import nn

import itcortex

pytestmark = pytest.mark.network

HOW = {
    "input_size": [3, 16, 16], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear"
}  # fmt: skip


@pytest.mark.parametrize("layers", [["2"], ["none"]])
def test_a_network_in_training_stays_in_training_and_is_read_in_evaluation(rng, layers):
    """A part that is frozen in evaluation stays so; also after an error."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    net[1].eval()
    images = rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    if layers == ["none"]:
        with pytest.raises(itcortex.UserError, match="has no layer 'none'"):
            itcortex.extract_features(net, images, layers=layers, preprocessing=HOW)
    else:
        found = itcortex.extract_features(net, images, layers=layers, preprocessing=HOW)["2"]
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            expected = net[1](net[0]((pixels - 0.5) / 0.5)).permute(0, 2, 3, 1)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert [one.training for one in (net, net[0], net[1], net[2])] == [True, True, False, True]
