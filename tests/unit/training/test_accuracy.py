"""Top-1 of networks that read the answer off the image: the accuracy is known."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.imagenet import imagenet_classes
from itcortex.networks.preprocessing import Preprocessing
from itcortex.training import accuracy

pytestmark = pytest.mark.network

AS_IT_IS = Preprocessing((3, 8, 8), (0.0,) * 3, (1.0,) * 3, "nearest")


class Reader(nn.Module):
    """The class number that an image's colour writes: 100 in red, 10 in green, 1 in blue."""

    def __init__(self, classes: int = 1000):
        super().__init__()
        self.classes = classes

    def forward(self, images):
        digits = (images.mean((2, 3)) * 255 / 20).round().long()
        numbers = digits @ torch.tensor([100, 10, 1])
        return nn.functional.one_hot(numbers, self.classes).float()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One image a class, by WordNet id; those of classes 10, 20, ..., 90 show class 5."""
    root = tmp_path_factory.mktemp("validation")
    for number, name in enumerate(imagenet_classes().ids):
        shown = 5 if number in range(10, 100, 10) else number
        colour = [20 * (shown // 100), 20 * (shown // 10 % 10), 20 * (shown % 10)]
        (root / name).mkdir()
        Image.fromarray(np.full((8, 10, 3), colour, np.uint8)).save(root / name / "1.png")
    return root


def test_accuracy_is_the_share_of_images_whose_class_is_said(folder):
    samples = accuracy.imagenet_folder(folder)
    found = accuracy.measure_top1(Reader(), AS_IT_IS, samples, 0.875, 64, torch.device("cpu"))
    assert found == accuracy.Accuracy(top1=pytest.approx(99.1), n_images=1000, crop=0.875)


def test_other_numbers_of_classes_are_refused(folder, tmp_path):
    samples = accuracy.imagenet_folder(folder)
    with pytest.raises(
        UserError, match=r"the network puts out \(1001,\) for an image.*leave top1 e"
    ):
        accuracy.measure_top1(Reader(1001), AS_IT_IS, samples, 1.0, 64, torch.device("cpu"))
    for number in range(1000):
        (tmp_path / str(number)).mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "0" / "1.png")
    with pytest.raises(UserError, match=r"folder '1' holds no image \(999 such folders\)"):
        accuracy.imagenet_folder(tmp_path)
    (tmp_path / "7").rmdir()
    with pytest.raises(UserError, match=r"has folders of 999 classes.* none for 'cock' \(number 7"):
        accuracy.imagenet_folder(tmp_path)


def test_the_crop_is_that_of_the_published_accuracy():
    model = nn.Identity()
    assert accuracy.published_crop(model) == 0.875
    model.pretrained_cfg = {"crop_pct": 0.95}
    assert accuracy.published_crop(model) == 0.95
