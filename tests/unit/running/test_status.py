"""What `make status` reads: dry runs, markers and logs, made here, and a real run that fails."""

import platform
import subprocess
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest

from itcortex.errors import UserError
from itcortex.running import job, status

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"

PLAN = """\
left out: vit untrained: vit.pth is not published; set `mirror`
Building DAG of jobs...
Job stats:
job               count
--------------  -------
fit_encoding          2
collect_scores        1
all                   1
total                 4


[Tue Nov 24 04:08:31 2026]
localrule fit_encoding:
    input: results/a.h5
    output: results/enc/one.parquet, results/enc/one.predictions.h5
    log: results/logs/fit_encoding/one.log
    jobid: 23
    reason: Missing output files: results/enc/one.parquet
    wildcards: model=one

[Tue Nov 24 04:08:31 2026]
rule fit_encoding:
    output: results/enc/two.parquet
    log: results/logs/fit_encoding/two.log
    jobid: 24
    reason: Params have changed since last execution

[Tue Nov 24 04:08:31 2026]
rule all:
    input: results/enc/one.parquet
    jobid: 0
    reason: Input files updated by another job
"""

RUN = """\
Select jobs to execute...
[Tue Nov 24 02:30:50 2026]
Error in rule fit_encoding:
    message: None
    jobid: 87
    output: results/enc/two.parquet
    log: results/logs/two.log, .snakemake/slurm_logs/7.log (check log file(s) for error details)
Execute 1 jobs...
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mark(output: str) -> None:
    """A marker as Snakemake makes it: base64, in pieces of 254 characters."""
    name = urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + 254] for start in range(0, len(name), 254)]
    path = Path(".snakemake/incomplete", *(f"@{part}" for part in parts[:-1]), parts[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


def write(path: str, text: str) -> str:
    """A file with this text."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return path


# --- what Snakemake prints ------------------------------------------------------------------------


def test_a_plan_is_read_with_logs_and_reasons():
    one, two = status.planned(PLAN)
    assert one == status.PendingJob(
        "fit_encoding",
        ("results/enc/one.parquet", "results/enc/one.predictions.h5"),
        ("results/logs/fit_encoding/one.log",),
        "Missing output files: results/enc/one.parquet",
    )
    assert two.outputs == ("results/enc/two.parquet",)


def test_totals_are_those_of_the_table():
    assert status.totals(PLAN) == {"fit_encoding": 2, "collect_scores": 1, "all": 1}
    assert status.totals("Nothing to be done") == {}


def test_models_left_out_are_listed_with_their_reason():
    assert status.left_out(PLAN) == {"vit untrained": "vit.pth is not published; set `mirror`"}


def test_settings_that_results_were_made_with_are_at_the_end_of_the_page():
    line = "results/demo was made with other settings, and a run replaces them: seed was 1, is 2"
    told = status.made_otherwise(f"Using profile x.\n{line}\n{PLAN}")
    assert told == line
    assert status.made_otherwise(PLAN) == ""
    assert status.shown({"a": 1}, [], {}, "", told).endswith(f"\n\n{line}\n")


def test_failures_of_a_run_are_read_with_all_logs():
    (failed,) = status.reported(RUN)
    assert failed.logs == ("results/logs/two.log", ".snakemake/slurm_logs/7.log")
    assert failed.outputs == ("results/enc/two.parquet",)


# --- what is in the folder ------------------------------------------------------------------------


def test_markers_are_read_also_of_names_longer_than_a_file_may_have(folder):
    long = f"results/{'x' * 600}.h5"
    mark("results/enc/one.parquet")
    mark(long)
    write(".snakemake/incomplete/no base64!", "")
    assert status.begun(".snakemake") == {"results/enc/one.parquet", long}
    assert status.begun("elsewhere") == set()


@pytest.mark.process
def test_a_lock_is_told_and_whether_its_run_is_at_work(folder):
    assert status.lock_notice(".snakemake") == ""
    write(".snakemake/locks/0.input.lock", "")
    assert "no log says on which machine" in status.lock_notice(".snakemake")
    write(".snakemake/log/2026-01-01.snakemake.log", f"  Host: {platform.node()}\n")
    assert "a run that was killed: `make cancel-orphans`" in status.lock_notice(".snakemake")
    run = subprocess.Popen(["bash", "-c", "exec -a snakemake sleep 60"], cwd=folder)
    try:
        while Path(f"/proc/{run.pid}/cmdline").read_bytes().partition(b"\0")[0] != b"snakemake":
            time.sleep(0.01)
        assert status.lock_notice(".snakemake") == f"a run is at work (process {run.pid})"
    finally:
        run.kill()
        run.wait()


def state(log: str | None = None, **options) -> status.JobState:
    """JobState of the job with output `out.h5` and log `out.log`."""
    if log is not None:
        write("out.log", log)
    one = status.PendingJob("fit_encoding", ("out.h5",), ("out.log",), "Missing output files")
    (found,) = status.states([one], **({"begun": set(), "locked": False} | options))
    return found


def test_a_job_that_nothing_is_known_of_is_to_do(folder):
    assert (state().name, state().detail) == ("to do", "Missing output files")


def test_a_job_whose_files_are_there_is_outdated(folder):
    write("out.h5", "")
    assert state("# rule\n# done in 1.0 s\n").name == "outdated"


def test_a_begun_job_runs_while_the_folder_is_locked(folder):
    running = state("# rule fit_encoding\n", begun={"out.h5"}, locked=True)
    assert (running.name, running.log) == ("running", "out.log")


def test_a_begun_job_without_a_lock_was_interrupted(folder):
    assert state(begun={"out.h5"}).detail == "interrupted: the run that began it was killed"


def test_a_failed_job_says_its_last_error_and_log(folder):
    log = "Traceback\nKeyError: 'x'\n\nDuring handling\nitcortex.errors.UserError: a: no b\n"
    failed = state(log)
    assert (failed.name, failed.log) == ("failed", "out.log")
    assert failed.detail == "itcortex.errors.UserError: a: no b"


def test_a_job_that_was_killed_ended_without_a_word(folder):
    assert state("# rule fit_encoding\nlayers: 40%\n").detail == status.SILENT


def test_a_job_that_died_before_its_script_points_to_the_clusters_log(folder):
    failure = status.PendingJob("fit_encoding", ("out.h5",), ("out.log", "slurm/7.log"))
    failed = state(failures=[failure])
    assert (failed.name, failed.log) == ("failed", "slurm/7.log")


def test_the_end_of_a_long_log_is_enough(folder):
    assert state("x\n" * 100_000 + "ValueError: end\n").detail == "ValueError: end"


@pytest.mark.process
def test_logs_end_as_jobs_end_them(folder):
    def main(fails):
        if fails:
            raise UserError("nothing here; look there")

    for fails in (False, True):
        ran = SimpleNamespace(
            rule="fit_encoding", input={}, output={}, params={"fails": fails}, wildcards={},
            log=["out.log"], threads=1, resources={},
        )  # fmt: skip
        if fails:
            with pytest.raises(SystemExit):
                job.run(main, ran)
            assert state().detail == "itcortex.errors.UserError: nothing here; look there"
        else:
            job.run(main, ran)
            assert state().name == "to do"


# --- the page -------------------------------------------------------------------------------------


def test_the_page_counts_lists_and_points(folder):
    mark("results/enc/two.parquet")
    write("results/logs/fit_encoding/one.log", "UserError: no such file\n")
    found = status.states(status.planned(PLAN), status.begun(".snakemake"), True)
    page = status.shown({"fit_encoding": 5, "plot": 1}, found, status.left_out(PLAN), "a lock")
    assert (
        page
        == """\
4 of 6 jobs done, 1 running, 1 failed, 0 outdated, 0 to do; a lock

rule             done  running   failed outdated    to do
fit_encoding        3        1        1        -        -
plot                1        -        -        -        -

failed:
  fit_encoding: results/enc/one.parquet
    UserError: no such file
    log: results/logs/fit_encoding/one.log

running:
  fit_encoding: results/enc/two.parquet
    log: results/logs/fit_encoding/two.log

left out:
  vit untrained: vit.pth is not published; set `mirror`
"""
    )
