"""Benchmark files of jobs, made here, as a table and a figure."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from collect_benchmarks import main as collect_benchmarks
from itcortex.errors import UserError
from itcortex.figures import benchmarks as drawn
from itcortex.tables import benchmarks
from plot_benchmarks import main as plot_benchmarks

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
PATTERNS = {
    "fit_encoding": "results/{experiment}/benchmarks/fit_encoding/{recording}/{model}/{weights}.tsv",
    "fetch_weights": "results/benchmarks/fetch_weights/{model}/{weights}.tsv",
    "prepare_stimuli": "results/benchmarks/prepare_stimuli/{stimuli}.tsv",
    "collect_scores": "results/{experiment}/benchmarks/collect_scores.tsv",
}
MODELS = [("resnet", "imagenet"), ("vit", "harmonized/strength-1/seed-0")]


def leave(path: str, seconds: float, memory: float | str = 100.0, cpu: float = 1.0) -> Path:
    """What Snakemake leaves of a job."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{HEAD}{seconds}\t0:00:01\t{memory}\t9\t9\t9\t2.5\t0.5\t50\t{cpu}\n")
    return target


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    """A folder with jobs of two experiments, and of a model that this one has not."""
    monkeypatch.chdir(tmp_path)
    leave("results/demo/benchmarks/fit_encoding/a/resnet/imagenet.tsv", 30, 1000, 25)
    leave("results/demo/benchmarks/fit_encoding/b/resnet/imagenet.tsv", 10, 900, 9)
    leave("results/demo/benchmarks/fit_encoding/a/vit/harmonized/strength-1/seed-0.tsv", 20, 2048)
    leave("results/demo/benchmarks/collect_scores.tsv", 0.01, "NA")
    leave("results/macaque/benchmarks/fit_encoding/a/resnet/imagenet.tsv", 999)
    leave("results/benchmarks/fetch_weights/resnet/imagenet.tsv", 5)
    leave("results/benchmarks/fetch_weights/alexnet/imagenet.tsv", 999)
    leave("results/benchmarks/prepare_stimuli/photographs.tsv", 4)
    leave("results/benchmarks/prepare_stimuli/others.tsv", 999)
    leave("results/benchmarks/prepare_everything/a.tsv", 999)
    return tmp_path


def collected() -> pd.DataFrame:
    """Jobs of the experiment demo, which shows the photographs."""
    return benchmarks.collect(PATTERNS, "demo", MODELS, {"stimuli": ["photographs"]})


def test_jobs_are_told_apart_by_their_rules_patterns(results):
    jobs = collected()
    assert jobs[["rule", "model", "weights", "of", "seconds"]].values.tolist() == [
        ["fit_encoding", "resnet", "imagenet", "a", 30.0],
        ["fit_encoding", "vit", "harmonized/strength-1/seed-0", "a", 20.0],
        ["fit_encoding", "resnet", "imagenet", "b", 10.0],
        ["fetch_weights", "resnet", "imagenet", "", 5.0],
        ["prepare_stimuli", "", "", "photographs", 4.0],
        ["collect_scores", "", "", "", 0.01],
    ]
    first = jobs.iloc[0]
    assert (first.cpu_seconds, first.memory_mb, first.read_mb, first.written_mb) == (
        25,
        1000,
        2.5,
        0.5,
    )


def test_what_was_not_measured_is_nan(results):
    (memory,) = collected().query("rule == 'collect_scores'").memory_mb
    assert math.isnan(memory)


def test_sums_medians_and_peaks_of_rules(results):
    rules = benchmarks.by_rule(collected())
    assert list(rules.index) == [
        "fit_encoding",
        "fetch_weights",
        "prepare_stimuli",
        "collect_scores",
    ]
    assert rules.loc["fit_encoding"].tolist() == [3, 60.0, 20.0, 35.0, 2048.0]


def test_without_jobs_there_is_nothing_to_collect(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no job has left a benchmark"):
        collected()


def test_a_file_that_is_no_benchmark_is_named(results):
    Path("results/benchmarks/prepare_stimuli/photographs.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(UserError, match=r"photographs\.tsv: not a benchmark file of a job"):
        collected()


def test_the_state_changes_with_a_new_benchmark_and_not_without(results):
    before = benchmarks.state(PATTERNS, "demo")
    assert benchmarks.state(PATTERNS, "demo") == before
    leave("results/macaque/benchmarks/collect_scores.tsv", 1)  # of another experiment
    assert benchmarks.state(PATTERNS, "demo") == before
    leave("results/benchmarks/prepare_stimuli/third.tsv", 1)
    assert benchmarks.state(PATTERNS, "demo") != before


def test_a_repeated_job_has_a_row_a_repetition(results):
    path = leave("results/demo/benchmarks/collect_scores.tsv", 1)
    path.write_text(
        path.read_text() + path.read_text().splitlines()[1].replace("1\t", "3\t", 1) + "\n"
    )
    assert [row["seconds"] for row in benchmarks.read(path)] == [1.0, 3.0]


# --- figure ---------------------------------------------------------------------------------------


def test_bars_sum_to_the_jobs_and_are_sorted(results):
    jobs = collected()
    order = benchmarks.by_rule(jobs).index
    rows = drawn.rows_of(jobs, jobs["rule"], order, "rule")
    assert rows.seconds.sum(axis=1).tolist() == [60.0, 5.0, 4.0, 0.01]
    assert rows.notes == ["60 s  (3 × 20 s)", "5.0 s", "4.0 s", "0.0 s"]


def test_names_beyond_the_most_are_summed_up():
    jobs = pd.DataFrame(
        {"rule": "fit_encoding", "model": [f"m{k:02d}" for k in range(30)], "weights": "imagenet",
         "seconds": np.arange(30.0, 0, -1), "memory_mb": 1.0, "cpu_seconds": 1.0}
    )  # fmt: skip
    rows = drawn.rows_of(jobs, jobs["model"], pd.Index(jobs["model"]), "model")
    assert list(rows.seconds.index[-2:]) == ["m18", "11 others"]
    assert len(rows.seconds) == drawn.MOST
    assert rows.seconds.to_numpy().sum() == jobs["seconds"].sum()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.31, "0.3 s"),
        (9.96, "10 s"),
        (99, "99 s"),
        (120, "2.0 min"),
        (7200, "2.0 h"),
        (9e5, "250 h"),
    ],
)
def test_times_have_the_unit_that_suits_them(seconds, text):
    assert drawn.span(seconds) == text


@pytest.mark.long
def test_scripts_write_a_table_and_a_figure(results):
    models = [" ".join(key) for key in MODELS]
    collect_benchmarks(
        "t/benchmarks.parquet", "t/benchmarks.csv", PATTERNS, "demo", models,
        {"stimuli": ["photographs"]}, "0123",
    )  # fmt: skip
    assert pd.read_csv("t/benchmarks.csv")["seconds"].sum() == pytest.approx(69.01)
    files = [f"f/benchmarks.{kind}" for kind in ("pdf", "png", "rst")]
    plot_benchmarks("t/benchmarks.parquet", *files, "demo", "A caption.")
    picture = imread("f/benchmarks.png")
    assert Path("f/benchmarks.pdf").read_bytes()[:5] == b"%PDF-"
    assert picture.std() > 0.05 and picture.shape[1] == 1440  # 7.2 inches at 200 dpi


def test_jobs_without_models_and_without_measures_can_be_drawn():
    row = {"rule": "plot_maps", "model": "", "weights": "", "of": "", "seconds": 0.0}
    jobs = pd.DataFrame([row | dict.fromkeys(["cpu_seconds", "memory_mb"], math.nan)])
    figure = drawn.draw(jobs, "nothing")
    assert len(figure.axes) == 2
    assert "too short to measure" in figure.axes[1].texts[0].get_text()


def test_no_jobs_are_no_figure():
    with pytest.raises(UserError, match="nothing to draw"):
        drawn.draw(pd.DataFrame({"rule": []}), "")
