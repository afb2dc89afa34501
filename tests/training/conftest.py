"""Trainings in processes of their own, so that they can be killed."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))
from made_jobs import Job
from made_training import shard  # the unit tests' small net and images


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> dict:
    """Shards: 48 images without a map, 48 with one, 12 to judge."""
    folder = tmp_path_factory.mktemp("shards")
    return {
        "labelled": [shard(folder / "labelled.parquet", 48, 0, mapped=False)],
        "mapped": [shard(folder / "mapped.parquet", 48, 1)],
        "validation": [shard(folder / "validation.parquet", 12, 2)],
    }


@pytest.fixture(scope="session")
def whole(tmp_path_factory, data) -> Job:
    """A training on one process that nobody interrupted."""
    job = Job(tmp_path_factory.mktemp("whole"), data)
    status, printed = job.run()
    assert status == 0, printed
    return job


@pytest.fixture(scope="session")
def whole_group(tmp_path_factory, data) -> Job:
    """A training on two processes that nobody interrupted, of a net without batch norm and dropout."""
    job = Job(tmp_path_factory.mktemp("group"), data, processes=2, norm="group", dropout=0.0)
    status, printed = job.run()
    assert status == 0, printed
    return job
