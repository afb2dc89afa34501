"""Where no name can be resolved, nothing is waited for: not by a job, and not by all that are staged."""

import socket
from types import SimpleNamespace

import pytest

from itcortex.downloads.fetch import MIRROR, fetch
from itcortex.downloads.responses import unknown_host
from itcortex.errors import UserError
from itcortex.workflow import limits

HOSTS = {"data": ["https://data.invalid/x"], "weights": ["https://hub.invalid"]}


@pytest.fixture
def known(monkeypatch) -> list[str]:
    """Names that can be resolved, and after them a list of those that were asked for."""
    names, asked = ["mirror.invalid"], []

    def look_up(host, *_rest, **_options):
        asked.append(host)
        if host not in names:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return []

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", MIRROR):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return SimpleNamespace(names=names, asked=asked)


def test_a_download_ends_at_the_first_name_that_is_not_known(known, tmp_path):
    """Six tries with pauses took most of a minute, and 155 networks as often."""
    addresses = ["https://a.invalid/x", "https://b.invalid/x"]
    with pytest.raises(
        UserError, match=r"(?s)no network, or no such host: .*a\.invalid.*b\.invalid"
    ):
        fetch(addresses, tmp_path / "d" / "x")
    assert known.asked == ["a.invalid", "b.invalid"]


def test_a_proxy_looks_names_up_by_itself(known, monkeypatch):
    assert unknown_host("https://data.invalid/x") == "data.invalid"
    assert unknown_host("https://mirror.invalid/x") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:8080")
    assert unknown_host("https://data.invalid/x") is None


def jobs(*rules):
    return [SimpleNamespace(rule=SimpleNamespace(name=name), wildcards=name) for name in rules]


ADDRESSES = {"download_data": lambda _: HOSTS["data"], "fetch_weights": lambda _: HOSTS["weights"]}


def test_staging_without_a_network_ends_before_the_first_job(known, monkeypatch):
    planned = jobs("stage_data", "download_data", "fetch_weights", "fetch_weights", "fit_encoding")
    with pytest.raises(
        UserError, match=r"no network: none of the names data\.invalid, hub\.invalid"
    ):
        limits.require_network(planned, ADDRESSES)
    assert sorted(known.asked) == ["data.invalid", "hub.invalid"]  # each host once
    limits.require_network(planned[1:], ADDRESSES)  # an ordinary run: each job finds out
    limits.require_network(jobs("stage_data"), ADDRESSES)  # all is there
    known.names.append("hub.invalid")
    limits.require_network(planned, ADDRESSES)
    known.names.clear()
    monkeypatch.setenv(MIRROR, "/mirror")
    limits.require_network(planned, ADDRESSES)
