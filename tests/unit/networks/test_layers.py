"""Outputs of layers as maps, whatever their layout."""

import numpy as np
import pytest
import torch

from itcortex.networks.layers import Geometry, Layer, as_maps, with_maps

pytestmark = pytest.mark.network


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


def test_tokens_on_both_sides_of_the_grid_are_dropped_and_stay():
    """Two before, three behind; the grid holds its own numbers."""
    layer = Layer("a", "NTC", 2, 4, 5, 3, 0.5, suffix_tokens=3)
    values = torch.arange(25.0)[None, :, None].expand(1, 25, 3)
    maps = as_maps(values, layer)
    assert maps[0, :, :, 0].flatten().tolist() == list(range(2, 22))
    back = with_maps(values, torch.cat([maps, -maps]), layer)
    assert back[0].equal(values[0])
    signs = [1] * 2 + [-1] * 20 + [1] * 3
    assert back[1, :, 0].tolist() == [s * k for k, s in enumerate(signs)]
