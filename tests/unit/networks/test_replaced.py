"""The rest of a network with other maps in a layer: its own answer with its own, and map by map."""

import numpy as np
import pytest
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layers import Layer, as_maps, with_maps
from itcortex.networks.replaced import ReplacedLayer, maps_up_to

pytestmark = pytest.mark.network


class Around(nn.Module):
    """Data goes around the layer: added, which one image can, or joined as channels, which it cannot."""

    def __init__(self, joins: bool):
        super().__init__()
        self.joins = joins
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(8 if joins else 4)
        self.head = nn.Linear(8 if joins else 4, 5)

    def forward(self, images):
        stem = self.stem(images)
        inner = self.layer(stem.relu())
        both = torch.cat([stem, inner], 1) if self.joins else stem + inner
        return self.head(self.norm(both).relu().mean((2, 3)))


@pytest.mark.parametrize("joins", [True, False])
def test_scores_are_the_networks_own_and_those_of_every_map_alone(joins):
    torch.manual_seed(0)
    model = Around(joins).eval()
    layer = Layer("layer", "NCHW", 0, 6, 6, 4, 0.5)
    image = torch.randn(1, 3, 6, 6)
    replaced = ReplacedLayer(model, layer)
    maps, scores = replaced.look(image)
    torch.testing.assert_close(maps_up_to(model, layer, image), maps)
    with torch.no_grad():
        torch.testing.assert_close(scores, model(image)[0])
    others = torch.cat([maps, maps * 0, torch.randn(3, 6, 6, 4)])
    found = replaced.scores(image, others)
    torch.testing.assert_close(found[0], scores)
    single = [replaced.scores(image, one[None])[0] for one in others]
    torch.testing.assert_close(found, torch.stack(single))
    with torch.no_grad():  # by hand
        stem, inner = model.stem(image), others[2:3].movedim(-1, 1)
        both = torch.cat([stem, inner], 1) if joins else stem + inner
        expected = model.head(model.norm(both).relu().mean((2, 3)))[0]
        torch.testing.assert_close(found[2], expected)
        torch.testing.assert_close(model(image)[0], scores)  # no hook is left


@pytest.mark.parametrize(
    ("layout", "prefix", "shape"),
    [("NCHW", 0, (4, 2, 3)), ("NHWC", 0, (2, 3, 4)), ("NTC", 1, (7, 4)), ("NC", 0, (4,))],
)
def test_maps_in_a_layers_output_are_read_again(layout, prefix, shape):
    height, width = (1, 1) if layout == "NC" else (2, 3)
    layer = Layer("x", layout, prefix, height, width, 4, 1.0)
    output = torch.randn(1, *shape)
    torch.testing.assert_close(with_maps(output, as_maps(output, layer), layer), output)
    maps = torch.randn(3, height, width, 4)
    put = with_maps(output, maps, layer)
    np.testing.assert_array_equal(as_maps(put, layer), maps)
    if prefix:
        torch.testing.assert_close(put[:, :1], output[:, :1].expand(3, 1, 4))


def test_what_cannot_be_replaced_or_has_no_classes_is_refused():
    layer = Layer("0", "NCHW", 0, 4, 4, 2, 0.5)
    image, maps = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, 2)
    bare = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
    with pytest.raises(UserError, match="does not put out scores of classes"):
        ReplacedLayer(bare, layer).look(image)
    headless = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten())
    headless.num_classes = 0
    with pytest.raises(UserError, match="take a classifier, with its head"):
        ReplacedLayer(headless, layer).scores(image, maps)
    stage = Layer("forward_intermediates.2", "NCHW", 0, 4, 4, 2, 0.5)
    with pytest.raises(UserError, match="is no module's output"):
        ReplacedLayer(bare, stage)


def test_a_layer_that_puts_out_several_tensors_is_refused():
    class Pair(nn.Module):
        def forward(self, images):
            return images, images

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair = Pair()

        def forward(self, images):
            return self.pair(images)[0].mean((2, 3))

    layer = Layer("pair", "NCHW", 0, 4, 4, 3, 0.5)
    with pytest.raises(UserError, match="layer 'pair' puts out a tuple"):
        ReplacedLayer(Net(), layer).look(torch.zeros(1, 3, 4, 4))
