"""The harmonizer's loss against the outputs of the authors' unmodified TensorFlow code.

The project asks for 1e-4 relative, parameter gradients and saliency maps included. Both sides compute
in float32; here "relative" is to the largest value of an array, as its small ones are differences of
large ones. Reached: gradients 2e-5, maps and losses 1e-6.
"""

import numpy as np
import pytest
import torch
from torch import nn

from itcortex.harmonizer.decay import decayed_parameters
from itcortex.harmonizer.double_backward import score_gradient
from itcortex.harmonizer.loss import harmonizer_loss, reduce_colour
from itcortex.harmonizer.pyramid import pyramid, pyramidal_mse, standardize_cut

pytestmark = [pytest.mark.shared, pytest.mark.network]

#: The factor with which the golden gradients were made; the default of both sides, 1e-5, hides there.
GOLDEN_DECAY = 0.01


def load(shared, name):
    """One golden case; float arrays as tensors."""
    found = dict(np.load(shared / "data" / "golden" / f"{name}.npz"))
    return {k: torch.from_numpy(v) if v.dtype.kind == "f" else v for k, v in found.items()}


def assert_close(found, expected, relative):
    """Largest difference, in units of the largest expected value."""
    difference = (found.detach() - expected).abs().max()
    assert float(difference) <= relative * float(expected.abs().max())


def test_standardize_cut(shared):
    """Also two maps of one value: zero maps and zero gradients, here as there."""
    golden = load(shared, "standardize_cut")
    maps = golden["x"].requires_grad_()
    cut = standardize_cut(maps)
    assert_close(cut, golden["y"], 1e-5)
    (gradient,) = torch.autograd.grad((cut * golden["w"]).sum(), maps)
    assert_close(gradient, golden["grad"], 1e-5)
    assert not cut[3:].any() and not gradient[3:].any()


@pytest.mark.parametrize("size", [224, 225, 97, 64])
def test_pyramid(shared, size):
    """Six levels, of even and odd sizes: the padding differs."""
    golden = load(shared, "pyramid")
    levels = pyramid(golden[f"x{size}"][..., 0], 6)
    assert len(levels) == 6
    for index, level in enumerate(levels):
        expected = golden[f"p{size}_{index}"][..., 0]
        assert level.shape == expected.shape
        assert_close(level, expected, 1e-6)


def test_pyramidal_mse(shared):
    golden = load(shared, "pyramidal_mse")
    predicted = golden["pred"].requires_grad_()
    loss = pyramidal_mse(predicted, golden["true"], golden["tokens"])
    assert float(loss.detach()) == pytest.approx(float(golden["loss"]), rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, predicted)
    assert_close(gradient, golden["grad_pred"], 1e-5)


class Reference(nn.Module):
    """The network of the golden cases: two 3 x 3 convolutions of stride 2, GELU, mean, linear map."""

    def __init__(self, golden):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 12, 3, 2)
        with_norm = "w:bn1_bn/gamma:0" in golden
        # TensorFlow's epsilon; no running averages: the reference trains, on the batch's own
        norm = {"eps": 1e-3, "track_running_stats": False}
        self.bn1 = nn.BatchNorm2d(8, **norm) if with_norm else nn.Identity()
        self.bn2 = nn.BatchNorm2d(12, **norm) if with_norm else nn.Identity()
        self.head = nn.Linear(12, 10)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(as_torch(golden, "w:", name))

    def forward(self, images):
        """Class scores (image, class)."""
        maps = nn.functional.gelu(self.bn1(self.conv1(images)))
        return self.head(nn.functional.gelu(self.bn2(self.conv2(maps))).mean((2, 3)))


def tensorflow_name(name):
    """What the reference calls this parameter."""
    layer, kind = name.split(".")
    weight = "gamma" if layer.startswith("bn") else "kernel"
    layer = f"{layer}_bn" if layer.startswith("bn") else layer
    bias = "beta" if layer.startswith("bn") else "bias"
    return f"{layer}/{weight if kind == 'weight' else bias}:0"


def as_torch(golden, prefix, name):
    """An array of the reference in the axes of torch: (out, in, row, column) and (out, in)."""
    value = golden[prefix + tensorflow_name(name)]
    return value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T if value.ndim == 2 else value


@pytest.fixture(params=["harmonizer_nobn", "harmonizer_gelu"])
def golden(shared, request):
    """Both cases: without batch norm, and with."""
    return load(shared, request.param)


def batch_of(golden):
    """Images, labels, human maps and tokens as the loss takes them."""
    images = golden["images"].permute(0, 3, 1, 2).contiguous()
    return images, golden["labels"].argmax(1), golden["maps"], golden["tokens"]


@pytest.mark.parametrize("strength", [0, 1, 10])
def test_loss_and_gradients(golden, strength):
    model = Reference(golden)
    parts = harmonizer_loss(model, *batch_of(golden), strength=strength, weight_decay=GOLDEN_DECAY)
    parts.backward()
    assert_close(parts.logits, golden["r:logits"], 1e-5)
    assert float(parts.cross_entropy) == pytest.approx(float(golden["r:cce"]), rel=1e-6)
    harmonization = float(golden["r:harm"]) if strength else 0
    assert float(parts.harmonization) == pytest.approx(harmonization, rel=1e-5)
    for name, parameter in model.named_parameters():
        expected = as_torch(golden, f"g{strength}:", name)
        if name in ("conv1.bias", "conv2.bias") and "w:bn1_bn/gamma:0" in golden:
            # batch norm takes a bias out: what both sides have is rounding and its decay, of 0
            assert max(float(parameter.grad.abs().max()), float(expected.abs().max())) < 1e-6
        else:
            assert_close(parameter.grad, expected, 5e-5)


def test_saliency_maps(golden):
    model = Reference(golden)
    images, labels, human, _ = batch_of(golden)
    images.requires_grad_()
    maps = reduce_colour(score_gradient(model(images), images, labels))
    assert_close(maps, golden["r:sal_raw"], 1e-5)
    assert_close(standardize_cut(maps), golden["r:sal_std"], 1e-5)
    assert_close(standardize_cut(human), golden["r:map_std"], 1e-5)


def test_decayed_parameters(golden):
    """Weights and biases of convolutions and linear maps; no norm."""
    found = {tensorflow_name(name) for name in decayed_parameters(Reference(golden))}
    assert found == set(golden["decayed"].tolist())
