"""Fixtures of the unit tests."""

import time
from pathlib import Path

import pytest


@pytest.fixture
def unharmed(tmp_path, monkeypatch) -> Path:
    """An empty working directory in which no payload may leave the file `owned`, in seconds of work."""
    monkeypatch.chdir(tmp_path)
    began = time.process_time()
    yield tmp_path
    assert not list(tmp_path.parent.rglob("owned"))
    assert time.process_time() - began < 20
