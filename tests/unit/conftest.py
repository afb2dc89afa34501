"""Fixtures of the unit tests."""

import sys
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


@pytest.fixture(autouse=True)
def quick_fonts(monkeypatch):
    """Letters are drawn as outlines: to cut a font down to the letters of a PDF takes half a second.

    `test_style.py` writes files as users get them, with fonts.
    """
    if style := sys.modules.get("itcortex.figures.style"):
        monkeypatch.setitem(style.THEME, "pdf.fonttype", 3)
