"""A server for every test of this folder, and settings that do not wait for long."""

import numpy as np
import pytest

from itcortex.downloads.resume import Patience
from made.served import Server


@pytest.fixture
def server(monkeypatch):
    """A server on this machine, asked directly whatever proxy is set."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("ITCORTEX_MIRROR", raising=False)
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def content() -> bytes:
    """A file of 300 kB that nothing compresses: larger than one piece of a transfer."""
    return np.random.default_rng(4).bytes(300_000)


@pytest.fixture
def quick() -> Patience:
    """Three tries and waits of hundredths of a second."""
    return Patience(connect=5, stall=10, tries=3, first_wait=0.01, longest_wait=0.02)
