"""Finite weights that are as useless as infinite ones are never kept, however small their layer is."""

import pytest
import torch
from torch import nn

from itcortex.errors import UserError
from itcortex.training import checkpoint
from itcortex.training.growth import Bounds, norm_of, sizes_of
from itcortex.training.train import identity_of
from made.training import small_net
from made.trainings import after_every_step, data_of, plan_of, run

pytestmark = pytest.mark.network


def big_net() -> nn.Module:
    """Beside the weights of the first layer those of the others vanish."""
    depthwise = nn.Conv2d(64, 64, 3, groups=64, bias=False)
    first = nn.Conv2d(256, 64, 3)
    nn.init.normal_(first.weight, std=0.1)
    return nn.Sequential(first, nn.BatchNorm2d(64), depthwise, nn.Conv2d(64, 4, 1))


def ruin(model, name, times):
    """One tensor of a network, so many times as large."""
    with torch.no_grad():
        model.get_parameter(name).mul_(times)


@pytest.mark.parametrize("name", ["2.weight", "1.weight", "3.bias"])  # depthwise, norm scale, bias
def test_a_ruined_small_layer_is_named_although_the_whole_hardly_grew(name):
    torch.manual_seed(0)
    model = big_net()
    bounds, before = Bounds.of(model, 100.0), norm_of(model)
    assert bounds.exceeded(model) == ""
    ruin(model, name, 99)
    assert bounds.exceeded(model) == ""
    ruin(model, name, 1.6)
    found = bounds.exceeded(model)
    assert (
        found.startswith(f"{name} of size ") and "158 times" in found and "largest_growth" in found
    )
    assert norm_of(model) < 100 * before  # which is all that was looked at


def test_a_tensor_that_starts_at_zero_grows_from_the_typical_size():
    model = small_net("batch")  # norms start with scale 1 and bias 0
    sizes = sizes_of(model)
    typical = sum(sizes.values()) / sum(size > 0 for size in sizes.values())
    bounds = Bounds.of(model, 100.0)
    assert sizes["1.bias"] == 0 and bounds.starts["1.bias"] == pytest.approx(typical)
    assert bounds.starts["0.weight"] == sizes["0.weight"]
    with torch.no_grad():
        model[1].bias.fill_(99 * typical)
        assert bounds.exceeded(model) == ""
        model[1].bias.fill_(101 * typical)
    assert bounds.exceeded(model).startswith("1.bias of size ")


def test_tensors_that_start_nearly_at_zero_are_no_exception():
    """Scales of residual branches start at 1e-6 and grow a hundred thousand times."""
    model = nn.Linear(50, 50)
    model.scale = nn.Parameter(torch.full((50,), 1e-6))
    bounds = Bounds.of(model, 100.0)
    with torch.no_grad():
        model.scale.fill_(0.5)
    assert bounds.exceeded(model) == ""


def test_weights_that_are_all_zero_or_none_have_bounds():
    zero = nn.Linear(2, 2)
    for p in zero.parameters():
        nn.init.zeros_(p)
    assert Bounds.of(zero, 100.0).exceeded(zero) == ""
    nn.init.ones_(zero.weight)
    assert "weights of size 2" in Bounds(100.0, {"weight": 0.0, "bias": 0.0}, 0.0).exceeded(zero)


def test_sizes_are_root_mean_squares_beyond_what_float32_can_square():
    net = nn.Linear(2, 2)
    net.weight.data = torch.tensor([[3.0, 3.0], [3.0, 3.0]])
    net.bias.data = torch.tensor([0.0, 8.0])
    assert sizes_of(net) == pytest.approx({"weight": 3, "bias": 8 / 2**0.5})
    assert norm_of(net) == 10
    net.bias.data.fill_(1e30)
    assert sizes_of(net)["bias"] > 1e29 and norm_of(net) > 1e29


@pytest.mark.parametrize("settings", [{}, {"ema": 0.5}])
@pytest.mark.parametrize(("name", "times"), [("3.weight", 1e6), ("1.weight", 300)])
def test_huge_weights_are_never_kept(tmp_path, monkeypatch, settings, name, times):
    """Planted after step 8: a whole network of them, or one norm; the last good state stays."""

    def blow_up(model, step):
        if step == 8:
            ruin(model, name, times)

    after_every_step(monkeypatch, blow_up)
    with pytest.raises(UserError, match=rf"it left {name} of size .*largest_growth") as found:
        run(tmp_path, every=1, strength=0.0, learning_rate=1e-6, **settings)
    assert "step 8" in str(found.value) and checkpoint.NAME in str(found.value)
    plan = plan_of(strength=0.0, learning_rate=1e-6, **settings)
    tensors, progress = checkpoint.read(tmp_path, identity_of(plan, data_of()))
    assert progress.step == 7
    assert max(float(value.abs().max()) for value in tensors.values()) < 100
