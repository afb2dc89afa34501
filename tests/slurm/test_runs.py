"""Runs that meet in one folder: two at once, and one that died before its jobs did."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from made.slurm_line import REPOSITORY, Line, environment

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]


def cancel_orphans(line: Line) -> subprocess.CompletedProcess:
    """`make cancel-orphans`, in a line's folder."""
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "cancel_orphans.py")],
        cwd=line.folder, env=environment(line.cluster), text=True, capture_output=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory, cluster):
    """A run with jobs on both GPUs and on a CPU, and what happens to whoever comes beside it."""
    line = Line(tmp_path_factory.mktemp("two"), cluster)
    held = [line.fault("hold", name) for name in "abc"]
    first = line.start("--config", "on_gpu=ab", real=True)
    for name in "abc":
        line.wait_for(name)
    second = line.start().end(1)
    refused = cancel_orphans(line)
    for path in held:
        path.unlink()
    first.end()
    return line, second, refused, first.process.pid


def test_a_second_run_in_the_folder_says_what_to_do(two_runs, tables):
    line, second, _, _ = two_runs
    assert "no other Snakemake process is trying to create the same files" in second
    assert str(line.folder) in second and "--unlock" in second
    assert [line.states(name) for name in "abc"] == [["COMPLETED"]] * 3  # it submitted nothing
    assert line.tables() == tables


def test_jobs_of_a_run_that_is_alive_are_not_cancelled(two_runs):
    _, _, refused, pid = two_runs
    assert refused.returncode == 1
    assert f"a run is alive here (process {pid} on " in refused.stderr
    assert f"kill -INT {pid}" in refused.stderr


def test_every_gpu_job_has_a_gpu_of_its_own_and_others_have_none(two_runs):
    line, *_ = two_runs
    logs = {
        name: (line.folder / "results/logs/measure" / f"{name}.log").read_text() for name in "abc"
    }
    devices = {
        name: re.search(r"^devices (.*)$", log, re.MULTILINE)[1] for name, log in logs.items()
    }
    assert {devices["a"], devices["b"]} == {"0", "1"} and devices["c"] == "None"
    jobs = {name: line.jobs(name)[0] for name in "abc"}
    assert {name: job["Partition"] for name, job in jobs.items()} == {
        "a": "gpu",
        "b": "gpu",
        "c": "cpu",
    }
    assert [jobs[name].get("TresPerJob") for name in "abc"] == ["gres:gpu:1", "gres:gpu:1", None]


def test_jobs_of_a_killed_run_are_cancelled_before_they_run_again(line, cluster, tables):
    held = line.fault("hold", "b")
    run = line.start(real=True)
    orphan = line.wait_for("b")
    run.kill()
    own = cluster.command("sbatch", "--parsable", "--chdir", str(line.folder), "--wrap", "sleep 60")
    locked = line.start().end(1)
    assert "Directory cannot be locked" in locked
    assert line.jobs("b")[-1]["JobState"] == "RUNNING"  # it goes on without its run
    done = cancel_orphans(line)
    assert done.returncode == 0, done.stderr
    assert f"cancelled {orphan['JobId']} rule_measure_wildcards_b (running, run " in done.stdout
    running = cluster.command("squeue", "--noheader", "--format", "%A").split()
    assert running == own.split()  # somebody's own job in the folder is not ours
    cluster.command("scancel", *own.split())
    held.unlink()
    line.start().end()
    first, second = line.jobs("b")
    assert (first["JobState"], second["JobState"]) == ("CANCELLED", "COMPLETED")
    assert first["EndTime"] <= second["StartTime"]
    assert line.tables() == tables


def test_without_orphans_there_is_nothing_to_cancel(line):
    done = cancel_orphans(line)
    assert done.returncode == 0 and done.stdout.startswith("No job of a dead run is left")
    assert Path(line.folder / "results").exists() is False
