"""A network with its weights: the file's own tensors, a digest, and errors before anything is built."""

import pytest
import torch

from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.weights.loaded import load_network
from itcortex.weights.state import digest

pytestmark = pytest.mark.network

BUILDER = """from torch import nn
def build(outputs=2):
    return nn.Linear(3, outputs)
def fail():
    raise RuntimeError("built")
"""
PLAIN = {
    "input_size": [3, 8, 8], "mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear",
}  # fmt: skip


@pytest.fixture
def network(tmp_path) -> dict:
    path = tmp_path / "mine.py"
    path.write_text(BUILDER)
    return Network("mine", builder=f"{path}:build", preprocessing=PLAIN).asdict()


def test_the_model_holds_the_files_tensors_and_their_digest(network, tmp_path):
    state = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.tensor([7.0, 8.0])}
    path = tmp_path / "w.safetensors"
    store.write_weights(path, state, {"architecture": "mine", "note": "x"})
    loaded = load_network(network, path, seed=3)
    assert {name: value.tolist() for name, value in loaded.model.state_dict().items()} == {
        name: value.tolist() for name, value in state.items()
    }
    assert loaded.weights_digest == digest(state)
    assert loaded.attributes["note"] == "x" and loaded.device == torch.device("cpu")
    assert loaded.preprocessing.asdict() == PLAIN and not loaded.model.training


def test_weights_of_another_architecture_are_refused(network, tmp_path):
    path = tmp_path / "w.safetensors"
    store.write_weights(path, {"weight": torch.zeros(2, 3)}, {"architecture": "other"})
    with pytest.raises(UserError, match=r"w\.safetensors: holds weights of 'other', not of 'mine'"):
        load_network(network, path)


def test_a_device_that_is_not_there_is_said_before_anything_is_built(network, tmp_path):
    broken = network | {"builder": network["builder"].replace(":build", ":fail")}
    with pytest.raises(UserError, match="device: 'tpu'"):
        load_network(broken, tmp_path / "none.safetensors", device="tpu")
