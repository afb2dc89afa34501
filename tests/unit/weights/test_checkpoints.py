"""Checkpoints with several state dicts: timm's choice, the row's choice, and no guess."""

import pytest
import torch
from timm.models import load_state_dict

from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.weights.checkpoints import choose_state
from itcortex.weights.sources import fetch_state, untrained
from itcortex.weights.state import digest

pytestmark = pytest.mark.network

NETWORK = Network("test_resnet")
TIMM = [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("state_dict", "model")]


@pytest.fixture(scope="module")
def states() -> tuple[dict, dict]:
    """Two sets of weights of one network."""
    return untrained(1, NETWORK), untrained(2, NETWORK)


def fetched(path, content, **row):
    """State dict and origin of a checkpoint."""
    torch.save(content, path)
    return fetch_state(f"file:{path}", NETWORK, **row)


@pytest.mark.parametrize("keys", [*TIMM, *(pair[::-1] for pair in TIMM)])
def test_among_timms_keys_the_choice_is_timms(tmp_path, states, keys, caplog):
    """Oracle: timm's own loader, whatever the order in the file."""
    caplog.set_level("INFO")
    content = dict(zip(keys, states, strict=True)) | {"epoch": 3}
    state, origin = fetched(tmp_path / "w.pth", content)
    assert digest(state) == digest(load_state_dict(str(tmp_path / "w.pth")))
    key = next(key for key, value in content.items() if value is not None and key in caplog.text
               and f"{key!r} is taken (as timm does)" in caplog.text)  # fmt: skip
    assert origin["state_dict"] == key and origin["other_state_dicts"] == [
        k for k in keys if k != key
    ]


@pytest.mark.parametrize("key", ["state_dict", "state_dict_ema", "teacher"])
def test_the_row_chooses(tmp_path, states, key):
    content = {
        "state_dict": states[0],
        "state_dict_ema": states[0],
        "teacher": states[0],
        key: states[1],
    }
    state, origin = fetched(tmp_path / "w.pth", content, state_dict=key)
    assert digest(state) == digest(states[1]) and origin["state_dict"] == key
    assert set(origin["other_state_dicts"]) == set(content) - {key}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"net": state, "acc": 93.1, "epoch": 3},
        lambda state: {"model": {"state_dict": state, "name": "resnet"}, "epoch": 3},
        lambda state: {"checkpoint": {"network": {"params": state}}},
        lambda state: {"net": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}}},
        lambda state: {"net": state, "optim": {"exp_avg": {"a": torch.zeros(2)}}},
        lambda state: {
            "net": state,
            "lr_scheduler": {"base": torch.zeros(1)},
            "state_dict_ema": None,
        },
        lambda state: {"state_dict": {f"module._orig_mod.{k}": v for k, v in state.items()}},
    ],
    ids=["net", "nested", "deep", "optimizer", "optimizer by name", "scheduler", "compiled"],
)
def test_the_only_state_dict_is_taken_wherever_it_lies(tmp_path, states, wrap):
    state, origin = fetched(tmp_path / "w.pth", wrap(states[0]))
    assert digest(state) == digest(states[0]) and "state_dict" not in origin


def test_several_without_an_order_are_listed(tmp_path, states):
    content = {"student": states[0], "teacher": states[1], "epoch": 3}
    with pytest.raises(
        UserError, match=r"several state dicts: student \(\d+ tensors\), teacher .*col"
    ):
        fetched(tmp_path / "w.pth", content)
    state, _ = fetched(tmp_path / "w.pth", content, state_dict="teacher")
    assert digest(state) == digest(states[1])


def test_the_start_of_names_is_named_after_the_key(tmp_path, states):
    """As MoCo keeps two encoders and a queue in one state dict."""
    parts = {"module.encoder_q.": states[0], "module.encoder_k.": states[1]}
    held = {f"{start}{name}": value for start, s in parts.items() for name, value in s.items()}
    content = {"state_dict": held | {"module.queue": torch.zeros(3)}, "epoch": 200}
    for named, wanted in (("module.encoder_q", states[0]), ("module.encoder_k", states[1])):
        state, _ = fetched(tmp_path / "w.pth", content, state_dict=f"state_dict/{named}")
        assert digest(state) == digest(wanted)
    state, _ = fetched(tmp_path / "w.pth", held, state_dict="module.encoder_k")
    assert digest(state) == digest(states[1])


def test_a_name_that_is_not_there_is_refused_with_those_that_are(states):
    content = {"model": states[0], "model_ema": states[1]}
    with pytest.raises(UserError, match=r"no state dict 'model_emma', .*did you mean 'model_ema'"):
        choose_state(content, "w.pth", "model_emma")


@pytest.mark.parametrize("content", [{}, {"epoch": 3, "x": torch.zeros(2)}, [torch.zeros(2)], 3])
def test_what_holds_no_state_dict_is_refused(content):
    with pytest.raises(UserError, match=r"w\.pth: holds more than a plain state dict"):
        choose_state(content, "w.pth")


@pytest.mark.parametrize("source", ["untrained:1", "timm:r160_in1k"])
def test_a_name_for_what_is_no_file_of_ones_own_is_refused(source):
    with pytest.raises(UserError, match=r"state_dict: 'model' is given for .*leave it empty"):
        fetch_state(source, NETWORK, state_dict="model")


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, states, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save(states[0], tmp_path / "x.pth")
    assert digest(fetch_state("file:~/x.pth", NETWORK)[0]) == digest(states[0])
