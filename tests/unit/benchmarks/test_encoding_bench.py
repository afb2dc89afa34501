"""The benchmark runs on a tiny case and writes its tables; nothing is said about speed."""

import importlib
import json
import sys
from pathlib import Path

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
    return importlib.import_module("encoding"), importlib.import_module("measure_encoding")


def test_a_tiny_case_is_measured_and_tabled(bench, tmp_path):
    encoding, measure = bench
    size = {"images": 4, "grid": 5, "native": 3, "channels": 6, "sites": 2, "folds": 4,
            "components": 2}  # fmt: skip
    engines = [*encoding.OURS, "itcortex-layer", *encoding.PEERS]
    encoding.main([(measure.FitCase(engine, **size), 1) for engine in engines], tmp_path)
    table = pd.read_csv(tmp_path / "encoding.csv")
    asked = (
        "engine rule images grid native channels sites folds targets threads "
        "cpu_seconds wall_seconds peak_mb xtx_multiple"
    )
    assert list(table.columns[:14]) == asked.split()
    assert table.engine.tolist() == engines
    assert (table[["cpu_seconds", "wall_seconds", "xtx_multiple"]] > 0).all(axis=None)
    # one answer from all that follow one rule, to the rounding of the table (6 digits)
    spread = table.groupby("rule").r.agg(lambda r: r.max() - r.min())
    assert sorted(spread.index) == ["exact", "nipals 1e-4"]
    assert (spread < 2e-6).all()
    ratios = pd.read_csv(tmp_path / "encoding_ratios.csv").set_index("engine")
    assert ratios.times_itcortex["itcortex"] == 1
    assert list(pd.read_csv(tmp_path / "claims.csv").columns) == [
        "claim",
        "found",
        "asked",
        "holds",
    ]
    machine = json.loads((tmp_path / "machine.json").read_text())
    assert machine["gflops"]["1"] > 0 and "scikit-learn" in machine["versions"]


def test_the_full_benchmark_measures_what_was_asked(bench):
    encoding, _ = bench
    jobs = [job for job, _ in encoding.jobs_of(quick=False)]
    measured = {(j.engine, j.native, j.channels, j.threads) for j in jobs if j.targets == 1}
    for engine in (*encoding.OURS, *encoding.PEERS):
        for native in (7, 14):
            for channels in (256, 768, 2048, 4096):
                assert {(engine, native, channels, 1), (engine, native, channels, 2)} <= measured
    quick = [job for job, _ in encoding.jobs_of(quick=True)]
    assert set(quick) < set(jobs)


def test_claims_are_taken_from_the_measurements(bench):
    encoding, _ = bench
    row = {"images": 14, "grid": 17, "native": 14, "channels": 2048, "sites": 32, "folds": 14,
           "targets": 1, "threads": 1, "rule": "exact", "wall_seconds": 1.0, "peak_mb": 50.0,
           "xtx_multiple": 1.0, "r": 0.5}  # fmt: skip
    measured = pd.DataFrame(
        [
            row | {"engine": "itcortex", "cpu_seconds": 0.5},
            row | {"engine": "itcortex", "cpu_seconds": 0.7},
            row | {"engine": "itcortex", "cpu_seconds": 0.6},
            row | {"engine": "itcortex", "cpu_seconds": 5.4, "targets": 16},
            row | {"engine": "scikit-learn", "cpu_seconds": 60.0, "rule": "nipals 1e-4"},
        ]
    )
    found = encoding.claims(encoding.ratios(measured)).set_index("claim")
    faster = found.loc["times faster than scikit-learn, native 14, C = 2048"]
    assert faster.found == pytest.approx(100) and faster.holds
    windows = found.loc["sixteen windows as a multiple of one, native 14, C = 2048"]
    assert windows.found == pytest.approx(9) and not windows.holds
    assert len(found) == 2
