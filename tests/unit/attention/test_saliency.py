"""Saliency is the gradient of one logit with respect to the image, for any network."""

import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from itcortex.attention.saliency import network_input, photographs_saliency, saliency
from itcortex.data.images import decode_rgb
from itcortex.data.photographs import Photographs
from itcortex.errors import UserError
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.timm_networks import build
from itcortex.numerics import resample

pytestmark = pytest.mark.network

PLAIN = Preprocessing((3, 224, 224), (0.5, 0.5, 0.5), (0.25, 0.5, 0.5), "bilinear")


class Linear(nn.Module):
    """One linear map from pixels to classes: its gradient is its weights."""

    def __init__(self, classes=4, side=6):
        super().__init__()
        self.num_classes = classes
        generator = torch.Generator().manual_seed(1)
        weights = torch.randn(classes, 3, side, side, generator=generator)
        self.weights = nn.Parameter(weights)

    def forward(self, images):
        """Logits."""
        return torch.einsum("nchw,kchw->nk", images, self.weights)


class Pixel(nn.Module):
    """A thousand classes, of which one reads the corner pixel and the others nothing much."""

    num_classes = 1000

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1000))

    def forward(self, images):
        """Logits: the corner pixel's red, squared, times a scale of the class."""
        return images[:, 0, 0, 0, None] ** 2 * self.scale + 1e-3 * torch.arange(1000)


@pytest.fixture
def batch():
    """Five small images."""
    return torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(2))


def photographs(rng, count=3, labels=None, reference=False, side=256):
    """Made photographs, with maps that nobody looks at here."""
    jpegs = []
    for _ in range(count):
        content = io.BytesIO()
        pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(content, format="JPEG")
        jpegs.append(content.getvalue())
    maps = {"eye": rng.random((count, 224, 224), dtype=np.float32)}
    names = tuple(f"{k}.jpg" for k in range(count))
    return Photographs(names, tuple(jpegs), maps, labels, reference)


# --- gradients ------------------------------------------------------------------------------------


def test_gradient_of_a_linear_network_is_its_weights(batch):
    model, labels = Linear(), torch.tensor([0, 3, 1, 1, 2])
    largest, classes = saliency(model, batch, labels)
    mean, _ = saliency(model, batch, labels, "mean")
    weights = model.weights.detach()[labels]
    torch.testing.assert_close(largest, weights.abs().amax(1))
    torch.testing.assert_close(mean, weights.mean(1))
    assert classes.tolist() == labels.tolist()


def test_without_labels_the_class_is_the_largest_logit(batch):
    model = Linear()
    maps, classes = saliency(model, batch)
    assert classes.tolist() == model(batch).argmax(1).tolist()
    assert len(set(classes.tolist())) > 1
    torch.testing.assert_close(maps, model.weights.detach()[classes].abs().amax(1))


def test_gradient_agrees_with_finite_differences():
    model = build("mobilenetv3_small_050", seed=0).double()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).double()
    label = torch.tensor([17])
    found, _ = saliency(model, image, label, "mean")
    step = 1e-6
    for row, column in ((10, 20), (31, 33), (60, 5)):
        slopes = []
        for colour in range(3):
            moved = [image.clone(), image.clone()]
            moved[0][0, colour, row, column] += step
            moved[1][0, colour, row, column] -= step
            with torch.no_grad():
                up, down = (model(one)[0, 17].item() for one in moved)
            slopes.append((up - down) / (2 * step))
        # the map is float32; differences of this size err by 1e-8 of the logit over the step
        assert found[0, row, column].item() == pytest.approx(np.mean(slopes), rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "vit_tiny_patch16_224", "levit_128s"])
def test_images_of_a_batch_do_not_influence_each_other(name):
    model = build(name, seed=0).train()
    images = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    together, classes = saliency(model, images)
    for k in range(3):
        alone, _ = saliency(model, images[k : k + 1], classes[k : k + 1])
        scale = together[k].max()
        torch.testing.assert_close(alone[0] / scale, together[k] / scale, atol=1e-3, rtol=0)
    assert together.shape == (3, 224, 224) and bool((together >= 0).all())


def test_one_image_of_a_network_with_batch_norm_over_tokens_is_right():
    """What torch 2.13 gets wrong on the CPU for a batch of one, against finite differences."""
    model = build("levit_128s", seed=0).double()
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)).double()
    found, _ = saliency(model, image, torch.tensor([763]), "mean")
    slopes = []
    for colour in range(3):
        moved = image.repeat(2, 1, 1, 1)
        moved[0, colour, 10, 10] += 1e-4
        moved[1, colour, 10, 10] -= 1e-4
        with torch.no_grad():
            up, down = model(moved)[:, 763].tolist()
        slopes.append((up - down) / 2e-4)
    assert found[0, 10, 10].item() == pytest.approx(np.mean(slopes), rel=1e-4)


def test_the_network_is_left_as_it_was(batch):
    model = nn.Sequential(Linear(8), nn.BatchNorm1d(8), nn.Linear(8, 4)).train()
    model[2].eval()
    model[2].bias.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    saliency(model, batch)
    assert [module.training for module in model] == [True, True, False]
    assert model[2].weight.requires_grad and not model[2].bias.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():  # running means included
        assert torch.equal(value, before[name])
    assert not batch.requires_grad


def test_works_where_gradients_are_off(batch):
    with torch.no_grad():
        found, _ = saliency(Linear(), batch)
    assert bool((found > 0).all())


def test_a_network_that_does_not_look_has_a_saliency_of_zero(batch):
    model = Linear()
    nn.init.zeros_(model.weights)
    assert not saliency(model, batch)[0].any()


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Linear(), {"reduction": "max"}, "'max' is not one of max_abs, mean"),
        (Linear(), {"labels": torch.tensor([0, 1, 2, 3, 4])}, "label 4, but 4 classes"),
        (nn.Conv2d(3, 2, 3), {}, "one logit a class"),
    ],
)
def test_what_has_no_saliency_is_refused(batch, model, options, message):
    with pytest.raises(ValueError, match=message):
        saliency(model, batch, **options)


# --- photographs ----------------------------------------------------------------------------------


def test_every_photograph_has_a_map_of_224_pixels_of_its_own_class(rng):
    shown = photographs(rng, 5, labels=np.array([3, 999, 0, 4, 4]))
    found = list(photographs_saliency(Pixel(), PLAIN, shown, 2))
    assert [label for _, label in found] == [3, 999, 0, 4, 4]
    for one, _ in found:
        assert one.shape == (224, 224) and one.dtype == np.float32
        assert np.flatnonzero(one).tolist() == [0]  # only the corner counts


def test_batch_size_does_not_matter(rng):
    shown, model = photographs(rng), build("mobilenetv3_small_050", seed=0)
    one, all_ = (list(photographs_saliency(model, PLAIN, shown, size)) for size in (1, 3))
    for (a, first), (b, second) in zip(one, all_, strict=True):
        np.testing.assert_allclose(a / b.max(), b / b.max(), atol=1e-3)
        assert first == second


def test_maps_of_another_input_size_are_resized_and_keep_their_place(rng):
    model, small = Linear(1000, 128), Preprocessing((3, 128, 128), *[(0.5,) * 3] * 2, "bilinear")
    nn.init.zeros_(model.weights)
    with torch.no_grad():
        model.weights[:, :, 96:112, 16:32] = 1.0
    ((found, _),) = photographs_saliency(model, small, photographs(rng, 1), 4)
    assert found.shape == (224, 224)
    rows, columns = np.indices(found.shape)
    # a block of 16 cells a side around (104, 24) of 128
    assert (rows * found).sum() / found.sum() + 0.5 == pytest.approx(104 / 128 * 224, abs=0.1)
    assert (columns * found).sum() / found.sum() + 0.5 == pytest.approx(24 / 128 * 224, abs=0.1)


def test_labels_need_a_network_with_imagenets_classes(rng):
    shown = photographs(rng, 1, labels=np.array([3]))
    with pytest.raises(UserError, match="the network has 4"):
        list(photographs_saliency(Linear(4, 224), PLAIN, shown, 1))


def test_clickmes_photographs_are_resized_as_its_authors_do(rng):
    shown = photographs(rng, 2, reference=True)
    found = network_input(shown, slice(0, 2), PLAIN)
    pixels = np.stack([np.asarray(decode_rgb(one, "")) for one in shown.jpegs])
    resized = resample.resize_images(pixels, (224, 224)) / 255
    expected = (resized - np.array(PLAIN.mean)) / np.array(PLAIN.std)
    np.testing.assert_allclose(found.permute(0, 2, 3, 1), expected, atol=1e-5)


def test_others_are_resized_by_the_models_own_preprocessing(rng):
    shown = photographs(rng, 2)
    pixels = np.stack([np.asarray(decode_rgb(one, "")) for one in shown.jpegs])
    assert torch.equal(network_input(shown, slice(1, 2), PLAIN), PLAIN(pixels[1:]))


def test_a_damaged_photograph_is_named(rng):
    shown = photographs(rng, 1)
    damaged = dataclasses.replace(shown, image_ids=("1025.jpg",), jpegs=(b"no picture",))
    with pytest.raises(UserError, match=r"1025\.jpg: not a readable photograph"):
        network_input(damaged, slice(0, 1), PLAIN)
