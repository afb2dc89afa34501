"""Crops lie within their images, are cut when they are asked for, and the strongest ones are shown."""

import numpy as np

from itcortex.concepts.crops import Crops, strongest


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
    crops = Crops.draw(images, 0.3, 20, np.random.default_rng(1))
    assert len(crops) == 20 and crops.side == 6 and images.read == []
    some = crops[2:9]
    assert images.read == [0, 1, 2] and len(some) == 7
    for k, crop in enumerate(some, 2):
        top, left = crops.top[k], crops.left[k]
        assert 0 <= top <= 14 and 0 <= left <= 24
        expected = images.images[crops.image_of[k], top : top + 6, left : left + 6]
        np.testing.assert_array_equal(crop, expected)
        np.testing.assert_array_equal(crops[k], expected)
    again = Crops.draw(images, 0.3, 20, np.random.default_rng(1))
    np.testing.assert_array_equal(again.top, crops.top)


def test_every_place_is_drawn_and_a_crop_of_the_whole_image_has_one():
    images = np.zeros((400, 8, 8, 3), np.uint8)
    crops = Crops.draw(images, 0.5, 800, np.random.default_rng(0))
    assert set(crops.top) == set(crops.left) == set(range(5))
    whole = Crops.draw(images[:1], 1.0, 3, np.random.default_rng(0))
    assert whole.side == 8 and not whole.top.any() and not whole.left.any()


def test_every_image_has_as_many_crops_up_to_one_and_few_crops_are_spread_over_the_images():
    images = np.zeros((7, 8, 8, 3), np.uint8)
    counts = np.bincount(Crops.draw(images, 0.5, 17, np.random.default_rng(0)).image_of)
    assert counts.tolist() == [3, 2, 3, 2, 3, 2, 2]
    few = Crops.draw(images, 0.5, 3, np.random.default_rng(0))
    assert few.image_of.tolist() == [0, 2, 4] and len(few) == 3


def test_the_strongest_crops_are_of_different_pictures_and_none_without_the_concept():
    strengths = np.array([0.1, 0.9, 0.8, 0.0, 0.5, 0.9])
    pictures = ["a", "b", "b", "c", "a", "d"]
    assert strongest(strengths, pictures, 6).tolist() == [1, 5, 4]
    assert strongest(strengths, pictures, 2).tolist() == [1, 5]
