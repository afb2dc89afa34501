"""Second derivatives of convolutions: equal to PyTorch's own, and cheaper."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from itcortex.harmonizer.convolution import convolve
from itcortex.harmonizer.double_backward import (
    double_backward,
    score_gradient,
)
from made.second_derivatives import Counts, assert_same, double_gradients, normal

pytestmark = pytest.mark.network

NATIVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


#: Channels in, out, kernel, size, options.
CONVOLUTIONS = [
    (4, 6, (3, 3), (8, 7), {}),
    (4, 6, (3, 3), (8, 7), {"stride": 2, "padding": 1}),
    (4, 4, (3, 3), (9, 9), {"padding": 1, "groups": 4}),
    (3, 6, (5, 5), (11, 10), {"padding": 2, "groups": 3, "stride": (2, 3)}),
    (6, 4, (3, 3), (10, 10), {"groups": 2, "dilation": 2}),
    (4, 8, (3, 2), (9, 8), {"padding": (1, 0), "stride": (2, 1), "dilation": (1, 3)}),
    (4, 4, (3, 3), (9, 9), {"padding": "same"}),
    (4, 4, (4, 3), (9, 8), {"padding": "same", "groups": 2, "dilation": (1, 2)}),
    (4, 4, (2, 2), (5, 5), {"padding": "valid"}),
    (4, 6, (1, 1), (9, 9), {"stride": 3}),
    (2, 4, (3,), (9,), {"padding": "same", "groups": 2}),
    (2, 4, (4,), (9,), {"padding": 1, "stride": 2}),
    (2, 2, (2, 3, 2), (4, 5, 6), {"groups": 2, "padding": (1, 0, 1)}),
]


def convolution_case(case):
    """Input, weight, bias and options."""
    channels, out, kernel, size, options = case
    weight = normal(out, channels // options.get("groups", 1), *kernel, seed=1)
    return normal(2, channels, *size), weight, normal(out, seed=2), options


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("wanted", [(0,), (1,), (0, 1, 2), (2,)], ids=str)
def test_second_derivatives_of_a_convolution(case, wanted):
    """Oracle: PyTorch's own, for every derivative that can be asked for."""
    *inputs, options = convolution_case(case)
    native = NATIVE[len(case[2])]
    found = double_gradients(lambda *a: convolve(*a, **options), inputs, wanted)
    assert_same(found, double_gradients(lambda *a: native(*a, **options), inputs, wanted))


def test_third_derivatives_of_a_convolution():
    """The three pieces differentiate into each other, to any order. Oracle: finite differences."""
    x, weight = normal(1, 2, 4, 4), normal(2, 1, 3, 3, seed=1)

    def second(x, weight):
        y = convolve(x, weight, padding=1, groups=2)
        (gradient,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        return gradient

    assert torch.autograd.gradgradcheck(second, (x, weight))


def test_values_of_a_convolution_and_one_image_without_batch():
    """Forward to the last bit."""
    *inputs, options = convolution_case(CONVOLUTIONS[3])
    torch.testing.assert_close(
        convolve(*inputs, **options), functional.conv2d(*inputs, **options), rtol=0, atol=0
    )
    single = [inputs[0][0], *inputs[1:]]
    assert_same(
        double_gradients(lambda *a: convolve(*a, **options), single, (0,)),
        double_gradients(lambda *a: functional.conv2d(*a, **options), single, (0,)),
    )


def operations(groups, function):
    """Operations of a second derivative of a depthwise convolution."""
    x, weight = normal(2, groups, 6, 6), normal(groups, 1, 3, 3, seed=1)
    with Counts() as counts:
        double_gradients(lambda *a: function(*a, padding=1, groups=groups), [x, weight], (0,))
    return counts.calls.total()


def test_operations_do_not_grow_with_the_number_of_groups():
    """What it is for: PyTorch loops over groups."""
    assert operations(64, convolve) == operations(4, convolve)
    assert operations(64, functional.conv2d) - operations(4, functional.conv2d) > 100


class TwoLayers(nn.Module):
    """Convolutions; the weights of the second depend on the image, as in CondConv, if asked."""

    def __init__(self, dynamic):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
        self.dynamic = dynamic

    def forward(self, images):
        maps = torch.tanh(self.first(images))
        weight = self.second.weight
        if self.dynamic:
            weight = weight * maps.mean()
        return functional.conv2d(maps, weight).tanh().mean((2, 3))


@pytest.mark.parametrize(("dynamic", "expected"), [(False, 0), (True, 1)])
def test_a_saliency_computes_gradients_of_weights_only_on_its_way(dynamic, expected):
    """Saved work; but weights that depend on the image are on the way."""
    model, images = TwoLayers(dynamic).double(), normal(2, 3, 9, 9)
    with double_backward(), Counts() as counts:
        saliency = score_gradient(model(images), images, torch.tensor([0, 1]))
    assert counts.weight_gradients == expected
    plain = score_gradient(model(images), images, torch.tensor([0, 1]))
    assert_same([saliency], [plain])
