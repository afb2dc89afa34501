"""The reduced demo: finished once for all tests, copies of it, and before its first run."""

import pytest

from made.demo import Workflow

#: The last file of a chain of jobs, from the archive to scores, that are real processes in every run.
CHAIN = "results/demo/encoding/sim_m2_ml/mobilenetv3_large_100/untrained.parquet"


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Workflow:
    """The reduced demo, run once to the end; nothing in it may be changed."""
    workflow = Workflow.made(tmp_path_factory.mktemp("demo"))
    workflow.run_as_users_do(CHAIN)
    workflow.run()
    before = workflow.shared_files()
    yield workflow
    assert workflow.shared_files() == before


@pytest.fixture
def copy_of(finished, tmp_path) -> Workflow:
    """A copy of the finished demo that a test may change: results, records and all."""
    return finished.copied(tmp_path / "copy")


@pytest.fixture
def fresh(tmp_path) -> Workflow:
    """The reduced demo before its first run."""
    return Workflow.made(tmp_path)
