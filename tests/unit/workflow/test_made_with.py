"""What has changed in the settings since results were made."""

import json

import pytest

from itcortex.errors import UserError
from itcortex.workflow.made_with import other_settings
from made.experiments import experiment

SETTINGS = {
    "seed": 1,
    "recordings": ["a"],
    "encoding": {"folds": "image", "window": {"a": [0, 40]}},
}


def test_settings_that_are_others_now_are_told_by_their_keys(tmp_path):
    path = tmp_path / "provenance.json"
    assert other_settings(path, SETTINGS) == []
    path.write_text(json.dumps({"settings": SETTINGS}))
    assert other_settings(path, SETTINGS) == []
    now = {"seed": 1, "encoding": {"folds": 10, "window": {"a": (0, 40)}}, "rdms": []}
    assert other_settings(path, now) == [
        'recordings was ["a"], is not given',
        'encoding: folds was "image", is 10',
        "rdms was not given, is []",
    ]
    path.write_text("[]")
    with pytest.raises(UserError, match=r"provenance.json: cannot be read .*; delete it"):
        other_settings(path, SETTINGS)


def test_an_experiment_tells_its_changes_in_one_line_and_not_all_of_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ex = experiment()
    folder = tmp_path / "results" / ex.name
    folder.mkdir(parents=True)
    path = folder / "provenance.json"
    path.write_text(json.dumps({"settings": ex.reported_settings | {"seed": 0}}))
    assert ex.made_otherwise == (
        f"results/{ex.name} was made with other settings, and a run replaces what they change: "
        f"seed was 0, is {ex.settings['seed']}"
    )
    path.write_text(json.dumps({"settings": ex.reported_settings}))
    assert ex.made_otherwise == ""
    path.write_text(json.dumps({"settings": {}}))
    assert ex.made_otherwise.endswith(" more")
