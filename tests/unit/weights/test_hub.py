"""Published weights: the mirror first, a record of what it does not give."""

import json
import logging
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import errors
from safetensors.torch import save_file

import fetch_weights
from itcortex import store
from itcortex.errors import UserError
from itcortex.files import sha256_of
from itcortex.networks.network import Network
from itcortex.networks.torch_compat import timm
from itcortex.weights import hub
from itcortex.weights.availability import (
    UnavailableError,
    record_path,
    record_unavailable,
    unavailable,
)
from itcortex.weights.sources import fetch_state, untrained
from itcortex.weights.state import digest

pytestmark = pytest.mark.network

NAME = "test_resnet.r160_in1k"
NETWORK = Network(NAME)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Stands in for the one call that goes to the hub.

    `files` maps (repository, file) to a path; `failures` are raised first, one for every call.
    `asked` lists the calls.
    """

    def __init__(self):
        self.files, self.failures, self.asked = {}, [], []

    def download(self, repo, file, revision, local_files_only):
        """The file, or what goes wrong."""
        assert not local_files_only
        self.asked.append((repo, file, revision))
        if self.failures:
            raise self.failures.pop(0)
        if (repo, file) not in self.files:
            raise answer(404, errors.RemoteEntryNotFoundError)
        return str(self.files[repo, file])


def answer(status, kind=errors.HfHubHTTPError):
    """The error of a server's answer, as huggingface_hub raises it."""
    error = kind.__new__(kind)
    Exception.__init__(error, f"HTTP {status}")
    error.response, error.request = SimpleNamespace(status_code=status, request=None), None
    return error


def behind_missing_file(cause):
    """What huggingface_hub makes of an error on the way: a file that is not in its cache."""
    error = errors.LocalEntryNotFoundError("cannot find the requested files in the local cache")
    error.__cause__ = cause
    return error


@pytest.fixture
def fake(monkeypatch) -> FakeHub:
    """A hub without a network, and no mirror."""
    fake = FakeHub()
    monkeypatch.delenv("ITCORTEX_MIRROR", raising=False)
    monkeypatch.setattr(hub.huggingface_hub, "hf_hub_download", fake.download)
    monkeypatch.setattr(hub.responses, "unknown_host", lambda url: None)
    return fake


@pytest.fixture
def published(tmp_path, fake) -> dict:
    """timm's weights as the hub's cache holds them; their state dict."""
    state = untrained(5, NETWORK)
    path = tmp_path / "models--timm--x" / "snapshots" / COMMIT / "model.safetensors"
    path.parent.mkdir(parents=True)
    save_file(state, path)
    fake.files["timm/" + NAME, "model.safetensors"] = path
    return state


def test_without_a_network_the_cache_is_looked_at_and_nothing_is_waited_for(monkeypatch, tmp_path):
    asked, cached = [], tmp_path / "model.safetensors"
    cached.write_bytes(b"x")

    def download(repo, file, revision, local_files_only):
        asked.append(local_files_only)
        if repo != "a/here":
            raise behind_missing_file(None)
        return str(cached)

    monkeypatch.setattr(hub.huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(hub.responses, "unknown_host", lambda url: "hub.invalid")
    assert hub.hub_file("a/here", "model.safetensors", None)[0] == cached
    message = (
        r"no network: the name hub\.invalid cannot be resolved, and the cache has no such file"
    )
    with pytest.raises(UnavailableError, match=message):
        hub.hub_file("a/gone", "model.safetensors", None)
    assert asked == [True, True]
    monkeypatch.setattr(hub.responses, "unknown_host", lambda url: None)
    with pytest.raises(UnavailableError, match="LocalEntryNotFoundError"):
        hub.hub_file("a/gone", "model.safetensors", None)
    assert asked == [True, True, False]


# --- timm -----------------------------------------------------------------------------------------


def test_timms_weights_come_as_safetensors_with_their_commit(fake, published):
    """One request, for the safe file; the digest is of the file."""
    state, origin = fetch_state("timm:r160_in1k", NETWORK)
    assert digest(state) == digest(published)
    assert fake.asked == [("timm/" + NAME, "model.safetensors", None)]
    path = fake.files["timm/" + NAME, "model.safetensors"]
    assert origin == {
        "file": f"timm/{NAME}/model.safetensors", "commit": COMMIT, "sha256": sha256_of(path),
    }  # fmt: skip


def test_the_row_of_the_table_needs_no_tag_in_its_architecture(fake, published):
    """Network.of_row adds it; a bare name is completed here too."""
    state, _ = fetch_state("timm:r160_in1k", Network("test_resnet"))
    assert digest(state) == digest(published)


def test_a_pickle_is_taken_where_there_is_no_safe_file(fake, published, tmp_path):
    """Only if the hub says that there is none: no answer is no such word."""
    torch.save(published, tmp_path / "pytorch_model.bin")
    fake.files = {("timm/" + NAME, "pytorch_model.bin"): tmp_path / "pytorch_model.bin"}
    state, origin = fetch_state("timm:r160_in1k", NETWORK)
    assert digest(state) == digest(published)
    assert [file for _, file, _ in fake.asked] == ["model.safetensors", "pytorch_model.bin"]
    assert "commit" not in origin
    fake.asked.clear()
    fake.failures = [behind_missing_file(ConnectionError("refused")) for _ in range(9)]
    with pytest.raises(UnavailableError):
        fetch_state("timm:r160_in1k", NETWORK)
    assert {file for _, file, _ in fake.asked} == {"model.safetensors"}


def test_timms_filters_are_applied(fake, tmp_path):
    """A network for smaller images gets its table of positions from timm's resampling."""
    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    small = Network(name, arguments={"img_size": 96})
    whole = untrained(1, Network(name))
    save_file(whole, tmp_path / "model.safetensors")
    fake.files["timm/" + name, "model.safetensors"] = tmp_path / "model.safetensors"
    got, _ = fetch_state("timm:augreg_in21k_ft_in1k", small)
    expected = timm.layers.resample_abs_pos_embed(whole["pos_embed"], [6, 6])
    assert got["pos_embed"].shape == (1, 1 + 6 * 6, 192)
    torch.testing.assert_close(got["pos_embed"], expected)
    assert torch.equal(got["blocks.11.mlp.fc2.weight"], whole["blocks.11.mlp.fc2.weight"])


def test_weights_that_timm_cannot_fit_are_an_error(fake, tmp_path):
    """Not a random initialisation, which timm can give with a warning."""
    save_file({"x": torch.zeros(2)}, tmp_path / "model.safetensors")
    fake.files["timm/" + NAME, "model.safetensors"] = tmp_path / "model.safetensors"
    with pytest.raises(UserError, match=f"does not fit {NAME} as timm reads it .*Missing key"):
        fetch_state("timm:r160_in1k", NETWORK)


def test_a_tag_that_timm_lacks_and_a_builder_are_errors(fake):
    """Nothing is asked for."""
    with pytest.raises(UserError, match="timm has no weights 'r999' of test_resnet"):
        fetch_state("timm:r999", Network("test_resnet"))
    with pytest.raises(UserError, match="for timm's own networks; the row has a builder"):
        fetch_state("timm:r160_in1k", Network("x", "a.b:c"))
    assert fake.asked == []


# --- the mirror -----------------------------------------------------------------------------------


def test_the_mirror_comes_before_the_hub(fake, published, tmp_path, monkeypatch):
    """With the hub's file under timm's name; it must have the row's digest."""
    kept = tmp_path / "mirror" / "timm" / f"{NAME}.safetensors"
    kept.parent.mkdir(parents=True)
    other = untrained(6, NETWORK)
    save_file(other, kept)
    monkeypatch.setenv("ITCORTEX_MIRROR", str(tmp_path / "mirror"))
    state, origin = fetch_state("timm:r160_in1k", NETWORK, sha256_of(kept))
    assert digest(state) == digest(other)
    assert origin == {"file": f"mirror: timm/{NAME}.safetensors", "sha256": sha256_of(kept)}
    assert fake.asked == []
    with pytest.raises(UserError, match=f"expected sha256 {'0' * 64}"):
        fetch_state("timm:r160_in1k", NETWORK, "0" * 64)


def test_a_mirror_without_the_file_is_passed_over(fake, published, tmp_path, monkeypatch):
    """The hub is asked."""
    monkeypatch.setenv("ITCORTEX_MIRROR", str(tmp_path / "mirror"))
    state, _ = fetch_state("timm:r160_in1k", NETWORK)
    assert digest(state) == digest(published)
    assert len(fake.asked) == 1


def test_a_mirror_at_an_address_is_asked_first(fake, published, tmp_path, monkeypatch, caplog):
    """Its file is brought and used; one that it does not give is asked of the hub."""
    kept, asked = tmp_path / "w.safetensors", []
    other = untrained(6, NETWORK)
    save_file(other, kept)

    def bring(urls, target, sha256=None, mirror=None):
        asked.append((urls, mirror, sha256))
        if not kept.exists():
            raise UserError("no source gives the file")
        target.parent.mkdir(parents=True)
        target.write_bytes(kept.read_bytes())

    monkeypatch.setenv("ITCORTEX_MIRROR", "https://mirror.example/data")
    monkeypatch.setattr(hub.fetch, "fetch", bring)
    state, _ = fetch_state("timm:r160_in1k", NETWORK)
    assert digest(state) == digest(other)
    assert asked == [([], f"https://mirror.example/data/timm/{NAME}.safetensors", None)]
    kept.unlink()
    with caplog.at_level(logging.WARNING):
        state, _ = fetch_state("timm:r160_in1k", NETWORK)
    assert digest(state) == digest(published)
    assert "no source gives the file; the hub is asked" in caplog.text


# --- files by name --------------------------------------------------------------------------------

REPOSITORY = ("madrylab/robust-imagenet-models", "resnet50_l2_eps3.ckpt")


def test_a_file_of_the_hub_is_named_by_owner_repository_file_and_revision(fake, tmp_path):
    """The revision is handed on; a checkpoint is unwrapped like a user's own."""
    state = untrained(2, NETWORK)
    torch.save({"model": {f"module.model.{k}": v for k, v in state.items()}}, tmp_path / "x.ckpt")
    fake.files = {REPOSITORY: tmp_path / "x.ckpt", ("a/b", "deep/x.ckpt"): tmp_path / "x.ckpt"}
    got, origin = fetch_state("hub:" + "/".join(REPOSITORY) + "@v1", NETWORK)
    assert digest(got) == digest(state)
    assert origin == {
        "file": "/".join(REPOSITORY) + "@v1",
        "sha256": sha256_of(tmp_path / "x.ckpt"),
    }
    fetch_state("hub:a/b/deep/x.ckpt", NETWORK)
    assert fake.asked == [(*REPOSITORY, "v1"), ("a/b", "deep/x.ckpt", None)]


def test_a_file_of_the_hub_may_be_in_the_mirror(fake, tmp_path, monkeypatch):
    """Below the name of its repository."""
    kept = tmp_path / REPOSITORY[0].split("/")[1] / REPOSITORY[1]
    kept.parent.mkdir()
    state = untrained(2, NETWORK)
    torch.save(state, kept)
    monkeypatch.setenv("ITCORTEX_MIRROR", str(tmp_path))
    assert digest(fetch_state("hub:" + "/".join(REPOSITORY), NETWORK)[0]) == digest(state)
    assert fake.asked == []


def test_a_download_must_have_the_digest_that_the_hub_states(fake, tmp_path):
    """Its cache keeps large files under their SHA-256; the row's own digest is checked as well."""
    state = untrained(2, NETWORK)
    torch.save(state, tmp_path / "x.ckpt")
    right = tmp_path / sha256_of(tmp_path / "x.ckpt")
    right.write_bytes((tmp_path / "x.ckpt").read_bytes())
    link = tmp_path / "link.ckpt"
    link.symlink_to(right)
    fake.files[REPOSITORY] = link
    source = "hub:" + "/".join(REPOSITORY)
    assert fetch_state(source, NETWORK, right.name)[1]["sha256"] == right.name
    with pytest.raises(UserError, match="expected sha256 ffff"):
        fetch_state(source, NETWORK, "f" * 64)
    damaged = tmp_path / ("0" * 64)
    right.rename(damaged)
    link.unlink()
    link.symlink_to(damaged)
    with pytest.raises(UserError, match="0000: damaged in the hub's cache; delete it"):
        fetch_state(source, NETWORK)


# --- what the hub does not give ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        answer(429),
        answer(502),
        behind_missing_file(ConnectionError("refused")),
        TimeoutError("no answer"),
        behind_missing_file(errors.OfflineModeIsEnabled("HF_HUB_OFFLINE=1")),
        answer(404, errors.RepositoryNotFoundError),
        answer(403, errors.GatedRepoError),
    ],
    ids=["limit", "server", "no connection", "no answer", "offline", "no repository", "gated"],
)
def test_what_the_hub_does_not_give_is_unavailable(fake, failure):
    """With the file, what happened, and what can be done; the hub's own library has been patient."""
    fake.failures = [failure]
    with pytest.raises(
        UnavailableError, match=r"timm/test_resnet.*did not give it .*ITCORTEX_MIRR"
    ):
        fetch_state("timm:r160_in1k", NETWORK)
    assert len(fake.asked) == 1


def test_a_full_disk_is_not_the_hubs_fault(fake):
    """It must stop the run, not leave a model out."""
    fake.failures = [OSError(28, "No space left on device")]
    with pytest.raises(OSError, match="No space left"):
        fetch_state("timm:r160_in1k", NETWORK)


def test_an_address_that_only_timm_knows_is_checked_by_its_name(fake, tmp_path, monkeypatch):
    """Two of the paper's models are on no hub; their file's name ends with its digest."""
    network = Network("legacy_seresnet18.in1k")
    state, asked, published = untrained(1, network), [], tmp_path / "published.pth"
    torch.save(state, published)

    def bring(url, target):
        asked.append(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(published, target)

    monkeypatch.setattr(hub.fetch, "fetch", bring)
    with pytest.raises(
        UserError, match=r"SHA-256 does not start with [0-9a-f]{8}, as its name says"
    ):
        fetch_state("timm:in1k", network)
    assert asked[0].startswith("https://")
    url = f"https://hub.invalid/legacy_seresnet18-{sha256_of(published)[:8]}.pth"
    known = replace(timm.get_pretrained_cfg(network.architecture), url=url)
    monkeypatch.setattr(hub.timm, "get_pretrained_cfg", lambda name: known)
    got, origin = fetch_state("timm:in1k", network)
    assert digest(got) == digest(state)
    assert origin["file"] == asked[1] == url
    monkeypatch.setattr(hub.huggingface_hub, "is_offline_mode", lambda: True)
    with pytest.raises(
        UnavailableError, match="HF_HUB_OFFLINE is set, and no mirror has timm/legacy"
    ):
        fetch_state("timm:in1k", network)


# --- records --------------------------------------------------------------------------------------


def test_the_script_leaves_a_record_of_what_is_unavailable_and_nothing_else(fake, tmp_path):
    """Model, weights, source, reason and time; a success removes it."""
    weights = tmp_path / "resnet" / "r160.v2.safetensors"
    fake.failures = [answer(404, errors.RepositoryNotFoundError)]
    source, network = "timm:r160_in1k", NETWORK.asdict()
    with pytest.raises(UnavailableError):
        fetch_weights.main(weights, network, source)
    (left,) = weights.parent.iterdir()
    assert left == record_path(weights) == weights.parent / "r160.v2.unavailable"
    record = json.loads(left.read_text())
    assert (record["model"], record["weights"], record["source"]) == ("resnet", "r160.v2", source)
    assert "HTTP 404" in record["reason"]
    assert datetime.fromisoformat(record["when"]).utcoffset() == timedelta(0)
    assert unavailable(weights, source) == record

    path = tmp_path / "model.safetensors"
    save_file(untrained(1, NETWORK), path)
    fake.files["timm/" + NAME, "model.safetensors"] = path
    fetch_weights.main(weights, network, source)
    assert list(weights.parent.iterdir()) == [weights]
    assert store.read_weights(weights)[1]["origin"]["sha256"] == sha256_of(path)
    assert unavailable(weights, source) is None


def test_a_misfit_leaves_no_record(fake, tmp_path):
    """It is to be mended, not left out."""
    save_file({"x": torch.zeros(2)}, tmp_path / "x.safetensors")
    fake.files["timm/" + NAME, "model.safetensors"] = tmp_path / "x.safetensors"
    weights = tmp_path / "resnet" / "w.safetensors"
    with pytest.raises(UserError, match="does not fit"):
        fetch_weights.main(weights, NETWORK.asdict(), "timm:r160_in1k")
    assert not weights.parent.exists()


def test_records_of_another_source_do_not_count(tmp_path):
    """A corrected row is tried again; a missing record is none."""
    weights = tmp_path / "w.safetensors"
    assert unavailable(weights, "timm:a") is None
    record_unavailable(weights, "down", "timm:a")
    assert unavailable(weights, "timm:a")["reason"] == "down"
    assert unavailable(weights, "timm:b") is None
