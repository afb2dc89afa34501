"""The harmonizer's benchmark runs on a tiny case and writes its tables; nothing is said of speed."""

import importlib
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch):
    """The benchmark, imported as its script is found."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    return importlib.import_module("harmonizer")


def test_a_tiny_case_is_measured_and_tabled(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "describe_machine", lambda device: {"cpu": device})
    bench.main(bench.jobs_of(("test_vit3",), {"batch": 4, "steps": 1}, 1), tmp_path)
    measured = pd.read_csv(tmp_path / "harmonizer.csv").set_index("way")
    assert measured.index.tolist() == list(bench.WAYS)
    assert (measured[["cpu_seconds", "wall_seconds", "peak_mb"]] > 0).all(axis=None)
    assert measured.harmonization["cross-entropy"] == 0
    # the same loss, to the rounding of float32 and of the table
    native = measured.harmonization["native"]
    assert measured.harmonization["harmonizer"] == pytest.approx(native, rel=1e-3)
    table = pd.read_csv(tmp_path / "harmonizer_ratios.csv").set_index("way")
    assert table.times_plain["cross-entropy"] == table.memory_times_plain["cross-entropy"] == 1
    assert len(pd.read_csv(tmp_path / "harmonizer_claims.csv")) == 0


def test_claims_are_taken_from_medians_on_a_gpu(bench):
    """Wall time there, CPU time here."""
    row = {"network": "resnet50", "device": "cuda", "precision": "bf16", "batch": 64, "maps": 0.25,
           "cpu_seconds": 9.0, "peak_mb": 100.0, "harmonization": 1.0}  # fmt: skip
    times = [("cross-entropy", 0.1), ("harmonizer", 0.5), ("harmonizer", 0.2), ("harmonizer", 0.25),
             ("sub-batch", 0.19)]  # fmt: skip
    measured = pd.DataFrame([row | {"way": way, "wall_seconds": t} for way, t in times])
    here = measured.assign(device="cpu", cpu_seconds=measured.wall_seconds * 2)
    table = bench.ratios(pd.concat([measured, here], ignore_index=True))
    assert table.times_plain.tolist() == pytest.approx([1, 2.5, 1.9] * 2)
    found = bench.claims(table).set_index("asked")
    assert found.holds.to_dict() == {2.6: True, 1.8: False}
    assert found.found[1.8] == pytest.approx(1.9)
