"""Building networks, preparing their images, choosing and naming their layers."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import relu

from itcortex.errors import UserError
from itcortex.networks.layer_choice import choose_layers, layer_names, named_layers
from itcortex.networks.layers import Geometry, Layer, as_maps
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_names import known_architectures, require_architecture, require_tag
from itcortex.networks.timm_networks import build, skeleton
from itcortex.networks.torch_compat import timm
from itcortex.networks.tracing import trace
from made.families import FAMILIES, make

pytestmark = [pytest.mark.network, pytest.mark.process]

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


# --- architectures --------------------------------------------------------------------------------


def test_known_architectures_are_those_that_timm_registers():
    """Reading timm's source gives what importing it gives."""
    assert list(known_architectures()) == sorted(timm.list_models())


def test_known_architectures_need_no_torch_and_no_time():
    """Read whenever the workflow starts: .3 s is asked for; twice that allows a busy machine."""
    code = (
        "import sys, time; start = time.perf_counter();"
        "from itcortex.networks.timm_names import known_architectures; known_architectures();"
        "print('torch' in sys.modules, 'timm' in sys.modules, time.perf_counter() - start)"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    torch_loaded, timm_loaded, seconds = done.stdout.split()
    assert (torch_loaded, timm_loaded) == ("False", "False")
    assert float(seconds) < 0.6


def test_an_unknown_architecture_is_an_error_with_near_names():
    """Both the check before any job and the builder say the same."""
    for refuse in (require_architecture, build, skeleton):
        with pytest.raises(UserError, match=r"no model 'resnet81'; did you mean.*'resnet18'"):
            refuse("resnet81")


def test_an_unknown_tag_is_an_error_with_near_names():
    """A tag chooses timm's configuration; a wrong one would give wrong preprocessing."""
    assert build("test_vit.r160_in1k").pretrained_cfg["tag"] == "r160_in1k"
    with pytest.raises(UserError, match=r"no weights 'r161_in1k' of test_vit; did you mean"):
        build("test_vit.r161_in1k")


def test_every_tag_that_timm_has_passes_the_check_before_any_job():
    """Whether it is written in timm's source or made by its code; a wrong one comes with near ones."""
    for name in timm.list_pretrained():
        require_tag(*name.split("."))
    with pytest.raises(
        UserError, match=r"no weights 'tv_in2k' of resnet18; did you mean 'tv_in1k'"
    ):
        require_tag("resnet18", "tv_in2k")


def test_a_tag_that_timm_writes_down_needs_no_torch():
    """The table of the paper is checked whenever the workflow starts."""
    code = (
        "import sys; from itcortex.networks.timm_names import require_tag;"
        "require_tag('resnet50', 'a1_in1k'); print('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


# --- building -------------------------------------------------------------------------------------


def test_arguments_go_to_timm_and_wrong_ones_are_named():
    """What timm does not take is shown with what was given."""
    assert build("test_resnet", num_classes=7).fc.out_features == 7
    with pytest.raises(UserError, match=r"arguments: test_resnet cannot be built with .*'n_class'"):
        build("test_resnet", n_class=7)


def test_the_seed_alone_decides_the_initial_weights():
    """Equal for equal seeds whatever was drawn before, different for others."""
    first = build("test_vit", seed=3).state_dict()
    torch.rand(7)
    again, other = (build("test_vit", seed=n).state_dict() for n in (3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["patch_embed.proj.weight"], other["patch_embed.proj.weight"])


def test_building_leaves_the_global_random_state_alone():
    """Nothing downstream may depend on how many networks were built before."""
    before = torch.get_rng_state()
    build("test_vit", seed=3)
    assert torch.equal(before, torch.get_rng_state())


def test_networks_are_built_for_evaluation():
    """Dropout and batch statistics would make activations random."""
    assert not any(module.training for module in build("test_resnet").modules())


# --- preprocessing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "architecture",
    ["tf_efficientnet_lite1", "resnet18", "vit_tiny_patch16_224", "convmixer_768_32"],
)
def test_an_image_of_the_input_size_is_prepared_as_timm_does(architecture, rng):
    """Without resizing and cropping nothing is left to differ; 1e-6 is float32's rounding."""
    model = skeleton(architecture)
    preprocessing = Preprocessing.of(model)
    image = rng.integers(0, 256, (*preprocessing.input_size[1:], 3), dtype=np.uint8)
    config = {**timm.data.resolve_model_data_config(model), "crop_pct": 1.0}
    expected = timm.data.create_transform(**config)(Image.fromarray(image))
    got = preprocessing(image[None])[0]
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


def test_values_of_efficientnet_lite_lie_between_minus_one_and_one():
    """Its mean and standard deviation are one half: black is -1, white is 1 (stack.md: checked)."""
    preprocessing = Preprocessing.of(skeleton("tf_efficientnet_lite0"))
    assert (preprocessing.mean, preprocessing.std) == ((0.5,) * 3, (0.5,) * 3)
    black, white = preprocessing(np.stack([np.full((9, 9, 3), v, np.uint8) for v in (0, 255)]))
    assert black.unique().tolist() == [-1]
    assert white.unique().tolist() == [1]


def test_what_is_given_stands_above_timms_configuration():
    """Key by key; the rest is as timm says."""
    model = skeleton("resnet18")
    given = Preprocessing.of(model, {"mean": [0.5, 0.5, 0.5], "input_size": [3, 64, 96]})
    assert given.mean == (0.5, 0.5, 0.5)
    assert given.input_size == (3, 64, 96)
    assert given.std == Preprocessing.of(model).std


def test_a_network_of_other_origin_must_say_what_its_images_look_like():
    """timm would guess ImageNet's mean and 224 pixels without a word."""
    full = {"input_size": [3, 8, 8], "mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "box"}
    given = Preprocessing.of(Known(), full)
    assert given == Preprocessing((3, 8, 8), (0, 0, 0), (1, 1, 1), "box")
    with pytest.raises(UserError, match=r"Known carries no .* 'mean', 'interpolation' not given"):
        Preprocessing.of(Known(), {k: full[k] for k in ("input_size", "std")})


def test_the_whole_image_is_kept_whatever_its_aspect():
    """A marked corner of a wide image is still in the corner: no crop, no letter box."""
    image = np.zeros((40, 120, 3), np.uint8)
    image[:10, :30] = 255  # the top left quarter of each side
    preprocessing = Preprocessing((3, 64, 32), (0.0,) * 3, (1.0,) * 3, "bilinear")
    (batch,) = preprocessing(image[None])
    assert batch.shape == (3, 64, 32)
    bright = batch[0] > 0.5
    assert bright[:16, :8].all()
    assert int(bright.sum()) == 16 * 8


def test_channels_and_axes_of_images_are_not_swapped():
    """Red stays the first channel; rows stay rows."""
    image = np.zeros((16, 16, 3), np.uint8)
    image[0, :, 0] = 255
    preprocessing = Preprocessing((3, 16, 16), (0.0,) * 3, (1.0,) * 3, "bicubic")
    (batch,) = preprocessing(image[None])
    assert batch[0, 0].tolist() == [1.0] * 16
    assert float(batch.sum()) == 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (500, 2)])
def test_odd_images_are_resized_all_the_same(shape):
    """Constant images stay constant."""
    preprocessing = Preprocessing((3, 24, 24), (0.0,) * 3, (1.0,) * 3, "bicubic")
    (batch,) = preprocessing(np.full((1, *shape, 3), 51, np.uint8))
    torch.testing.assert_close(batch, torch.full((3, 24, 24), 0.2))


def test_preprocessing_is_written_as_json_values():
    """Lists, because attributes of files are JSON."""
    assert Preprocessing((3, 4, 5), (0.1, 0.2, 0.3), (1.0, 1.0, 1.0), "bicubic").asdict() == {
        "input_size": [3, 4, 5],
        "mean": [0.1, 0.2, 0.3],
        "std": [1.0, 1.0, 1.0],
        "interpolation": "bicubic",
    }


# --- the trace ------------------------------------------------------------------------------------


class Known(nn.Module):
    """A network whose trunk is known: stem, join and head; `left` and `right` are two branches."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 2, stride=2)
        self.left = nn.Conv2d(8, 8, 1)
        self.right = nn.Conv2d(8, 8, 1)
        self.join = nn.Identity()
        self.head = nn.Conv2d(8, 16, 1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, images):
        """Branches join; the input's size is used at the end, which is no data."""
        stem = self.stem(images)
        size = images.shape
        joined = self.join(self.left(stem) + self.right(stem))
        head = self.act(self.head(joined))
        return head.reshape(size[0], -1)


def test_the_trunk_of_a_known_network_is_found():
    """Branches are bypassed; sizes that are used later bypass nothing; in place makes a new tensor."""
    outputs = {output.name: output for output in trace(Known(), torch.zeros(2, 3, 8, 8))}
    trunk = {name: output.trunk for name, output in outputs.items()}
    assert trunk == {
        "stem": True, "left": False, "right": False, "join": True, "head": True, "act": True,
    }  # fmt: skip
    assert outputs["act"].tensor != outputs["head"].tensor
    assert [outputs[n].weighted for n in ("stem", "join", "act")] == [1, 3, 4]
    assert outputs["act"].depth == pytest.approx(
        6 / 7
    )  # stem left right + head act, of 7 with reshape


class Small(nn.Module):
    """Two convolutions, put together by a function of the network and the images."""

    def __init__(self, run):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
        self.halves = nn.Identity()
        self.run = run

    def forward(self, images):
        """Run the function."""
        return self.run(self, images)


def halves(net, images):
    """One operation makes two tensors: each goes around the other."""
    left, right = net.first(images).chunk(2, dim=1)
    return net.second(torch.cat([net.halves(left), right], dim=1))


def written_into(net, images):
    """What is written into a made tensor is data: part of the first map goes round."""
    canvas = torch.zeros(2, 4, 8, 8)
    first = net.first(images)
    canvas[:, :2] = first[:, :2]
    return canvas * net.second(first)


def returned(net, images):
    """What the caller reads goes around nothing."""
    first = net.first(images)
    return first, net.second(first)


def pooled(net, images):
    """A head that pools both maps to vectors goes around neither."""
    first = net.first(images)
    second = net.second(first)
    return torch.cat(
        [first.mean((2, 3)), nn.functional.adaptive_avg_pool2d(second, 1)[..., 0, 0]], 1
    )


def returned_beside(net, images):
    """A branch that ends in an output of its own does not meet the rest again."""
    first = net.first(images)
    second = net.second(first)
    return second, relu(first)


def weighed(net, images):
    """A vector that comes back into a later map is a way around."""
    first = net.first(images)
    second = net.second(first)
    return second * first.mean((2, 3), keepdim=True)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (halves, {"first": True, "halves": False, "second": True}),
        (written_into, {"first": True, "second": False}),
        (returned, {"first": True, "second": True}),
        (pooled, {"first": True, "second": True}),
        (returned_beside, {"first": True, "second": True}),
        (weighed, {"first": True, "second": False}),
    ],
)
def test_no_way_around_a_tensor_is_overlooked(run, expected):
    """Several outputs, writing in place; what is returned or only pooled goes around nothing."""
    outputs = trace(Small(run), torch.zeros(2, 3, 8, 8))
    assert {output.name: output.trunk for output in outputs} == expected


def test_the_trace_of_weights_without_values_is_the_same():
    """The meta device gives the same choice as real numbers, so it may be made before any job."""
    size = (3, 96, 96)
    for architecture in ("test_resnet", "mobilenetv3_small_050"):
        real, meta = build(architecture), skeleton(architecture)
        assert choose_layers(real, size) == choose_layers(meta, size)


def test_the_trace_leaves_no_hooks_behind():
    """Also when the forward pass fails."""
    model = Known()
    trace(model, torch.zeros(2, 3, 8, 8))
    with pytest.raises(RuntimeError, match="channels"):
        trace(model, torch.zeros(2, 5, 8, 8))
    assert not any(module._forward_hooks for module in model.modules())


def test_a_module_that_runs_twice_has_no_single_output():
    """Its name would stand for two maps."""

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, images):
            return self.conv(relu(self.conv(images)))

    assert trace(Twice(), torch.zeros(2, 3, 4, 4)) == []


# --- the choice of layers -------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.architecture)
def test_about_ten_layers_of_every_family_are_chosen_in_order_of_depth(family):
    """Their number and the last one's grid are known; depth rises within (0, 1], names are unique."""
    model, preprocessing = make(family)
    layers = choose_layers(model, preprocessing.input_size)
    last = layers[-1]
    assert len(layers) == family.count
    assert (last.height, last.width, last.channels) == family.last
    assert last.prefix_tokens == family.prefix
    depths = [0.0, *(layer.depth for layer in layers)]
    assert all(np.diff(depths) > 0)
    assert depths[-1] <= 1
    assert max(np.diff([*depths, 1.0])) < 0.5  # no half of a network without a layer
    assert len({layer.name for layer in layers}) == len(layers)


CHOICES = {
    "tf_efficientnet_lite0": [
        ("bn1.act", 112, 112, 32), ("blocks.1.0", 56, 56, 24), ("blocks.2.0", 28, 28, 40),
        ("blocks.3.0", 14, 14, 80), ("blocks.3.2", 14, 14, 80), ("blocks.4.0", 14, 14, 112),
        ("blocks.4.2", 14, 14, 112), ("blocks.5.1", 7, 7, 192), ("blocks.5.3", 7, 7, 192),
        ("bn2.act", 7, 7, 1280),
    ],
    "resnet18": [
        ("act1", 112, 112, 64), ("maxpool", 56, 56, 64), ("layer1.0", 56, 56, 64),
        ("layer1.1", 56, 56, 64), ("layer2.0", 28, 28, 128), ("layer2.1", 28, 28, 128),
        ("layer3.0", 14, 14, 256), ("layer3.1", 14, 14, 256), ("layer4.0", 7, 7, 512),
        ("layer4.1", 7, 7, 512),
    ],
    "vit_tiny_patch16_224": [
        (name, 14, 14, 192)
        for name in (
            "pos_drop", "blocks.0", "blocks.2", "blocks.3", "blocks.4", "blocks.6", "blocks.7",
            "blocks.8", "blocks.10", "norm",
        )
    ],
}  # fmt: skip


@pytest.mark.parametrize("architecture", CHOICES)
def test_the_choice_for_the_demonstration_networks_stays_what_it_is(architecture):
    """Names and maps, pinned: a change here changes every score, whatever machine it happens on."""
    model = skeleton(architecture)
    layers = choose_layers(model, Preprocessing.of(model).input_size)
    got = [(layer.name, layer.height, layer.width, layer.channels) for layer in layers]
    assert got == CHOICES[architecture]


class Stages(nn.Module):
    """Five stages of two blocks, whose forward pass returns what `answer` makes of their maps."""

    def __init__(self, answer):
        super().__init__()
        widths = [3, 8, 16, 24, 32, 40]
        self.stages = nn.ModuleList(
            nn.Sequential(self._block(a, b, 2), self._block(b, b, 1))
            for a, b in itertools.pairwise(widths)
        )
        self.fc, self.aux, self.all = nn.Linear(40, 10), nn.Linear(16, 10), nn.Linear(120, 10)
        self.answer = answer

    @staticmethod
    def _block(n_in, n_out, stride):
        return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1), nn.BatchNorm2d(n_out), nn.ReLU())

    def forward(self, images):
        """Run the stages and answer."""
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images)
        return self.answer(self, maps)


def means(maps):
    """Vectors of every map, side by side."""
    return torch.cat([one.mean((2, 3)) for one in maps], 1)


ANSWERS = {
    "logits": lambda net, maps: net.fc(means(maps[-1:])),
    "list": lambda _, maps: maps,
    "dict": lambda net, maps: {"features": maps, "logits": net.fc(means(maps[-1:]))},
    "auxiliary": lambda net, maps: (net.fc(means(maps[-1:])), net.aux(means(maps[1:2]))),
    "pyramid head": lambda net, maps: net.all(means(maps)),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_networks_that_hand_out_several_maps_have_the_layers_of_the_one_that_does_not(answer):
    """The blocks are the same, whatever is made of their maps."""
    wanted = [f"stages.{stage}.{block}" for stage in range(5) for block in range(2)]
    layers = choose_layers(Stages(ANSWERS[answer]), (3, 64, 64))
    assert [layer.name for layer in layers] == wanted


def test_timms_networks_of_features_only_have_layers_to_the_end():
    """They return five maps and no logits."""
    layers = choose_layers(skeleton("resnet50", features_only=True), (3, 224, 224))
    assert len(layers) == 10
    assert (layers[0].name, layers[-1].name) == ("act1", "layer4.2")


class Decoder(nn.Module):
    """An encoder of three levels and a decoder that reads the encoder's maps again."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, s, 1) for a, b, s in ((3, 8, 1), (8, 16, 2), (16, 32, 2))
        )
        self.up = nn.ModuleList([nn.Conv2d(48, 16, 3, 1, 1), nn.Conv2d(24, 8, 3, 1, 1)])

    def forward(self, images):
        """Down, and up again with a skip at every level."""
        first = self.down[0](images)
        second = self.down[1](first)
        third = self.down[2](second)
        larger = [nn.Upsample(scale_factor=2) for _ in range(2)]
        second = self.up[0](torch.cat([larger[0](third), second], 1))
        return self.up[1](torch.cat([larger[1](second), first], 1))


def test_a_network_that_the_rule_would_half_leave_out_asks_for_named_layers():
    """Skips go around everything between the first and the last map."""
    with pytest.raises(UserError, match=r"Decoder: .*only 2 .*\(down\.0, up\.1\).*column `layers`"):
        choose_layers(Decoder(), (3, 32, 32))
    layers = named_layers(Decoder(), (3, 32, 32), ["down.1", "down.2"])
    assert [(layer.height, layer.channels) for layer in layers] == [(16, 16), (8, 32)]


def test_stages_that_are_no_maps_are_not_taken_for_some():
    """A network's own `forward_intermediates` may give tokens, or maps with their axes turned."""
    model = Decoder()
    for axes in ((0, 1, 3, 2), (0, 2, 3, 1)):
        model.forward_intermediates = lambda images, intermediates_only, axes=axes: [
            model.down[0](images).permute(axes)
        ]
        with pytest.raises(UserError, match=r"Decoder: .*column `layers`"):
            choose_layers(model, (3, 32, 64))
    model.forward_intermediates = lambda images, intermediates_only: [model.down[0](images)]
    (layer,) = choose_layers(model, (3, 32, 64))
    assert (layer.height, layer.width, layer.channels) == (32, 64, 8)


def test_a_long_head_of_vectors_leaves_out_no_maps():
    """Only what makes maps has to be covered."""
    head = [module for _ in range(9) for module in (nn.Linear(64, 64), nn.ReLU())]
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        *head,
    )
    assert [layer.name for layer in choose_layers(model, (3, 16, 16))] == ["1", "3"]


def test_fewer_or_more_layers_can_be_asked_for():
    """First and last stay; more than there are gives all."""
    model = skeleton("vit_tiny_patch16_224")
    names = {n: [la.name for la in choose_layers(model, (3, 224, 224), n)] for n in (2, 4, 99)}
    assert names[2] == ["pos_drop", "norm"]
    assert names[4] == ["pos_drop", "blocks.3", "blocks.7", "norm"]
    assert names[99] == ["pos_drop", *(f"blocks.{i}" for i in range(11)), "norm"]


def test_a_network_without_maps_is_an_error():
    """There is nothing to compare with a grid of positions."""
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 10))
    with pytest.raises(UserError, match="Sequential: no layer with a map"):
        choose_layers(flat, (3, 8, 8))


def test_a_network_of_ones_own_needs_nothing_of_timm():
    """The rule reads any module."""
    layers = choose_layers(Known(), (3, 8, 8))
    assert [layer.name for layer in layers] == ["stem", "join", "act"]


def test_tokens_of_hiera_are_not_taken_for_rows_of_positions():
    """Its tokens are sorted by mask unit; only its own reading puts them back in place."""
    layers = choose_layers(skeleton("hiera_tiny_224"), (3, 224, 224))
    assert [layer.name for layer in layers] == [f"forward_intermediates.{i}" for i in range(4)]


def test_tokens_of_an_oblong_image_have_the_grid_of_the_patches():
    """6 x 10 patches of 16 pixels: not 10 x 6, nor any other 60."""
    model = skeleton("vit_tiny_patch16_224", img_size=(96, 160))
    layers = choose_layers(model, (3, 96, 160))
    assert {(layer.layout, layer.height, layer.width) for layer in layers} == {("NTC", 6, 10)}


def test_tokens_have_the_grid_of_the_image_that_is_shown_and_not_of_the_one_built_for():
    """7 x 28 patches are as many as the 14 x 14 that the network stores."""
    model = skeleton("vit_tiny_patch16_224", depth=2, dynamic_img_size=True)
    layers = choose_layers(model, (3, 112, 448))
    assert {(layer.height, layer.width, layer.prefix_tokens) for layer in layers} == {(7, 28, 1)}


class Stored(nn.Module):
    """Patches of a network that says, or does not say, how large they are."""

    def __init__(self, grid, patch=None, **more):
        super().__init__()
        self.grid_size = grid
        self.proj = nn.Conv2d(3, 8, 1)
        vars(self).update(more | ({"patch_size": patch} if patch else {}))


@pytest.mark.parametrize(
    ("stored", "size", "grids"),
    [
        (Stored((14, 14), (16, 16)), (224, 224), ((14, 14),)),
        (Stored((14, 14), 16), (112, 448), ((7, 28),)),
        (Stored((14, 14), (16, 16)), (120, 450), ((7, 28),)),
        (Stored((14, 14), (16, 16), dynamic_img_pad=True), (120, 450), ((8, 29),)),
        (Stored((2, 6), (32, 16)), (64, 96), ((2, 6),)),  # oblong patches
        (Stored((14, 14)), (112, 448), ()),
        (Stored((14, 14)), (224, 224), ((14, 14),)),
        (Stored((7, 7), (1, 1)), (224, 224), ((224, 224), (7, 7))),  # patches of inner maps
        (Stored(None, (16, 16)), (224, 224), ()),
        (Stored((2, 2, 2)), (224, 224), ()),
    ],
)
def test_grids_of_patches_are_those_of_this_input(stored, size, grids):
    """By the size of the patches; a stored grid counts where it has the input's aspect."""
    assert Geometry.of(stored, 3, (3, *size)).patch_grids == grids


# --- layers by name -------------------------------------------------------------------------------


def test_named_layers_are_returned_in_order_of_depth_and_once():
    """Also such as are inside a block."""
    model = skeleton("resnet18")
    names = ["layer2.0", "layer1.0.conv1", "layer2.0", "act1"]
    layers = named_layers(model, (3, 224, 224), names)
    assert [layer.name for layer in layers] == ["act1", "layer1.0.conv1", "layer2.0"]
    assert (layers[1].layout, layers[1].shape) == ("NCHW", (64, 56, 56))


def test_a_vector_can_be_named_and_has_one_position():
    """The class scores: no map."""
    (layer,) = named_layers(skeleton("resnet18"), (3, 224, 224), ["fc"])
    assert (layer.layout, layer.height, layer.width, layer.channels) == ("NC", 1, 1, 1000)


def test_a_layer_that_the_model_lacks_is_an_error_with_near_names():
    """Model, layer and what was probably meant."""
    with pytest.raises(UserError, match=r"resnet18 has no layer 'layer9.0'; did you mean 'layer"):
        named_layers(skeleton("resnet18"), (3, 224, 224), ["layer1.0", "layer9.0"])


def test_a_module_whose_output_is_no_map_is_an_error():
    """Attention's queries and keys are not outputs of one map per image."""
    model = skeleton("swin_tiny_patch4_window7_224")
    with pytest.raises(
        UserError, match=r"'layers.0.blocks.0.attn.softmax' of swin_tiny.* does not"
    ):
        named_layers(model, (3, 224, 224), ["layers.0.blocks.0.attn.softmax"])


def test_layer_names_are_those_that_may_be_named():
    """Every one of them is accepted, and blocks are among them."""
    model = skeleton("test_vit")
    names = layer_names(model, (3, 160, 160))
    assert [la.name for la in named_layers(model, (3, 160, 160), names)] == names
    assert {"patch_embed", "blocks.0", "blocks.0.mlp.fc1", "norm", "head"} <= set(names)


# --- layouts --------------------------------------------------------------------------------------


def layer(layout: str, prefix: int = 0) -> Layer:
    """A layer of 2 x 3 positions and 4 channels."""
    return Layer("x", layout, prefix, 2, 3, 4, 0.5)


MAPS = np.arange(2 * 2 * 3 * 4).reshape(2, 2, 3, 4)  # (image, height, width, channel)


def test_every_layout_becomes_the_same_maps():
    """Oracle: the maps themselves, put into each layout by index."""
    n, h, w, c = MAPS.shape
    nchw = np.array([[[[MAPS[i, y, x, k] for x in range(w)] for y in range(h)] for k in range(c)]
                     for i in range(n)])  # fmt: skip
    tokens = np.array([[MAPS[i, y, x] for y in range(h) for x in range(w)] for i in range(n)])
    prefix = np.full((n, 2, c), -1)
    np.testing.assert_array_equal(as_maps(nchw, layer("NCHW")), MAPS)
    np.testing.assert_array_equal(as_maps(MAPS, layer("NHWC")), MAPS)
    np.testing.assert_array_equal(as_maps(tokens, layer("NTC")), MAPS)
    with_prefix = np.concatenate([prefix, tokens], axis=1)
    np.testing.assert_array_equal(as_maps(with_prefix, layer("NTC", prefix=2)), MAPS)


def test_a_vector_becomes_a_map_of_one_position():
    """Four axes always."""
    vector = np.arange(8.0).reshape(2, 4)
    maps = as_maps(vector, Layer("x", "NC", 0, 1, 1, 4, 1.0))
    np.testing.assert_array_equal(maps, vector[:, None, None, :])


@pytest.mark.parametrize("shape", [(2, 3, 4, 2), (2, 4, 3, 2), (2, 6, 4), (2, 4)])
def test_an_output_of_another_shape_is_refused(shape):
    """Swapped axes never pass for the right ones."""
    with pytest.raises(ValueError, match="layer x put out"):
        as_maps(np.zeros(shape), layer("NCHW"))


def geometry(**changes) -> Geometry:
    """A network of 8 and 12 channels on 3 images of 64 x 96 pixels."""
    known = {
        "batch": 3, "height": 64, "width": 96, "channels": frozenset({8, 12}), "patch_grids": (),
        "prefixes": (0, 1, 2), "channels_last": False, "tokens_by_row": True,
    }  # fmt: skip
    return Geometry(**(known | changes))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 8, 4, 6), ("NCHW", 0, 4, 6, 8)),
        ((3, 4, 6, 8), ("NHWC", 0, 4, 6, 8)),
        ((3, 24, 12), ("NTC", 0, 4, 6, 12)),
        ((3, 25, 12), ("NTC", 1, 4, 6, 12)),
        ((3, 26, 12), ("NTC", 2, 4, 6, 12)),
        ((3, 8, 3, 4), ("NCHW", 0, 3, 4, 8)),  # 64/24 x 96/24, rounded up by padding
        ((24, 3, 12), None),  # batch and token axes swapped (thingsvision issue 185)
        ((3, 12, 24), None),  # channels before tokens: 24 is no known number of channels
        ((3, 8, 6, 4), None),  # height and width swapped
        ((3, 7, 4, 6), None),  # 7 is no known number of channels
        ((9, 8, 4, 6), None),  # windows folded into the batch
        ((3, 31, 12), None),  # no grid has 29 to 31 positions here
        ((3, 2, 8, 4, 6), None),
    ],
)
def test_axes_are_told_apart_by_batch_channels_and_grid(shape, expected):
    """What fits nothing that is known is refused."""
    got = geometry().read("x", shape, 0.5)
    assert got == (expected and Layer("x", *expected, 0.5))


def test_the_models_own_patch_grid_comes_first():
    """12 tokens could be 3 x 4 by the image's aspect; the model says 2 x 6, with oblong patches."""
    read = geometry().read("x", (3, 12, 8), 0.5)
    assert (read.height, read.width, read.prefix_tokens) == (3, 4, 0)
    read = geometry(patch_grids=((2, 6),)).read("x", (3, 12, 8), 0.5)
    assert (read.height, read.width, read.prefix_tokens) == (2, 6, 0)


def test_a_cube_is_read_in_the_models_own_format():
    """Only when all three axes are equally long the model's declared format has to decide."""
    cube = geometry(width=64, channels=frozenset({8}))
    assert cube.read("x", (3, 8, 8, 8), 0.5).layout == "NCHW"
    last = geometry(width=64, channels=frozenset({8}), channels_last=True)
    assert last.read("x", (3, 8, 8, 8), 0.5).layout == "NHWC"


def test_sorted_tokens_are_not_read():
    """A model that sorts its tokens has no rows."""
    assert geometry(tokens_by_row=False).read("x", (3, 24, 12), 0.5) is None
