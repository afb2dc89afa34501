"""Networks that give one image other values by chance, by pass or by company are found, and where."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from itcortex.errors import UserError
from itcortex.networks.activations import extract
from itcortex.networks.image_by_image import Parting, first_parting, require_function_of_image
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.preprocessing import Preprocessing

pytestmark = pytest.mark.network


class Net(nn.Module):
    """Two convolutions, one in a block, and between them what is tried."""

    def __init__(self, middle):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.middle = middle if isinstance(middle, nn.Module) else nn.Identity()
        self.function = None if isinstance(middle, nn.Module) else middle
        self.last = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())

    def forward(self, images):
        """The function in the network's own forward pass, or the module."""
        maps = self.middle(self.first(images))
        return self.last(self.function(maps) if self.function else maps)


class Half(nn.Module):
    """Calls a function in a forward pass of its own."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.seen = 0

    def forward(self, maps):
        """What the function makes of the maps."""
        return self.function(self, maps)


def count_passes(module, maps):
    """A state that every pass leaves behind."""
    module.seen += 1
    return maps + module.seen


def remember(module, maps):
    """What the pass before left, while the batch has one shape."""
    before, module.state = getattr(module, "state", None), maps.detach()
    return maps if before is None or before.shape != maps.shape else maps + 0.1 * before


def settle(module, maps):
    """A running mean over passes of one shape: of one image again and again it is the image."""
    before = getattr(module, "state", None)
    fresh = before is None or before.shape != maps.shape
    module.state = maps.detach() if fresh else (maps + before).detach() / 2
    return module.state


def windows(_, maps):
    """Windows in the batch axis, as Swin has them, after a normalisation of each: one image each."""
    n, c, h, w = maps.shape
    parts = maps.view(n, c, 2, h // 2, 2, w // 2).permute(0, 2, 4, 3, 5, 1).reshape(4 * n, -1, c)
    parts = functional.layer_norm(parts, (c,))
    return parts.view(n, 2, 2, h // 2, w // 2, c).permute(0, 5, 1, 3, 2, 4).reshape(maps.shape)


def windows_in_turn(_, maps):
    """The same, but window by window: the images of a batch alternate."""
    n, c, h, w = maps.shape
    parts = maps.view(n, c, 2, h // 2, 2, w // 2).permute(2, 4, 0, 3, 5, 1).reshape(4 * n, -1, c)
    parts = functional.layer_norm(parts, (c,))
    return parts.view(2, 2, n, h // 2, w // 2, c).permute(2, 5, 0, 3, 1, 4).reshape(maps.shape)


def by_hand(_, maps):
    """Batch normalisation written out."""
    return (maps - maps.mean((0, 2, 3), keepdim=True)) / maps.std((0, 2, 3), keepdim=True)


def sparse(_, maps):
    """A fixed mixing of rows by a sparse matrix, as networks on graphs have it."""
    matrix = torch.eye(maps.shape[2]).to_sparse()
    rows = (matrix @ maps.movedim(2, 0).flatten(1)).unflatten(1, maps.movedim(2, 0).shape[1:])
    return rows.movedim(0, 2)


PLAIN = {
    "identity": lambda maps: maps,
    "dropout that is off": nn.Dropout(0.5),
    "dropout of nothing": lambda maps: functional.dropout(maps, 0.0),
    "batch norm": nn.BatchNorm2d(8),
    "instance norm": nn.InstanceNorm2d(8),
    "group norm": nn.GroupNorm(2, 8),
    "windows": Half(windows),
    "windows in turn": Half(windows_in_turn),
    "a sparse matrix": Half(sparse),
    "not finite": lambda maps: maps / 0,
}
PARTING = {
    "dropout": (functional.dropout, Parting("", "middle", "dropout", "chance")),
    "rare dropout": (
        lambda maps: functional.dropout2d(maps, 0.01), Parting("", "middle", "dropout2d", "chance")
    ),
    "noise in a layer": (
        Half(lambda _, maps: maps + 1e-6 * torch.randn_like(maps)),
        Parting("middle", "first", "randn_like", "chance"),
    ),
    "no running statistics": (
        nn.BatchNorm2d(8, track_running_stats=False),
        Parting("middle", "first", "batch_norm", "the batch"),
    ),
    "batch norm by hand": (Half(by_hand), Parting("middle", "first", "sub", "the batch")),
    "the batch's range": (
        lambda maps: (maps - maps.amin()) / (maps.amax() - maps.amin()),
        Parting("", "middle", "sub", "the batch"),
    ),
    "images before": (
        Half(lambda _, maps: maps.cumsum(0)),
        Parting("middle", "first", "cumsum", "the batch"),
    ),
    "images after": (
        Half(lambda _, maps: maps.flip(0).cumsum(0).flip(0)),
        Parting("middle", "first", "cumsum", "the batch"),
    ),
    "attention over the batch": (
        lambda maps: torch.einsum("nchw,mchw,mcij->ncij", maps, maps, maps),
        Parting("", "middle", "einsum", "the batch"),
    ),
    "the last pass": (Half(remember), Parting("last.0", "middle", "conv2d", "the pass")),
    "a running mean": (Half(settle), Parting("last.0", "middle", "conv2d", "the pass")),
    "a counter": (Half(count_passes), Parting("middle", "first", "add", "the pass")),
}  # fmt: skip


def images(count: int = 3) -> torch.Tensor:
    """Images of noise, the last one three times as strong."""
    noise = torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    noise[-1] *= 3
    return noise


def net(middle) -> Net:
    """The network in evaluation mode, with the same weights every time."""
    torch.manual_seed(0)
    return Net(middle).eval()


@pytest.mark.parametrize("name", PLAIN)
def test_functions_of_one_image_pass(name):
    """Also where windows lie in the batch axis, in either order."""
    assert first_parting(net(PLAIN[name]), images()) is None


@pytest.mark.parametrize("name", PARTING)
def test_the_first_place_where_values_part_is_found(name):
    """Layer, the layer before, torch's function, and what the values depend on."""
    middle, expected = PARTING[name]
    found = first_parting(net(middle), images())
    assert (found.layer, found.after, found.on) == (expected.layer, expected.after, expected.on)
    assert (
        expected.operation in found.operation
    )  # subtraction is __sub__ or sub, by torch's version


def test_random_numbers_drawn_elsewhere_are_not_touched():
    before = torch.get_rng_state()
    first_parting(net(functional.dropout), images())
    assert torch.equal(before, torch.get_rng_state())


def test_no_hook_stays_behind():
    """Neither after an answer nor after an error."""
    model = net(nn.BatchNorm2d(8, track_running_stats=False))
    first_parting(model, images())
    with pytest.raises(UserError):
        first_parting(model, torch.zeros(2, 4, 8, 8))
    hooks = [m._forward_hooks or m._forward_pre_hooks for m in model.modules()]
    assert not any(hooks)


@pytest.mark.parametrize(
    ("middle", "message"),
    [
        (
            functional.dropout,
            r"Net: in evaluation mode its values depend on chance and not on the image alone, first in "
            r"the network's own forward pass after layer 'middle', at `dropout`: probably dropout that "
            r"is also active in evaluation; use nn.Dropout, or pass training=self.training",
        ),
        (
            nn.BatchNorm2d(8, track_running_stats=False),
            r"depend on the batch .* first in layer 'middle', at `batch_norm`: probably a batch "
            r"normalisation without running statistics; .*track_running_stats=True",
        ),
        (Half(by_hand), r"the batch .*'middle', .*joins the images of a batch; compute every image"),
        (Half(count_passes), r"the pass .*'middle', .*a state that every pass leaves behind; change no"),
    ],
)  # fmt: skip
def test_the_refusal_names_layer_cause_and_remedy(middle, message):
    with pytest.raises(UserError, match=message):
        require_function_of_image(net(middle), images())


def test_a_network_that_needs_company_is_refused_with_the_layer_where_it_stops():
    """Batch statistics of one value do not exist: the last batch may hold one image."""
    middle = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(8, track_running_stats=False))
    with pytest.raises(
        UserError, match=r"one image alone .* stops in layer 'middle\.1' \(ValueErr"
    ):
        first_parting(net(middle), images())


# --- in the job, with the weights that count ------------------------------------------------------

PREPROCESSING = Preprocessing((3, 8, 8), (0.0,) * 3, (1.0,) * 3, "bilinear")


@pytest.mark.parametrize("middle", [functional.dropout, Half(by_hand)])
def test_activations_that_depend_on_the_batch_stop_at_the_first(middle, rng):
    """Whatever row they are of; the layer before is not named."""
    shown = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    model = net(middle)
    layers = choose_layers(net(nn.Identity()), (3, 8, 8))
    with pytest.raises(
        UserError, match=r"layer '(middle|last.*)' gives an image other values alone"
    ):
        list(extract(model, PREPROCESSING, shown, layers, batch_size=3))


def recording(middle, shown, size):
    """Features of images by a network with this part."""
    layers = choose_layers(net(nn.Identity()), (3, 8, 8))
    return list(extract(net(middle), PREPROCESSING, shown, layers, batch_size=size))


@pytest.mark.parametrize("middle", [remember, settle])
@pytest.mark.parametrize(("size", "count"), [(1, 9), (2, 9), (3, 9), (2, 2)])
def test_a_state_that_passes_of_one_shape_leave_behind_stops_an_extraction(
    middle, size, count, rng
):
    shown = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(
        UserError, match=r"other values alone than in a batch .* a state that passes"
    ):
        recording(Half(middle), shown, size)


def test_a_state_that_grows_slowly_is_seen_at_the_end(rng):
    """Each pass moves values by less than the first look takes for rounding."""

    def drift(module, maps):
        module.seen += 1
        return maps * (1 + 0.001 * module.seen)

    shown = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    assert len(recording(Half(drift), shown[:4], 2)) == 2
    with pytest.raises(UserError, match=r"once all 40 were shown than at the start"):
        recording(Half(drift), shown, 2)


@pytest.mark.parametrize("fails", [False, True])
def test_every_module_has_its_own_mode_again(rng, fails):
    """A network in training, part of which its user froze."""
    model = net(functional.dropout if fails else nn.Dropout(0.5)).train()
    model.last.eval()
    modes = [module.training for module in model.modules()]
    shown = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    layers = choose_layers(net(nn.Identity()), (3, 8, 8))
    try:
        list(extract(model, PREPROCESSING, shown, layers, batch_size=2))
    except UserError:
        assert fails
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_network_in_half_precision_is_refused_with_what_to_do(rng, dtype):
    shown = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    layers = choose_layers(net(nn.Identity()), (3, 8, 8))
    with pytest.raises(UserError, match=r"'first.weight' is torch\.\w*float16.* call \.float\(\)"):
        list(extract(net(nn.Identity()).to(dtype), PREPROCESSING, shown, layers, batch_size=2))
