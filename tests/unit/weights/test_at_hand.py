"""Weights that are here are read once and fitted; nothing is asked for the others."""

import pytest
import torch

from itcortex import store
from itcortex.errors import UserError
from itcortex.networks.network import Network
from itcortex.weights import at_hand, files
from made import own_networks

pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    own_networks.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITCORTEX_MIRROR", raising=False)


def read(classes: int = 10, **cells) -> at_hand.AtHand:
    row = own_networks.row("mine", **cells)
    network = Network("mine", "nets.py:good", {"classes": classes}, own_networks.PREPROCESSING)
    with torch.device("meta"):
        outline = network.build()
    return at_hand.read_at_hand(row, network, outline, row["fetched"], row["data_file"])


def of(classes: int, seed: int = 0) -> dict:
    return Network("mine", "nets.py:good", {"classes": classes}).build(seed).state_dict()


def test_a_file_is_read_once_and_fitted(monkeypatch):
    torch.save({"state_dict": {f"model.{k}": v for k, v in of(10).items()}}, "mine.ckpt")
    paths, whole = [], files.read_content
    monkeypatch.setattr(files, "read_content", lambda path: paths.append(path) or whole(path))
    found = read(source="file:mine.ckpt")
    assert torch.equal(found.state["head.weight"], of(10)["head.weight"])
    assert found.told == "mine.ckpt fits"
    assert len(paths) == 1


def test_another_number_of_classes_is_said_with_what_to_write():
    torch.save(of(10), "mine.pth")
    with pytest.raises(
        UserError,
        match=r"mine.pth: does not fit .*head.weight \(10, 16\) .* \(1000, 16\) is needed; if the file "
        r"is of 10 classes, .*\{\"num_classes\": 10\}",
    ):
        read(1000, source="file:mine.pth")


def test_what_the_workflow_has_fetched_comes_first():
    """Whatever the source; a file of another source, or of another network, is not taken for it."""
    path = "results/weights/mine/w.safetensors"
    about = {"architecture": "mine", "source": "timm:a1", "digest": ""}
    store.write_weights(path, of(10), about)
    assert read(source="timm:a1").told == f"{path} fits"
    with pytest.raises(
        UserError, match=r"head.* has shape \(10.*\) in the file and \(7.*\) in the net"
    ):
        read(7, source="timm:a1")
    other = read(source="timm:a2")
    assert other.state is None and "is of another source than the row's" in other.told
    store.write_weights(path, of(10), about | {"architecture": "yours"})
    with pytest.raises(UserError, match=r"holds weights of 'yours', not of 'mine'"):
        read(source="timm:a1")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("timm:a1", "published, not fetched yet"),
        ("hub:lab/nets/mine.pth@main", "published, not fetched yet"),
        ("data:weights/mine.pth", "of a dataset, not fetched yet"),
        ("trained:digits", "trained by the workflow, not yet"),
        ("untrained:0", "drawn when they are needed: nothing to load"),
    ],
)
def test_weights_that_are_not_here_are_said_to_be_so(source, told):
    """Sockets are refused to this test."""
    found = read(source=source)
    assert found.state is None and found.told == told


def test_a_mirror_folder_is_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("ITCORTEX_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "mirror" / "nets").mkdir(parents=True)
    torch.save(of(10), tmp_path / "mirror" / "nets" / "mine.pth")
    found = read(source="hub:lab/nets/mine.pth@main")
    assert found.state.keys() == of(10).keys()
    assert found.told == "mirror: nets/mine.pth fits"
