"""Whose jobs are cancelled, and beside which processes none are: without Slurm."""

import os
import platform
from pathlib import Path

import pytest

import cancel_orphans
from itcortex.errors import UserError
from itcortex.running import orphans

RUN = "78f35ffc-48aa-49a8-ac75-7d8ca14d472b"


def listing(*rows):
    """What squeue prints for rows of fields."""
    return "\n".join("\t".join(row) for row in rows)


def test_jobs_are_known_by_the_name_of_a_run_with_or_without_prefix():
    printed = listing(
        ("12", RUN, "RUNNING", "rule_fit_encoding_wildcards_a", "/data/mine"),
        ("13", f"itcortex_{RUN}", "PENDING", "rule_fit_encoding_wildcards_b", "/data/mine"),
        ("14", "wrap", "RUNNING", "(null)", "/data/mine"),
        ("15", f"{RUN}-2", "RUNNING", "(null)", "/data/mine"),
    )
    jobs = orphans.parse(printed + "\n")
    assert [job.number for job in jobs] == ["12", "13"]
    assert jobs[1].state == "PENDING" and jobs[1].made == "rule_fit_encoding_wildcards_b"
    assert orphans.parse("") == []


def test_an_array_of_jobs_is_one():
    rows = [("12", RUN, "PENDING", "rule_a", "/data/mine")] * 3
    assert len(orphans.parse(listing(*rows))) == 1


def test_only_jobs_of_the_very_folder_count(tmp_path):
    real, linked, other = tmp_path / "a b", tmp_path / "link", tmp_path / "a b" / "below"
    other.mkdir(parents=True)
    linked.symlink_to(real)
    printed = listing(*(
        (str(number), RUN, "RUNNING", "rule_a", str(folder))
        for number, folder in enumerate((real, linked, other, tmp_path))
    ))  # fmt: skip
    jobs = orphans.parse(printed)
    assert [job.number for job in orphans.of_folder(jobs, real)] == ["0", "1"]


def test_another_squeue_is_refused():
    with pytest.raises(UserError, match="not five fields"):
        orphans.parse("12 RUNNING")


def process(processes: Path, number: int, folder: Path, *words: str) -> None:
    """A process as /proc shows it."""
    (processes / str(number)).mkdir(parents=True)
    (processes / str(number) / "cmdline").write_text("\0".join(words) + "\0")
    (processes / str(number) / "cwd").symlink_to(folder)


def test_runs_are_told_from_their_jobs_and_from_others(tmp_path):
    folder, processes = tmp_path / "snakemake", tmp_path / "proc"
    folder.mkdir()
    python = "/opt/venv/bin/python"
    process(processes, 10, folder, python, "/opt/venv/bin/snakemake", "--jobs", "9")
    process(processes, 11, folder, python, "-m", "snakemake")
    process(processes, 12, folder, python, "-m", "snakemake", "--mode", "remote")
    process(processes, 13, tmp_path, python, "-m", "snakemake")
    process(processes, 14, folder, python, str(folder / "scripts" / "cancel_orphans.py"))
    process(processes, 15, folder, "vim", "snakemake")
    process(processes, 17, folder, python, "-W", "ignore", "-u", "-m", "snakemake", "--cores", "1")
    (processes / "self").mkdir()
    (processes / "16").mkdir()  # ended meanwhile
    assert orphans.live_runs(folder, processes) == [10, 11, 17]


REFUSED = "LockException:\nError: Directory cannot be locked. Please make sure that"


def locked(folder: Path, *runs: str) -> Path:
    """A folder with a lock, and what runs wrote into their logs, the oldest first."""
    for name in ("locks", "log"):
        (folder / ".snakemake" / name).mkdir(parents=True)
    (folder / ".snakemake" / "locks" / "0.output.lock").touch()
    for day, text in enumerate(runs, 1):
        log = folder / ".snakemake" / "log" / f"2026-01-0{day}T120000.snakemake.log"
        log.write_text(f"SNAKEMAKE\n=========\n  Date: x\n{text}\n")
    return folder


def on(host: str, more: str = "") -> str:
    """What a run on a machine writes into its log."""
    return f"  Host: {host}\n  User: me\n\n{more}"


def test_a_lock_is_of_the_last_run_that_was_not_refused(tmp_path):
    """A second run on another machine writes a log too, and must not make the first look dead."""
    assert orphans.lock_of(tmp_path) is None
    runs = on("login1"), on("login2"), on("login3", REFUSED)
    assert orphans.lock_of(locked(tmp_path / "a", *runs)).host == "login2"
    with pytest.raises(UserError, match="no log says on which machine"):
        orphans.require_dead(locked(tmp_path / "b"))


def test_a_lock_of_another_user_is_left_alone(tmp_path, monkeypatch):
    """Nobody sees in which folder another user's process works."""
    folder = locked(tmp_path, on(platform.node()))
    monkeypatch.setattr(Path, "owner", lambda path: "somebody")
    with pytest.raises(UserError, match="is locked by a run of somebody"):
        cancel_orphans.main(folder)
    orphans.require_dead(folder, ended=True)


def test_what_to_do_about_a_lock_is_said(tmp_path):
    assert orphans.advice(tmp_path) == ""
    assert "started on elsewhere" in orphans.advice(locked(tmp_path / "a", on("elsewhere")))
    said = orphans.advice(locked(tmp_path / "b", on(platform.node())))
    assert "a run that was killed: `make cancel-orphans`" in said


def test_a_lock_of_another_machine_is_left_alone(tmp_path):
    """Whether that run is alive cannot be seen from here."""
    with pytest.raises(UserError, match="the last run was started on elsewhere, this is"):
        cancel_orphans.main(locked(tmp_path, on("elsewhere")))


@pytest.mark.process
def test_without_slurm_it_says_so_if_there_may_be_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="squeue: not found"):
        cancel_orphans.main(locked(tmp_path / "a", on(platform.node(), "SLURM run ID: 1")))
    assert orphans.lock_of(tmp_path / "a")


@pytest.mark.process
def test_a_run_on_one_machine_is_unlocked_without_slurm(tmp_path, monkeypatch):
    for name in ("squeue", "scancel"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    folder = locked(tmp_path / "run", on(platform.node()))
    (folder / "Snakefile").write_text("rule all:\n    output: 'a'\n    shell: 'touch a'\n")
    assert cancel_orphans.main(folder) == [] and orphans.lock_of(folder) is None
    assert not (tmp_path / "asked").exists()
