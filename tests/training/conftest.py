"""Trainings in processes of their own, so that they can be killed."""

import json
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> dict:
    """Shards: 48 images without a map, 48 with one, 12 to judge."""
    from made.training import shard  # not at the top: it loads torch

    folder = tmp_path_factory.mktemp("shards")
    return {
        "labelled": [shard(folder / "labelled.parquet", 48, 0, mapped=False)],
        "mapped": [shard(folder / "mapped.parquet", 48, 1)],
        "validation": [shard(folder / "validation.parquet", 12, 2)],
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory, data) -> Callable:
    """Function of a job's options that gives its `TrainingProcess`, run to its end once."""
    from made.jobs import TrainingProcess

    jobs = {}

    def job(recipe: dict, **options):
        key = json.dumps([recipe, options])
        if key not in jobs:
            jobs[key] = TrainingProcess(
                tmp_path_factory.mktemp("finished"), data, recipe, **options
            )
            status, printed = jobs[key].run()
            assert status == 0, printed
        return jobs[key]

    return job
