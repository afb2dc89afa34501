"""In which numbers a training computes; what a GPU would be asked is seen without one."""

from contextlib import nullcontext

import pytest
import torch

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training.plan import Data, Place, Plan
from itcortex.training.precision import matmul_precision, require_bfloat16
from itcortex.training.recipe import PRECISIONS, Recipe
from itcortex.training.train import train
from made.training import arrays, network

pytestmark = [pytest.mark.network, pytest.mark.process]

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def flags() -> tuple[bool, bool]:
    """Whether products and convolutions on a GPU may use TensorFloat-32."""
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("precision", PRECISIONS)
def test_only_tf32_lets_a_gpu_round_to_it(precision):
    """Under bf16 the loss is promised in float32."""
    before = flags()
    with matmul_precision(precision, CUDA):
        assert flags() == ((True, True) if precision == "tf32" else (False, False))
    assert flags() == before
    with matmul_precision(precision, CPU):
        assert flags() == before


@pytest.fixture
def old_gpu(monkeypatch):
    """A GPU that emulates bfloat16 at best."""
    monkeypatch.setattr(torch.cuda, "device", lambda _device: nullcontext())
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "Tesla V100")
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    monkeypatch.setattr("itcortex.training.train.resolve_device", torch.device)


def test_bfloat16_is_refused_on_a_gpu_without_it(old_gpu, monkeypatch):
    with pytest.raises(
        UserError, match=r"recipe: precision: 'bf16' .* V100; choose 'tf32' or 'float32'"
    ):
        require_bfloat16("bf16", CUDA)
    for precision, device in (("tf32", CUDA), ("float32", CUDA), ("bf16", CPU)):
        require_bfloat16(precision, device)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_options: True)
    require_bfloat16("bf16", CUDA)


def test_a_plan_is_refused_before_a_step(old_gpu, tmp_path):
    plan = Plan(Network(**network()), Recipe(precision="bf16"), 1.0, 0)
    with pytest.raises(UserError, match="recipe: precision: 'bf16'"):
        train(plan, Data(arrays(8)), Place(tmp_path, "cuda"))
    assert not list(tmp_path.iterdir())
