"""Which layers are compared with neurons: those that the rule chooses, and those that a user names."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layer_choice import choose_layers, layer_names, named_layers
from itcortex.networks.layers import Geometry
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import skeleton
from made.families import FAMILIES, make
from made.known_network import Known

pytestmark = pytest.mark.network


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


class Recurrent(nn.Module):
    """A cell that runs four times, as in recurrent models of the ventral stream."""

    def __init__(self):
        super().__init__()
        self.stem, self.cell = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1)
        self.act, self.top = nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1)

    def forward(self, images):
        """Four steps with the input at each, which no single call of a module shows."""
        maps = state = self.stem(images)
        for _ in range(4):
            state = self.act(self.cell(state) + maps)
        return self.top(state).mean((2, 3))


def test_steps_of_a_recurrent_cell_are_not_left_out_without_a_word():
    with pytest.raises(
        UserError, match=r"only 2 of its layers .*stem, top.*modules run more than once"
    ):
        choose_layers(Recurrent(), (3, 64, 64))
