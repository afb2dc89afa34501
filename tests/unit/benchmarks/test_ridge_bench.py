"""The benchmark of ridge regression on tiny cases, and what it measures at full size."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from made.forked import python

pytestmark = [pytest.mark.network, pytest.mark.process]
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def bench(monkeypatch):
    """The benchmark's modules, imported as its script finds them."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    monkeypatch.setattr(sys, "executable", python())  # of the processes that measure
    return importlib.import_module("ridge"), importlib.import_module("measure_ridge")


def test_tiny_cases_are_measured_and_claims_are_of_equal_work(bench, tmp_path):
    ridge, measure = bench
    size = {"images": 60, "features": 9, "sites": 3, "penalties": 4}
    engines = ["floor", "itcortex", measure.ALL_ROWS, "scikit-learn"]
    jobs = [(measure.RidgeCase(engine, "folds", **size), 1) for engine in engines]
    ridge.main(jobs, tmp_path)
    table = pd.read_csv(tmp_path / "ridge_ratios.csv").set_index("engine")
    seconds = table["cpu_seconds"]
    ours, sampled = seconds[measure.ALL_ROWS], seconds["itcortex"]
    peer = table.loc["scikit-learn"]
    assert peer["times_all_rows"] == pytest.approx(peer["cpu_seconds"] / ours, rel=1e-2)
    assert peer["times_itcortex"] == pytest.approx(peer["cpu_seconds"] / sampled, rel=1e-2)
    # penalties chosen on the same left-out errors: the same predictions
    assert table.loc[measure.ALL_ROWS, "r"] == pytest.approx(peer["r"], rel=1e-3)
    claims = pd.read_csv(tmp_path / "ridge_claims.csv")
    assert list(claims["claim"].str.partition(":")[0]) == [
        "times the floor", "times faster than scikit-learn, all rows",
    ]  # fmt: skip


def test_more_features_than_images_are_measured_on_all_of_them(bench):
    _, measure = bench
    case = measure.RidgeCase("itcortex", "folds", 50, 70, 1500, 3)
    assert case.in_rows and case.left_out == 50
    x, y, shares = measure.make_data(case)
    assert (x.shape, y.shape) == ((50, 70), (50, 1500)) and np.isfinite(y).all()
    found = [measure.ENGINES[engine](case, x, y, shares) for engine in ("itcortex", "scikit-learn")]
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert measure.ENGINES["floor"](case, x, y, shares) is None


def test_sizes_and_peers_are_those_that_were_asked(bench):
    ridge, measure = bench
    jobs = ridge.jobs_of(["triplen", "full"], ["full"], "cpu", ["scikit-learn"])
    engines = {(job.engine, job.images) for job, _ in jobs}
    assert ("scikit-learn", 22_248) in engines and (measure.ALL_ROWS, 22_248) in engines
    assert not {engine for engine, _ in engines} & {"himalaya"}
    wide = [job for job, repeats in jobs if job.images == 1000 and repeats == 1]
    assert {(job.features, job.sites, job.task) for job in wide} == {(12_544, 21_059, "folds")}
    assert {job.engine for job in wide} == {"floor", "itcortex"}
    measured = {
        "engine": "itcortex", "task": "folds", "images": 1000, "features": 12_544, "sites": 21_059,
        "penalties": 20, "threads": 1, "dtype": "float32", "device": "cpu", "cpu_seconds": 60.0,
        "wall_seconds": 60.0, "peak_mb": 1300.0, "r": 0.5,
    }  # fmt: skip
    claims = ridge.claims(ridge.ratios(pd.DataFrame([measured])))
    assert claims["found"].tolist() == [1300.0, 10.0] and claims["holds"].all()
