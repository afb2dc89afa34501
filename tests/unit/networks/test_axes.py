"""Axes are followed through what keeps them, and are unknown behind what may not."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from itcortex.networks.axes import IMAGES, Tokens
from itcortex.networks.layer_choice import Survey
from itcortex.networks.tracing import trace

pytestmark = pytest.mark.network

SIDE, CHANNELS = 8, 6
HEIGHT, WIDTH = SIDE, 2 * SIDE


class Around(nn.Module):
    """A convolution, what is tried, and a layer that only shows what comes out of it."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.first = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.norm, self.token = nn.LayerNorm(CHANNELS), nn.Parameter(torch.zeros(1, 2, CHANNELS))
        self.shown = nn.Identity()

    def forward(self, images):
        """What the function makes of the maps; it may use the other layers."""
        made = self.function(self, self.first(images))
        return self.shown(made).flatten(1)


def tokens(maps):
    """Positions row by row, then channels."""
    return maps.flatten(2).transpose(1, 2)


def with_prefix(net, maps):
    """Two tokens without a place before those of the positions."""
    return torch.cat([net.token.expand(len(maps), -1, -1), tokens(maps)], 1)


def behind(net, maps):
    """The same, but behind them."""
    return torch.cat([tokens(maps), net.token.expand(len(maps), -1, -1)], 1)


def attended(maps):
    """Attention of all positions to all."""
    own = tokens(maps)
    return functional.scaled_dot_product_attention(own, own, own)


KNOWN = {
    "residual": (lambda _, x: functional.relu(x) + x, "ncyx"),
    "in place": (lambda _, x: x.add_(1).relu_(), "ncyx"),
    "gate of channels": (lambda _, x: x * x.mean((2, 3), keepdim=True).sigmoid(), "ncyx"),
    "pooled": (lambda _, x: functional.max_pool2d(x, 2), "ncyx"),
    "resized": (lambda _, x: functional.interpolate(input=x, scale_factor=2), "ncyx"),
    "channels side by side": (lambda _, x: torch.cat([x, 2 * x], 1), "ncyx"),
    "alone in a list": (lambda _, x: torch.cat([x], 1), "ncyx"),
    "a part of the channels": (lambda _, x: x.chunk(2, 1)[1], "ncyx"),
    "channels last": (lambda net, x: net.norm(x.permute(0, 2, 3, 1)), "nyxc"),
    "to the end and back": (lambda net, x: net.norm(x.movedim(1, -1)).movedim(-1, 1), "ncyx"),
    "tokens": (lambda net, x: net.norm(tokens(x)), "npc"),
    "tokens of channels last": (
        lambda _, x: x.permute(0, 2, 3, 1).reshape(len(x), -1, CHANNELS),
        "npc",
    ),
    "prefix": (lambda net, x: net.norm(with_prefix(net, x)), "npc"),
    "tokens behind": (behind, "npc"),
    "added to attention": (lambda _, x: tokens(x) + attended(x), "npc"),
}
UNKNOWN = {
    "flipped": lambda _, x: x.flip(3),
    "rolled": lambda _, x: x.roll(4, 3),
    "attention": lambda _, x: attended(x),
    "mixed positions": lambda net, x: functional.linear(tokens(x).transpose(1, 2), torch.eye(128)),
    "normalised rows": lambda _, x: functional.layer_norm(x, (WIDTH,)),
    "columns first": lambda _, x: x.transpose(2, 3).flatten(2).transpose(1, 2),
    "sorted by windows": lambda _, x: x.unflatten(3, (2, SIDE)).transpose(2, 3).reshape(x.shape),
    "one below the other": lambda _, x: torch.cat([x, x], 2),
    "half of the rows": lambda _, x: x.chunk(2, 2)[0],
    "every other row": lambda _, x: x[:, :, ::2],
    "of two minds": lambda _, x: x.flip(3).mul(2),
    "halves changed": lambda _, x: x.index_copy(3, torch.arange(2), x[..., 2:4]),
}


def shown(function) -> str:
    """Axes of what the function makes of an oblong map."""
    outputs = trace(Around(function), torch.zeros(3, 3, HEIGHT, WIDTH))
    (axes,) = {output.axes for output in outputs if output.name == "shown"}
    return axes


@pytest.mark.parametrize("name", KNOWN)
def test_axes_that_are_kept(name):
    function, expected = KNOWN[name]
    assert shown(function) == expected


def around(before: int, after: int):
    """Tokens of positions with others around them."""

    def joined(_, maps):
        extra = [torch.zeros(len(maps), count, CHANNELS) for count in (before, after)]
        return torch.cat([extra[0], tokens(maps), extra[1]], 1)

    return joined


@pytest.mark.parametrize(("before", "after"), [(1, 0), (16, 0), (0, 3), (34, 7)])
def test_of_tokens_the_grid_and_what_stands_around_it_are_known(before, after):
    """34 + 8 x 16 are as many as 9 x 18: their number would say so."""
    outputs = trace(Around(around(before, after)), torch.zeros(3, 3, HEIGHT, WIDTH))
    expected = Tokens(HEIGHT, WIDTH, before, after)
    assert [o.tokens for o in outputs if o.name == "shown"] == [expected]
    survey = Survey(Around(around(before, after)), (3, HEIGHT, WIDTH))
    layer = survey.readable["shown"]
    assert (layer.prefix_tokens, layer.suffix_tokens) == (before, after)
    assert (layer.height, layer.width) == (HEIGHT, WIDTH) and "shown" in survey.followed


def test_tokens_that_cannot_be_followed_have_the_grid_of_those_that_can():
    """Attention's own output, of as many tokens: not that of the square that their number makes."""

    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, CHANNELS, 9, 9)
            self.tokens, self.attended = nn.Identity(), nn.Identity()

        def forward(self, images):
            own = tokens(self.patches(images))
            own = self.tokens(torch.cat([own.new_zeros(len(own), 16, CHANNELS), own], 1))
            return self.attended(functional.scaled_dot_product_attention(own, own, own))

    survey = Survey(Attending(), (3, 64, 64))
    read = {n: (la.height, la.width, la.prefix_tokens) for n, la in survey.readable.items()}
    assert read["tokens"] == read["attended"] == (7, 7, 16)
    assert survey.followed >= {"tokens"} and "attended" not in survey.followed


def test_tokens_of_two_grids_are_of_neither():
    """4 x 16 and 8 x 8 positions."""

    def both(_, maps):
        return sum(tokens(functional.max_pool2d(maps, size)) for size in ((2, 1), (1, 2)))

    assert shown(both) == ""


@pytest.mark.parametrize("name", UNKNOWN)
def test_axes_that_may_be_others(name):
    assert shown(UNKNOWN[name]) == ""


def test_a_transposed_map_is_said_to_be_one():
    """Of a square map the shape would not show it: such a layer is not among those followed."""
    assert shown(lambda _, x: x.transpose(2, 3)) == "ncxy"
    square = Around(lambda _, x: x.transpose(2, 3))
    assert "shown" not in Survey(square, (3, SIDE, SIDE)).followed
    assert Survey(square, (3, SIDE, SIDE)).readable["shown"].layout == "NCHW"


def test_a_transpose_in_place_changes_what_an_axis_is():
    assert shown(lambda _, x: x.transpose_(2, 3)) == ""


def test_axes_are_the_same_without_values():
    """On the meta device, where no tensor has an address."""
    for function, expected in KNOWN.values():
        net = Around(function).to("meta")
        outputs = trace(net, torch.zeros(3, 3, HEIGHT, WIDTH, device="meta"))
        assert {o.axes for o in outputs if o.name == "shown"} == {expected}


def test_images_are_of_channels_rows_and_columns():
    outputs = trace(nn.Sequential(nn.Identity(), nn.Conv2d(3, 4, 3)), torch.zeros(3, 3, 9, 9))
    assert [output.axes for output in outputs] == [IMAGES, IMAGES]


def test_a_survey_of_a_network_with_values_needs_none():
    """One that computes with values is run with them, and both say the same."""

    class Valued(nn.Module):
        def __init__(self, asks):
            super().__init__()
            self.asks, self.body = asks, nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

        def forward(self, images):
            return self.body(images if not self.asks or images.sum() >= 0 else -images)

    surveys = [Survey.without_values(Valued(asks), (3, 9, 9)) for asks in (False, True)]
    assert [s.geometry for s in surveys] == [surveys[0].geometry] * 2
    assert [list(s.readable) for s in surveys] == [["body.0", "body.1", "body"]] * 2
    devices = [next(s.model.parameters()).device.type for s in surveys]
    assert devices == ["meta", "cpu"]
