"""How an image and its human map are cut: the map follows the image."""

import numpy as np
import pytest
from PIL import Image

from itcortex.training.augmentation import Crop, centre_crop, cut_image, cut_map, random_crop

pytestmark = [pytest.mark.network, pytest.mark.process]


def centroid(weights):
    """Centre of mass (row, column) in pixels."""
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(weights * rows).sum(), (weights * columns).sum()]) / weights.sum()


def photograph(height, width, centre, radius=9):
    """A black photograph with a red disc at `centre` (row, column), and the disc as a map."""
    rows, columns = np.mgrid[:height, :width]
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    return Image.fromarray(np.uint8(255) * disc[..., None] * np.eye(3, dtype=np.uint8)[0]), disc


@pytest.mark.parametrize("map_share", [1.0, 0.5])
def test_the_map_follows_the_image_under_any_crop_flip_and_size(map_share):
    rng = np.random.default_rng(0)
    flips, compared = 0, 0
    for _ in range(200):
        height, width = rng.integers(80, 160, size=2)
        image, disc = photograph(height, width, (0.5 * height, 0.45 * width))
        size = (round(height * map_share), round(width * map_share))
        human = cut_map(disc.astype(np.float32), Crop(), size)
        crop = random_crop(image.size, (0.08, 1), (3 / 4, 4 / 3), 0.5, rng)
        shown = cut_image(image, crop, (64, 64), "bilinear")[..., 0] / 255
        guide = cut_map(human, crop, (64, 64))
        flips += crop.flip
        if shown.sum() < 20:  # the crop missed the disc: so must the map's
            assert guide.sum() < 30
            continue
        compared += 1
        # Half a pixel of the map at half resolution is up to a few of a small, enlarged crop.
        scale = 64 / min(width * (crop.right - crop.left), height * (crop.bottom - crop.top))
        assert np.abs(centroid(shown) - centroid(guide)).max() < 0.35 * max(scale / map_share, 1)
        assert np.corrcoef(shown.ravel(), guide.ravel())[0, 1] > (0.97 if map_share == 1 else 0.85)
    assert compared > 100 and 60 < flips < 140


def test_a_flipped_crop_is_the_mirror_image():
    image, disc = photograph(40, 60, (20, 15))
    plain, mirrored = Crop(0, 0, 0.5, 1), Crop(0, 0, 0.5, 1, flip=True)
    size = (20, 20)
    np.testing.assert_array_equal(
        cut_image(image, plain, size, "bilinear")[:, ::-1],
        cut_image(image, mirrored, size, "bilinear"),
    )
    human = disc.astype(np.float32)
    np.testing.assert_array_equal(
        cut_map(human, plain, size)[:, ::-1], cut_map(human, mirrored, size)
    )


def test_a_crop_cuts_the_part_that_it_names():
    values = np.arange(48, dtype=np.float32).reshape(6, 8)
    np.testing.assert_array_equal(
        cut_map(values, Crop(0.25, 0.5, 0.75, 1), (3, 4)), values[3:, 2:6]
    )


def test_random_crops_have_the_asked_areas_and_aspects():
    rng = np.random.default_rng(3)
    crops = [random_crop((300, 200), (0.2, 0.5), (0.8, 1.25), 0.5, rng) for _ in range(400)]
    sides = np.array([(300 * (c.right - c.left), 200 * (c.bottom - c.top)) for c in crops])
    area, aspect = sides.prod(1) / 60000, sides[:, 0] / sides[:, 1]
    assert 0.19 < area.min() < 0.23 and 0.47 < area.max() < 0.51  # whole pixels round a little
    assert 0.78 < aspect.min() < 0.83 and 1.2 < aspect.max() < 1.28
    assert {(c.left >= 0 and c.right <= 1 and c.top >= 0 and c.bottom <= 1) for c in crops} == {
        True
    }


def test_an_aspect_that_fits_nowhere_gives_the_centre():
    crop = random_crop((1000, 10), (1, 1), (3 / 4, 4 / 3), 0.0, np.random.default_rng(0))
    assert crop.box(1000, 10) == pytest.approx((493, 0, 506, 10))


def test_the_central_square_is_central():
    assert centre_crop((200, 100), 0.5).box(200, 100) == pytest.approx((75, 25, 125, 75))
