"""The harmonizer's benchmark runs on a tiny case and writes its tables; nothing is said of speed."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from PIL import Image

from itcortex.training.images.sources import open_samples
from made.forked import python

pytestmark = [pytest.mark.network, pytest.mark.process]

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def bench(monkeypatch):
    """The benchmark, imported as its script is found."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    monkeypatch.setattr(sys, "executable", python())  # of the processes that measure
    return importlib.import_module("harmonizer")


def test_a_tiny_case_is_measured_and_tabled(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "describe_machine", lambda device: {"cpu": device})
    bench.main(bench.jobs_of(("test_vit3",), {"batch": 4, "steps": 1}, 1), [], tmp_path)
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


def test_the_loader_is_measured_alone_and_with_steps(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "describe_machine", lambda device: {"cpu": device})
    bench.make_images(tmp_path / "images", 8)
    options = {"batch": 4, "batches": 2}
    jobs = bench.loader_jobs(tmp_path / "images", ("test_vit3",), [1], options, 1)
    assert [(j.part, j.source, j.way) for j in jobs[:4]] == [
        ("loader", "folder", "harmonizer"),
        ("loader", "tar", "harmonizer"),
        ("loader", "parquet", "harmonizer"),
        ("step", "folder", "cross-entropy"),
    ]
    bench.main([], [jobs[1], jobs[-2], jobs[-1]], tmp_path)
    measured = pd.read_csv(tmp_path / "loader.csv").set_index("part")
    assert measured.index.tolist() == ["loader", "step", "together"]
    assert (measured[["images_per_s", "cpu_ms"]] > 0).all(axis=None)
    assert measured.waiting["step"] == 0 and 0 < measured.waiting["together"] < 1
    table = pd.read_csv(tmp_path / "loader_rates.csv").set_index("part")
    kept = table.images_per_s["together"] / table.images_per_s["step"]
    assert table.times_step["together"] == pytest.approx(kept, rel=1e-2)  # of four digits
    assert len(pd.read_csv(tmp_path / "harmonizer_claims.csv")) == 1


def test_made_photographs_are_of_imagenets_size(bench, tmp_path):
    bench.make_images(tmp_path, 12)
    files = sorted((tmp_path / "folder").rglob("*.jpg"))
    assert [Image.open(path).size for path in files[:2]] == [(500, 375), (375, 500)]
    assert 90e3 < sum(path.stat().st_size for path in files) / 12 < 130e3  # ImageNet: 110 KB
    sources = [tmp_path / name for name in ("folder", "images.tar", "images.parquet")]
    folder, tar, parquet = (open_samples([path], tmp_path / "scratch") for path in sources)
    names = [folder.read(n).image_id for n in range(12)]
    order = [names.index(tar.read(n).image_id.partition(":")[2]) for n in range(12)]
    assert sorted(order) == list(range(12))
    for n in range(12):
        assert tar.read(n).image == folder.read(order[n]).image
    assert {parquet.read(n).image.tobytes() for n in range(12)} == {
        folder.read(n).image.tobytes() for n in range(12)
    }


def test_rates_are_medians_and_waiting_is_judged_with_most_workers(bench):
    row = {"source": "folder", "network": "a", "way": "harmonizer", "device": "cpu", "batch": 8,
           "precision": "float32", "maps": 0.25, "threads": 1, "cpu_ms": 1.0}  # fmt: skip
    parts = [("loader", 0, rate, 1.0) for rate in (300.0, 100.0, 200.0)]
    parts += [("step", 0, 50.0, 0.0), ("together", 0, 40.0, 0.2), ("together", 1, 49.0, 0.02)]
    names = ("part", "workers", "images_per_s", "waiting")
    measured = pd.DataFrame([row | dict(zip(names, values, strict=True)) for values in parts])
    table = bench.rates(measured)
    assert table.images_per_s.tolist() == [200, 50, 40, 49]
    assert table.network.tolist() == ["-", "a", "a", "a"] and table.runs.tolist() == [3, 1, 1, 1]
    assert table.times_step.tolist()[2:] == pytest.approx([0.8, 0.98])
    assert table.times_step.isna().tolist() == [True, True, False, False]
    found = bench.loader_claims(table)
    assert found.found.tolist() == [0.02] and found.holds.tolist() == [True]


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
    assert len(bench.claims(table.assign(precision="float32"))) == 0  # nothing was asked of it


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_a_step_is_made_in_the_precision_that_its_row_says(bench, monkeypatch, precision):
    """As a GPU would be told: nothing runs on one."""
    steps = importlib.import_module("measure_harmonizer")
    seen = []

    def note() -> None:
        seen.append(torch.backends.cuda.matmul.allow_tf32)

    def loss(*_arguments, **_options):
        note()
        return SimpleNamespace(backward=note, harmonization=torch.zeros(()))

    monkeypatch.setattr(steps, "harmonizer_loss", loss)
    job = steps.StepCase("resnet18", "harmonizer", device="cuda", precision=precision)
    steps.step(job, torch.nn.Linear(1, 1), ())
    assert seen == 2 * [precision == "tf32"]
