"""Fixtures shared by all tests."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy and torch load: one core a test

import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

REPOSITORY = Path(__file__).resolve().parents[1]
LONGEST = ("tests/slurm", "tests/workflow")  # folders: with two processes they run side by side


def _scope(nodeid: str) -> str:
    """What stays in one process: a folder with a costly fixture, else a file."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in LONGEST if file.startswith(f"{folder}/")), file)


class Scopes(LoadScopeScheduling):
    """`make test`: two processes, whole scopes to each, the longest first."""

    def _split_scope(self, nodeid):
        return _scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """How tests are dealt out to processes."""
    return Scopes(config, log)


def pytest_collection_modifyitems(items):
    """The longest first."""
    items.sort(key=lambda item: (*LONGEST, scope := _scope(item.nodeid)).index(scope))


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
