"""What most tests of the workflow need: an experiment, and the wildcards of a job."""

from types import SimpleNamespace

import pytest

from made import experiments


@pytest.fixture
def ex():
    """The experiment of config.yaml, with the model table of `experiments.ROWS`."""
    return experiments.experiment()


@pytest.fixture
def job():
    """A function: the wildcards of a job."""
    return SimpleNamespace
