"""Fixtures shared by all tests, the tiers that tests belong to, and how they are dealt out."""

import gc
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy and torch load: one core a test

import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from itcortex.running.memory import keep_freed_memory
from made import tiers
from made.patience import FACTOR

keep_freed_memory()  # as in jobs

REPOSITORY = Path(__file__).resolve().parents[1]
#: Scopes in the order in which they are dealt out: folders whose tests share what is costly to make, and
#: the longest of the files that do not need it.
LONGEST = (
    "tests/workflow", "tests/slurm", "tests/workflow/test_macaque.py",
    "tests/workflow/test_macaque_harmonized.py", "tests/training", "tests/workflow/test_experiments.py",
)  # fmt: skip
#: Files of a folder above that do not use what is costly there.
ALONE = (
    "experiments",
    "gpus",
    "hostile_names",
    "macaque",
    "macaque_harmonized",
    "module",
    "status",
)
APART = {f"tests/workflow/test_{name}.py" for name in ALONE}


def _scope(nodeid: str) -> str:
    """What stays in one process: a folder with a costly fixture, else a file."""
    file = nodeid.partition("::")[0]
    if file in APART:
        return file
    return next((folder for folder in LONGEST if file.startswith(f"{folder}/")), file)


class Scopes(LoadScopeScheduling):
    """`make test`: two processes, whole scopes to each, the longest first."""

    def _split_scope(self, nodeid):
        return _scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    """How tests are dealt out to processes."""
    return Scopes(config, log)


def pytest_configure(config):
    """In a run of fast tests nothing loads torch, not even the import of a test file."""
    if config.option.markexpr == "fast":
        tiers.forbid_networks()


def pytest_ignore_collect(collection_path, config):
    """`-m fast` does not even import a file whose tests are all in a slower tier."""
    if config.option.markexpr == "fast" and tiers.is_slow(collection_path):
        return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the fast tests, stretch timeouts for a busy machine, and put the longest first."""
    for item in items:
        if not tiers.of(item):
            item.add_marker(pytest.mark.fast)
        limit = item.get_closest_marker("timeout")
        seconds = float(limit.args[0] if limit else config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(FACTOR * seconds), append=False)
    items.sort(key=lambda item: (*LONGEST, scope := _scope(item.nodeid)).index(scope))


def pytest_collection_finish(session):
    """What all tests share is looked through for garbage no more, and the rest less often: a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """Fixtures of a test that do what its tier rules out make it fail."""
    with tiers.guard(item):
        if item.get_closest_marker("gpu"):
            tiers.require_gpu()
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A test that does what its tier rules out fails, in whatever run."""
    with tiers.guard(item):
        return (yield)


@pytest.fixture(autouse=True)
def environment_put_back():
    """Some packages write into the environment of this process: later tests start without that."""
    before = dict(os.environ)
    yield
    if (now := dict(os.environ)) != before:
        for name in now.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


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
