"""Jobs that could never run are refused before the first of them starts."""

from types import SimpleNamespace

import pytest

from itcortex.errors import UserError
from itcortex.running import partitions
from itcortex.workflow import limits


def jobs_asking(*resources: dict) -> list[SimpleNamespace]:
    """Jobs as the scheduler has them."""
    return [
        SimpleNamespace(resources=one, rule=SimpleNamespace(name=f"rule_{k}"))
        for k, one in enumerate(resources)
    ]


def test_a_training_whose_gpus_the_run_may_not_use_is_refused(monkeypatch):
    """Snakemake would cut them to the profile's limit without a word, and the job fail inside."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    with pytest.raises(UserError, match=r"has 4 processes, .* may use 1; set `resources"):
        limits.require_gpus(jobs_asking({"gpu": 1}, {"gpu": 1, "processes": 4}))
    limits.require_gpus(jobs_asking({"gpu": 4, "processes": 4}, {"gpu": 0, "processes": 9}))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(UserError, match="ask for 4 GPUs, this machine shows 1"):
        limits.require_gpus(jobs_asking({"gpu": 4, "processes": 4}))


def test_jobs_without_a_gpu_need_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    limits.require_gpus(jobs_asking({}, {"gpu": 0}))


def test_the_longest_job_of_a_rule_is_held_against_the_partitions(monkeypatch):
    listing = "short\t1:00:00\nlong\t2-00:00:00\n"
    answer = SimpleNamespace(stdout=listing)
    monkeypatch.setattr(partitions.subprocess, "run", lambda *_, **__: answer)
    jobs = jobs_asking({"runtime": 2881}, {"runtime": 30}, {"runtime": "<TBD>"})
    for job in jobs:
        job.rule.name = "fit"
    with pytest.raises(UserError, match="rule fit: asks for 2881 minutes, more than any partition"):
        limits.require_time(jobs)
    limits.require_time(jobs[1:])
    with pytest.raises(UserError, match=r"rule rule_0: .* more than partition short gives"):
        limits.require_time(jobs_asking({"runtime": 61, "slurm_partition": "short"}))


def test_models_are_checked_alone():
    """Rows that are wrong are let pass then, and nothing else may go on without them."""
    check, fit = (SimpleNamespace(rule=SimpleNamespace(name=n)) for n in ("check_models", "fit"))
    limits.require_alone([check], "check_models")
    with pytest.raises(UserError, match="check_models: runs alone, and fit is asked for as well"):
        limits.require_alone([check, fit, fit], "check_models")
