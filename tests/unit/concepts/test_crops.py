"""Crops lie within their images, are cut when they are asked for, and the strongest ones are shown."""

import numpy as np
import pytest

from itcortex.concepts.crops import Crops, require_crops, strongest
from itcortex.errors import UserError


class Counted:
    """Images of which is noted when they are read, as in a file."""

    def __init__(self, images: np.ndarray):
        self.images, self.shape, self.read = images, images.shape, []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        self.read.append(index)
        return self.images[index]


def test_crops_are_parts_of_their_images_and_an_image_is_read_once_for_all_of_its_crops(rng):
    images = Counted(rng.integers(0, 255, (5, 20, 30, 3)).astype(np.uint8))
    crops = Crops.draw(images, 0.3, 4, np.random.default_rng(1))
    assert len(crops) == 20 and crops.side == 6 and images.read == []
    some = crops[2:9]
    assert images.read == [0, 1, 2] and len(some) == 7
    for k, crop in enumerate(some, 2):
        top, left = crops.top[k], crops.left[k]
        assert 0 <= top <= 14 and 0 <= left <= 24
        expected = images.images[crops.image_of[k], top : top + 6, left : left + 6]
        np.testing.assert_array_equal(crop, expected)
        np.testing.assert_array_equal(crops[k], expected)
    again = Crops.draw(images, 0.3, 4, np.random.default_rng(1))
    np.testing.assert_array_equal(again.top, crops.top)


def test_every_place_is_drawn_and_a_crop_of_the_whole_image_has_one():
    images = np.zeros((400, 8, 8, 3), np.uint8)
    crops = Crops.draw(images, 0.5, 2, np.random.default_rng(0))
    assert set(crops.top) == set(crops.left) == set(range(5))
    whole = Crops.draw(images[:1], 1.0, 3, np.random.default_rng(0))
    assert whole.side == 8 and not whole.top.any() and not whole.left.any()


def test_the_strongest_crops_are_of_different_pictures_and_none_without_the_concept():
    strengths = np.array([0.1, 0.9, 0.8, 0.0, 0.5, 0.9])
    pictures = ["a", "b", "b", "c", "a", "d"]
    assert strongest(strengths, pictures, 6).tolist() == [1, 5, 4]
    assert strongest(strengths, pictures, 2).tolist() == [1, 5]


def test_fewer_crops_than_concepts_are_refused():
    require_crops(4, 1, 4)
    with pytest.raises(
        UserError, match="5 concepts cannot be found in 4 crops of 1 images; ask for"
    ):
        require_crops(4, 1, 5)
