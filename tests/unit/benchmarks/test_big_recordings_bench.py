"""The benchmark of whole jobs runs at a small size, through the scripts of the rules."""

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest

from made.forked import python

pytestmark = [pytest.mark.network, pytest.mark.process]
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def bench(monkeypatch):
    """The benchmark's module, imported as its script is."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    monkeypatch.setattr(sys, "executable", python())  # of the processes that measure
    return importlib.import_module("big_recordings")


def test_jobs_of_made_files_are_measured_and_find_what_drives_the_sites(bench, tmp_path):
    (tmp_path / "files").mkdir()
    case = bench.BigCase("make", str(tmp_path / "files"), images=300, features=20, layers=1)
    bench.main(case, tmp_path)
    table = pd.read_csv(tmp_path / "big_recordings.csv").set_index("step")
    assert table.index.tolist() == ["prepare_recordings", "fit_encoding"]
    assert (table[["packages_mb", "cpu_seconds", "wall_seconds", "asks_mb"]] > 0).all(axis=None)
    assert (table["peak_mb"] > table["packages_mb"]).all() and table["holds"].all()
    assert set(table["sites"]) == {1024} and set(table["features"]) == {20}
    scores = pd.read_parquet(tmp_path / "files" / "scores.parquet")
    real = scores[scores["control"] == "none"]
    # 100 images with 30 repeats: what the mean of the repeats leaves of 1 is .98
    assert 0.9 < real["r"].median() < 1 and len(real) == 1024


def test_the_full_size_asks_for_less_than_was_asked(bench):
    case = bench.BigCase("fit_encoding", "")
    assert (case.images, case.features, case.precision) == (22_248, 8600, "float32")
    assert 4000 < bench.asks_mb(case) < bench.ASKED_MB["fit_encoding"]
