"""Weights to start from that tell other classes apart: a new classifier, and nothing else."""

import pytest
import torch

import train_harmonized
from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.training.plan import new_classifier
from itcortex.weights.state import digest
from made.training import PREPROCESSING, shard

pytestmark = [pytest.mark.network, pytest.mark.process]

ARCHITECTURE = "test_efficientnet"
#: A step that moves nothing.
STILL = {"epochs": 1, "batch_size": 8, "warmup_epochs": 0, "learning_rate": 1e-30, "momentum": 0.0}


def net(classes: int) -> dict:
    """One of timm's smallest networks as a row of the model table would have it."""
    return {
        "architecture": ARCHITECTURE,
        "arguments": {"num_classes": classes},
        "preprocessing": PREPROCESSING | {"input_size": [3, 32, 32]},
    }


def saved(path, classes: int, **changed) -> dict:
    """Weights of a network, drawn with another seed, as the line keeps them; tensors may be others."""
    state = Network(**net(classes)).build(7).state_dict() | changed
    state = {name: value for name, value in state.items() if value is not None}
    store.write_weights(path, state, {"architecture": ARCHITECTURE, "digest": digest(state)})
    return state


def job(folder, start):
    """The rule's job from a file to start from; its weights."""
    weights = folder / "seed-3.safetensors"
    train_harmonized.main(
        labelled=[shard(folder / "labelled.parquet", 8)], mapped=[], validation=[],
        weights=weights, history=folder / "history.parquet", network=net(3),
        strength=0.0, seed=3, recipe=STILL, device="cpu", processes=1, workers=0,
        checkpoint_steps=100, start=[str(start)],
    )  # fmt: skip
    return store.read_weights(weights)


def test_a_classifier_of_other_classes_is_drawn_with_the_seed_and_the_log_says_so(tmp_path, caplog):
    caplog.set_level("INFO")
    start = saved(tmp_path / "start.safetensors", 10)
    state, attributes = job(tmp_path, tmp_path / "start.safetensors")
    drawn = Network(**net(3)).build(3).state_dict()
    for name, value in state.items():
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            source = drawn if name.startswith("classifier.") else start
            torch.testing.assert_close(value, source[name], rtol=0, atol=1e-6)
    assert "classifier.weight, classifier.bias: drawn with seed 3" in caplog.text
    assert attributes["training"]["start"] == digest(start)  # of the file, as it is


def test_a_classifier_of_the_same_classes_is_kept(tmp_path, caplog):
    caplog.set_level("INFO")
    start = saved(tmp_path / "start.safetensors", 3)
    state, _ = job(tmp_path, tmp_path / "start.safetensors")
    torch.testing.assert_close(
        state["classifier.weight"], start["classifier.weight"], rtol=0, atol=0
    )
    assert "drawn with seed" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("conv_stem.weight", torch.zeros(8, 3, 3, 3), r"size mismatch for conv_stem\.weight"),
        ("classifier.bias", None, r"Missing key.*classifier\.bias"),
        ("fc.weight", torch.zeros(3), r"Unexpected key.*fc\.weight"),
    ],
)
def test_anything_else_that_differs_is_refused(tmp_path, name, value, message):
    saved(tmp_path / "start.safetensors", 10, **{name: value})
    with pytest.raises(UserError, match=rf"start\.safetensors: does not fit .*{message}"):
        job(tmp_path, tmp_path / "start.safetensors")


def test_classifiers_are_those_of_timms_configuration():
    start, network = Network(**net(10)).build(7).state_dict(), Network(**net(3)).build(3)
    assert list(new_classifier(start, network)) == ["classifier.weight", "classifier.bias"]
    both = torch.nn.ModuleDict(
        {name: torch.nn.Linear(4, 3) for name in ("head", "head_dist", "fc")}
    )
    other = torch.nn.ModuleDict({name: torch.nn.Linear(4, 5) for name in both}).state_dict()
    assert new_classifier(other, both) == {}  # of a user's own network nothing is known
    both.pretrained_cfg = {"classifier": ("head", "head_dist")}
    names = [f"{name}.{what}" for name in ("head", "head_dist") for what in ("weight", "bias")]
    assert list(new_classifier(other, both)) == names
