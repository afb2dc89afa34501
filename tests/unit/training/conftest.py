"""Trainings that many tests look at, run once."""

import json

import pytest


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Function of settings: a training and its folder, run to the end once."""
    from made.trainings import run  # not at the top: it loads torch

    done = {}

    def training(**settings):
        key = json.dumps(settings, sort_keys=True)
        if key not in done:
            folder = tmp_path_factory.mktemp("finished")
            done[key] = run(folder, **settings), folder
        return done[key]

    return training
