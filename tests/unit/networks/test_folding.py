"""Batch normalisations that convolutions do: the same values, where nothing else reads between."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from itcortex.networks.activations import extract
from itcortex.networks.folding import folded
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.torch_compat import timm
from made.families import FAMILIES, make

pytestmark = pytest.mark.network

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


class Made(nn.Module):
    """A convolution, its normalisation and an activation; `between` may read the convolution as well."""

    def __init__(self, between=None, convolution=None, norm=None, times=1):
        super().__init__()
        self.convolution = convolution or nn.Conv2d(3, 4, 3, bias=False)
        self.norm = norm or nn.BatchNorm2d(4)
        self.between, self.times = between or (lambda read, y: y), times
        self.eval()
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for value in self.state_dict().values():
                if value.is_floating_point():
                    value.copy_(torch.rand(value.shape, generator=generator) + 0.2)

    def forward(self, x):
        """The whole network."""
        for _ in range(self.times):
            read = self.convolution(x)
            y = self.between(read, self.norm(read)).relu()
        return y


def outputs_of(model):
    """What `folded` takes: one layer, the network's output."""
    return lambda: {"out": model(IMAGES)}


def both(model, kept=()):
    """Values as they are and folded (float64), and how many normalisations were folded."""
    with torch.inference_mode():
        plain = model(IMAGES)
        with folded(model, outputs_of(model), kept) as count:
            now = model(IMAGES)
    return plain.double(), now.double(), count


@pytest.mark.parametrize(
    "change",
    [
        {}, {"convolution": nn.Conv2d(3, 4, 3, stride=2, padding=1)},
        {"norm": nn.BatchNorm2d(4, affine=False)},
        {"convolution": nn.Conv2d(3, 4, 3, dilation=2)},
        {"convolution": timm.layers.Conv2dSame(3, 4, 3, 2), "norm": timm.layers.BatchNormAct2d(4)},
    ],
)  # fmt: skip
def test_values_are_those_of_the_network_and_come_from_the_convolution_alone(change):
    model = Made(**change)
    plain, now, count = both(model)
    assert count == 1 and not plain.equal(now)  # it was done, in another order of sums
    assert (plain - now).norm() < 1e-6 * plain.norm()


@pytest.mark.parametrize(
    "model",
    [
        Made(lambda read, y: y + read),  # the convolution is read beside its normalisation
        Made(lambda read, y: torch.cat([y, 1e-9 * read])),  # even where it is hardly seen
        Made(times=2),  # and this one runs twice
        Made(norm=nn.BatchNorm2d(4, track_running_stats=False)),
        Made(convolution=type("Own", (nn.Conv2d,), {})(3, 4, 3)),  # nobody knows what it does
    ],
    ids=["read elsewhere", "hardly", "twice", "no statistics", "own class"],
)
def test_where_more_hangs_on_it_nothing_is_folded(model):
    plain, now, count = both(model)
    assert count == 0 and plain.equal(now)


def test_a_convolution_whose_output_is_wanted_is_left_alone():
    assert both(Made(), kept={"convolution"})[2] == 0
    assert both(Made(), kept={"norm"})[2] == 1  # its output is the same


def test_in_training_nothing_is_folded():
    model = Made()
    model.norm.train()
    assert both(model)[2] == 0


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_has_its_own_weights_again(fails):
    model = Made()
    before = copy.deepcopy(model.state_dict())
    with torch.inference_mode():
        plain = model(IMAGES)
        try:
            with folded(model, outputs_of(model), ()) as count:
                assert count == 1 and not model.convolution.weight.equal(
                    before["convolution.weight"]
                )
                if fails:
                    raise KeyError
        except KeyError:
            assert fails
        assert model(IMAGES).equal(plain)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(before[name].equal(after[name]) for name in before)
    assert "forward" not in vars(model.norm)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.architecture)
def test_layers_of_all_kinds_of_networks_are_the_same_to_rounding(family, rng, monkeypatch):
    """Against the same extraction without folding, layer by layer."""
    model, preprocessing = make(family)
    size = preprocessing.input_size
    layers = choose_layers(model, size, 10)
    images = rng.integers(0, 256, (2, size[1], size[2], 3)).astype(np.uint8)
    ((_, now),) = extract(model, preprocessing, images, layers, 2)
    monkeypatch.setattr("itcortex.networks.activations.folded", lambda *_: nullcontext())
    ((_, plain),) = extract(model, preprocessing, images, layers, 2)
    for name, values in plain.items():
        assert np.linalg.norm(now[name] - values) <= 2e-5 * np.linalg.norm(values), name


#: Batch normalisations, and how many of them are folded: others stand before convolutions, or read what
#: is also added to something.
COUNTS = {"test_resnet": (15, 15), "mobilenetv3_small_050": (34, 34), "densenet121": (121, 59),
          "maxvit_pico_rw_256": (34, 23), "vit_tiny_patch16_224": (0, 0)}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_so_many_are_folded(name):
    model, preprocessing = make(next(one for one in FAMILIES if one.architecture == name))
    image = torch.ones(1, *preprocessing.input_size)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    with torch.inference_mode(), folded(model, lambda: {"out": model(image)}, ()) as count:
        assert (norms, count) == COUNTS[name]
