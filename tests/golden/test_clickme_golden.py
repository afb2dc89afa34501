"""ClickMe's records and maps are those that the authors' TensorFlow code makes of them."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from itcortex.data.published import clickme
from itcortex.numerics import resample

pytestmark = [pytest.mark.shared, pytest.mark.network]


@pytest.fixture(scope="module")
def golden(shared):
    """One record, and what `parse_clickme_prototype` makes of it."""
    return np.load(shared / "data" / "golden" / "clickme_parse.npz")


@pytest.fixture(scope="module")
def records(shared):
    """Records of the small shard."""
    found, problems = clickme.read_shard(shared / "data" / "golden" / "two_records.tfrecords")
    assert problems.empty
    return found


def test_shard_gives_the_authors_bytes_and_labels(records, golden):
    assert len(records) == 2
    assert records["label"].tolist() == [int(golden["label"])] * 2
    assert records["image"][0] == golden["image_jpeg"].tobytes()
    assert records["heatmap"][0] == golden["heatmap_jpeg"].tobytes()


def test_blur_kernel_is_the_authors(shared):
    kernel = np.load(shared / "data" / "golden" / "gaussian_kernel.npz")["kernel"]
    found = np.outer(*clickme.kernel_sides())
    np.testing.assert_allclose(found, kernel[..., 0, 0], rtol=1e-6)  # theirs is float32


def test_map_of_the_same_pixels_is_the_authors(golden):
    found = clickme.human_maps(golden["heatmap_u8"][None, ..., 0])[0]
    # theirs goes through float32 three times; values reach 118
    np.testing.assert_allclose(found, golden["heatmap"][..., 0], atol=2e-4)


def test_photograph_of_the_same_pixels_is_the_authors(golden):
    found = resample.resize_images(golden["image_u8"][None], (224, 224))[0]
    # theirs interpolates at float32 coordinates up to 255: 2e-5 of a pixel, times steps up to 255
    np.testing.assert_allclose(found, golden["image"], atol=5e-3)


def test_from_the_jpeg_bytes_on_only_the_decoders_differ(records, golden):
    pixels = clickme.jpeg_pixels(records["image"][0], "image")
    image = resample.resize_images(pixels[None], (224, 224))[0]
    human = clickme.human_maps(clickme.jpeg_pixels(records["heatmap"][0], "heatmap")[None])[0]
    # TensorFlow's default decoder trades accuracy for speed; grey has no colours to interpolate
    assert np.abs(pixels.astype(int) - golden["image_u8"]).max() <= 7
    assert np.abs(image - golden["image"]).max() <= 7
    difference = np.abs(human - golden["heatmap"][..., 0])
    assert difference.max() < 1  # of 118
    # what scores are made of: ranks
    assert spearmanr(human.ravel(), golden["heatmap"].ravel()).statistic > 0.9999
