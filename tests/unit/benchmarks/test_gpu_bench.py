"""The measurements for a GPU, tried without one: what is written, when a case fails, what is claimed."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

pytestmark = [pytest.mark.network, pytest.mark.process]

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def bench(monkeypatch):
    """The benchmark, imported as its script is found."""
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    return importlib.import_module("gpu")


def planted(cases):
    """A part with these cases: (name, seconds that it needs, function)."""
    case = importlib.import_module("gpu_case").Case
    return SimpleNamespace(cases=lambda run: [case(*one) for one in cases])


def test_a_tiny_part_is_measured_and_the_claim_is_made(bench, tmp_path):
    assert bench.measure("encoding", "cpu", True, 1e3, tmp_path) == 0
    table = pd.read_csv(tmp_path / "encoding.csv")
    assert table.mapping.tolist() == ["ridge"] * 8 + ["pls"] * 2
    assert (table.seconds > 0).all() and set(table.card) == {"none"}
    assert table.difference.dropna().tolist() == [0] * 5  # the CPU with itself
    found = bench.claims(tmp_path)
    assert found.found.tolist() == [0] * 5 and found.holds.all()
    assert found.asked.tolist() == [1e-4, 1e-8, 1e-4, 1e-8, 1e-8]
    assert not (tmp_path / "errors.txt").exists()


def test_a_case_that_fails_is_noted_and_the_next_one_follows(bench, tmp_path, monkeypatch, capsys):
    def broken():
        raise RuntimeError("out of patience")

    part = planted(
        [("one", 1, lambda: [{"a": 1}]), ("two", 1, broken), ("long", 1e6, broken),
         ("three", 1, lambda: [{"a": 3}])]
    )  # fmt: skip
    monkeypatch.setattr(bench.importlib, "import_module", lambda name: part)
    assert bench.measure("harmonizer", "cpu", True, 1e3, tmp_path) == 1
    assert pd.read_csv(tmp_path / "harmonizer.csv").a.tolist() == [1, 3]
    errors = (tmp_path / "errors.txt").read_text()
    assert errors.startswith("harmonizer: two: Traceback") and "out of patience" in errors
    assert "harmonizer: long: left out" in capsys.readouterr().out


def test_claims_are_of_what_was_asked(bench, tmp_path):
    shared = {"network": "resnet50", "batch": 64}
    steps = [("bf16", "cross-entropy", 1.0), ("bf16", "harmonizer", 2.7), ("bf16", "sub-batch", 1.7),
             ("tf32", "harmonizer", 9.0)]  # fmt: skip
    pd.DataFrame(
        [shared | {"precision": p, "way": w, "times_plain": t} for p, w, t in steps]
    ).to_csv(tmp_path / "harmonizer.csv")
    cosines = {"state": "drawn", "loss": "step", "cosine": 0.995, "worst_cosine": 0.98}
    pairs = [f"{p} with float32" for p in ("bf16", "tf32")]
    pd.DataFrame([shared | cosines | {"compared": pair} for pair in pairs]).to_csv(
        tmp_path / "gradients.csv"
    )
    moves = [("file", 8, 1.1, 700.0), ("write", 1, 0.2, 300.0), ("write", 8, 0.1, 1200.0)]
    names = ("step", "threads", "times_forward", "mb_a_s")
    pd.DataFrame(
        [{"network": "resnet50", "side": 7} | dict(zip(names, m, strict=True)) for m in moves]
    ).to_csv(tmp_path / "extraction.csv")
    found = bench.claims(tmp_path)
    assert found.found.tolist() == [2.7, 1.7, 0.995, 0.98, 1.1, 1200]
    assert found.asked.tolist() == [2.6, 1.8, 0.99, 0.99, 1.15, 1000]
    assert found.holds.tolist() == [False, True, True, False, True, True]


def test_gradients_are_compared_value_by_value(bench):
    torch = importlib.import_module("torch")
    compare = importlib.import_module("gpu_gradients").compare
    reference = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([0.0, 4.0]),
                 "c": torch.tensor([1e-9])}  # fmt: skip
    other = {
        "a": torch.tensor([3.0, 4.0]),
        "b": torch.tensor([0.0, 4.0]),
        "c": torch.tensor([-1.0]),
    }
    found = compare(reference, other)
    assert found["cosine"] == pytest.approx(25 / (5 * 42**0.5))
    assert found["worst_cosine"] == pytest.approx(0.6) and found["worst_parameter"] == "a"
    assert found["worst_share"] == pytest.approx(0.6) and found["parameters"] == 2  # c is none
