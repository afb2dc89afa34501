"""Fixtures shared by all tests."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy and torch load: one core a test

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LONGEST = ("slurm", "workflow")  # folders: with two processes (make test) they run side by side


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """A folder with a costly fixture stays in one process, as any file does; the longest first."""

    def folder(item):
        return item.path.parent.name

    for item in items:
        group = folder(item) if folder(item) in LONGEST else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (*LONGEST, folder(item)).index(folder(item)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference data kept outside the repository; tests that need it skip without it."""
    folder = Path(os.environ.get("ITCORTEX_SHARED", REPOSITORY.parent / "shared")).resolve()
    if not (folder / "data" / "golden").is_dir():
        pytest.skip(f"reference data not at {folder}; set ITCORTEX_SHARED to run this test")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator: the same numbers in every run."""
    return np.random.default_rng(20231)
