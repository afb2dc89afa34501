"""Batch normalisations that convolutions do: the same values, where nothing else reads between."""

import copy
import types
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from itcortex.networks.activations import extract
from itcortex.networks.folding import folded, plain_modules
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.layers import Layer
from itcortex.networks.preprocessing import Preprocessing
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


def fold(model, kept=(), passes=(IMAGES,)):
    """`folded` with one layer, the network's output, and passes over these images."""
    runs = [lambda images=images: {"out": model(images)} for images in passes]
    return folded(model, runs, kept, plain_modules(model))


def both(model, kept=()):
    """Values as they are and folded (float64), and how many normalisations were folded."""
    with torch.inference_mode():
        plain = model(IMAGES)
        with fold(model, kept) as count:
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
        Made(lambda read, y: y + 1e-9 * read.data),  # an attribute that holds the values
        Made(lambda read, y: y if y.mean() > 0 else read),  # another image may go the other way
        Made(lambda read, y: y if float(y.mean()) > 0 else read),
    ],
    ids=["read elsewhere", "hardly", "twice", "no statistics", "own class", "data", "if", "float"],
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


def gain(module, x):
    """A normalisation with a gate behind it."""
    return nn.BatchNorm2d.forward(module, x) * x.mean((2, 3), keepdim=True).sigmoid()


def of(change):
    """A network after a change of its normalisation and its convolution."""
    model = Made()
    torch.manual_seed(0)
    change(model.norm, model.convolution)
    return model


NOT_PLAIN = {
    "normalisation's forward": lambda norm, _: setattr(norm, "forward", types.MethodType(gain, norm)),
    "convolution's forward": lambda _, conv: setattr(conv, "forward", type(conv).forward.__get__(conv)),
    "inner method": lambda _, conv: setattr(conv, "_conv_forward", conv._conv_forward),
    "weight norm": lambda _, conv: nn.utils.weight_norm(conv),
    "spectral norm": lambda _, conv: nn.utils.spectral_norm(conv).eval(),
    "pruned": lambda _, conv: prune.l1_unstructured(conv, "weight", 0.5),
    "hook": lambda norm, _: norm.register_forward_hook(lambda _m, _a, out: 2 * out),
    "hook before": lambda norm, _: norm.register_forward_pre_hook(lambda _m, a: (2 * a[0],)),
    "convolution's hook": lambda _, conv: conv.register_forward_hook(lambda _m, _a, out: out.abs()),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_was_changed_by_its_user_is_not_folded_and_stays(name):
    """Values while and after it would be folded are those of a copy that was never asked."""
    model, expected = of(NOT_PLAIN[name]), of(NOT_PLAIN[name])
    own = {key: set(vars(module)) for key, module in model.named_modules()}
    with torch.no_grad():
        plain = expected(IMAGES)
    with torch.inference_mode():
        _, now, count = both(model)
        after = model(IMAGES)
    assert count == 0 and now.float().equal(plain) and after.equal(plain)
    assert own == {key: set(vars(module)) for key, module in model.named_modules()}


def test_a_pass_that_only_another_image_takes_is_found():
    """Where the way is chosen out of sight: its values show it, on the image that takes it."""
    bright = [True, False]
    model = Made(lambda read, y: y if bright[0] else read)

    def run(way):
        bright[0] = way
        return {"out": model(IMAGES)}

    with torch.inference_mode():
        for ways, expected in (((True,), 1), ((True, False), 0)):
            runs = [lambda way=way: run(way) for way in ways]
            with folded(model, runs, (), plain_modules(model)) as count:
                assert count == expected


def test_dark_images_that_skip_a_normalisation_have_their_own_values(rng):
    """Against a pass without any of the extraction: only the last image goes the other way."""
    model = nn.Sequential(Made(lambda read, y: read if read.amax() < 0.5 else y))
    images = rng.integers(128, 256, (6, 16, 16, 3)).astype(np.uint8)
    images[-1] //= 60
    preprocessing = Preprocessing((3, 16, 16), (0.0,) * 3, (1.0,) * 3, "bilinear")
    layers = [Layer("0", "NCHW", 0, 14, 14, 4, 1.0)]
    found = np.concatenate([m["0"] for _, m in extract(model, preprocessing, images, layers, 1)])
    with torch.no_grad():
        expected = torch.cat([model(preprocessing(images[k : k + 1])) for k in range(6)])
    assert np.allclose(found, expected.movedim(1, -1), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        assert model[0].convolution(preprocessing(images[-1:])).amax() < 0.5  # it does


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_has_its_own_weights_again(fails):
    model = Made()
    before = copy.deepcopy(model.state_dict())
    with torch.inference_mode():
        plain = model(IMAGES)
        try:
            with fold(model) as count:
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
    with torch.inference_mode(), fold(model, passes=(image,)) as count:
        assert (norms, count) == COUNTS[name]
