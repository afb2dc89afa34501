"""A real Slurm on this machine, a small line to disturb, and what it gives undisturbed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from made.slurm_cluster import Cluster, lacking
from made.slurm_line import Line


@pytest.fixture(scope="session")
def cluster():
    """Three nodes, up for all tests; skips with the remedy where Slurm is not installed."""
    if reason := lacking():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        one = Cluster(Path(folder))
        try:
            one.start()
            yield one
        finally:
            one.stop()


@pytest.fixture
def line(tmp_path, cluster) -> Iterator[Line]:
    """The small line before its first run, and after a test that failed a cluster that is whole."""
    yield Line(tmp_path, cluster)
    cluster.mend()


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> dict[str, bytes]:
    """The small line's tables when it runs on this machine, without Slurm and without faults."""
    local = Line(tmp_path_factory.mktemp("undisturbed"))
    local.start("--cores", "2").end()
    assert set(local.tables()) == {"table.parquet", "table.csv"}
    return local.tables()
