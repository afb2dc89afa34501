"""Layers whose axes are not rows and columns of the image are told by a patch that changes."""

import numpy as np
import pytest
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.networks.layer_choice import Survey
from itcortex.networks.moved_patch import (
    changes,
    first_images,
    follows,
    patched_images,
    require_places,
    wake,
)

pytestmark = pytest.mark.network

SIZE = (3, 64, 64)


class Mixer(nn.Module):
    """64 tokens of 64 channels, four heads of attention among them, and what mixes tokens."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 64, 8, stride=8)
        self.tokens, self.flipped, self.transposed = nn.Identity(), nn.Identity(), nn.Identity()
        self.attention, self.mixed = nn.Softmax(-1), nn.Linear(64, 64)
        self.last, self.vector = nn.Linear(64, 64), nn.Linear(64, 4)

    def forward(self, images):
        """Some readings of one map."""
        maps = self.patches(images)
        tokens = self.tokens(maps.flatten(2).transpose(1, 2))
        self.flipped(maps.flip(3))
        self.transposed(maps.transpose(2, 3))
        heads = tokens.unflatten(2, (4, 16)).transpose(1, 2)
        weights = self.attention(heads @ heads.transpose(2, 3))
        mixed = self.mixed(tokens.transpose(1, 2)).transpose(1, 2)
        tokens = tokens + mixed + (weights @ heads).transpose(1, 2).flatten(2)
        return self.vector(self.last(tokens).mean(1))


class Windows(nn.Module):
    """Tokens sorted by the four quarters of the image, which the shape does not show."""

    def __init__(self, sort):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, stride=8)
        self.sort, self.last = sort, nn.Linear(16, 16)

    def forward(self, images):
        """All channels at every token."""
        maps = self.patches(images)
        if self.sort:
            n, c, h, w = maps.shape
            maps = maps.view(n, c, 2, h // 2, 2, w // 2).permute(0, 1, 2, 4, 3, 5)
        return self.last(maps.reshape(len(images), 16, -1).transpose(1, 2))


def judged(model: nn.Module, first: bool = False) -> dict[str, bool]:
    """Whether each of a network's layers with a map follows a patch: over five images, or at first."""
    torch.manual_seed(0)
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    layers = list(Survey(model, SIZE).readable.values())
    with changes(model, layers) as found, torch.no_grad():
        model(torch.zeros(2, *SIZE))  # two images, as one, are not looked at
        assert not any(found.values())
        for images in (
            [first_images(SIZE)] if first else [patched_images(SIZE, i) for i in range(5)]
        ):
            model(images)
    assert not any(module._forward_hooks for module in model.modules())
    return {name: follows(change) for name, change in found.items()}


@pytest.mark.parametrize("first", [False, True])
def test_only_maps_of_the_image_follow_a_patch(first):
    """By shape all are 8 x 8 positions of 64 channels, and attention 64 x 64 of 4: none is refused.

    A vector has no place to look at.
    """
    assert judged(Mixer(), first) == {
        "patches": True, "tokens": True, "flipped": False, "transposed": False, "attention": False,
        "mixed": False, "last": True,
    }  # fmt: skip


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("sort", [False, True])
def test_tokens_sorted_by_windows_are_told_from_rows(sort, first):
    """A quarter of 4 x 4 tokens fills two rows of 8."""
    assert judged(Windows(sort), first) == {"patches": True, "last": not sort}


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_two_patches_tell_all_eight_orientations_apart(turns, mirrored):
    """A map of the image itself, turned and mirrored: only as it is does it follow at a first look."""

    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.map = nn.Conv2d(3, 3, 1)

        def forward(self, images):
            images = images.rot90(turns, (2, 3))
            return self.map(images.flip(3) if mirrored else images)

    assert judged(Turned(), first=True) == {"map": turns == 0 and not mirrored}


def test_deep_layers_whose_weights_begin_at_zero_follow():
    """Strides, and a last layer whose normalisation is zero at first, which would hide all."""
    layers = [
        part
        for i in range(4)
        for part in (nn.Conv2d(3 if i == 0 else 8, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
    ]
    model = nn.Sequential(*layers).eval()
    assert judged(model) == {str(i): True for i in range(12)}
    nn.init.zeros_(model[10].weight)
    wake(model)
    assert model[10].weight.tolist() == [1] * 8
    assert not model[10].bias.any()


def test_one_quarter_may_be_more_sensitive_than_the_others():
    """Over several images its sensitivity is taken out; one image alone is in doubt."""
    change = np.full((4, 4), 0.1) + np.diag([0.1] * 4)
    change[:, 2] *= 5
    assert not follows([change])
    assert follows([change, change])
    # left and right of the upper half are swapped
    assert not follows([change[:, [1, 0, 2, 3]]] * 2)


def test_one_image_is_enough_only_where_it_is_plain():
    change = np.array([[0.12, 0.1, 0.1, 0.1], [0.1, 0.13, 0.1, 0.1]])
    assert not follows([change])
    change[0, 0] = 0.13
    assert follows([change])


def test_what_changes_everywhere_alike_contradicts_nothing_but_what_never_changes_tells_nothing():
    assert follows([np.full((4, 4), 1e-6)])
    assert not follows([np.full((4, 4), 1e-3)])
    assert not follows([])


def test_a_patch_lies_in_the_middle_of_its_quarter():
    """16 of 64 pixels a side from 8 or 40 on, three times as strong and negated.

    The rest is nearly the same, and nowhere the same: what a network reads of its company is not known.
    """
    images = patched_images(SIZE)
    image, changed = images[1], images[[0, 2, 3, 4]]
    far = ((changed - image).abs() > 1).any(1)
    for one, new, (top, left) in zip(
        far, changed, [(8, 8), (8, 40), (40, 8), (40, 40)], strict=True
    ):
        patch = slice(None), slice(top, top + 16), slice(left, left + 16)
        assert torch.equal(new[patch], -3 * image[patch])
        assert one[patch[1:]].float().mean() > 0.9
        rest = torch.ones(SIZE, dtype=bool)
        rest[patch] = False
        assert (new - image)[rest].abs().min() > 0 and (new - image)[rest].abs().max() < 0.5
        assert new.abs().max() > 1.5 * image.abs().max()
    assert torch.equal(first_images(SIZE), images[:3])


def test_a_layer_whose_axes_cannot_be_told_is_refused_by_name():
    model = Mixer()
    layers = Survey(model, SIZE).named(["tokens", "attention"])
    with changes(model, layers) as found, torch.no_grad():
        model(first_images(SIZE))
    require_places(model, SIZE, layers[:1], found)
    with pytest.raises(
        UserError,
        match=r"layers: 'attention' of Mixer: read as 64 x 64 positions of 4 channels, it does not",
    ):
        require_places(model, SIZE, layers, found)
