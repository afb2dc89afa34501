"""What a network's images must look like, and how they are made so."""

import numpy as np
import pytest
import torch
from PIL import Image

from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import skeleton
from itcortex.networks.torch_compat import timm
from made.known_network import Known

pytestmark = pytest.mark.network


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
