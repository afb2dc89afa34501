"""GPUs of one machine: no two jobs see the same one, none is taken where a batch system gives them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from itcortex.errors import UserError
from itcortex.running import devices, job

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
HOLD = """
import sys, time
from pathlib import Path
from itcortex.running import devices
with devices.taken(int(sys.argv[1]), {"CUDA_VISIBLE_DEVICES": "a,b,c"}, Path(sys.argv[2])) as names:
    print(",".join(names), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Start a process that takes GPUs of a, b, c and holds them until its input is closed."""
    started = []

    def start(count):
        command = [sys.executable, "-c", HOLD, str(count), str(tmp_path)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.process
def test_jobs_take_different_gpus_and_wait_for_free_ones(hold):
    first, second = hold(1), hold(2)
    taken = [first.stdout.readline().strip(), second.stdout.readline().strip()]
    assert sorted(",".join(taken).split(",")) == ["a", "b", "c"]
    third = hold(1)
    time.sleep(1.5)
    first.kill()  # a job that dies gives its GPU back
    assert third.stdout.readline().strip() == taken[0]


def test_only_its_own_gpus_are_shown_to_a_job_and_all_again_afterwards(tmp_path):
    environment = {"CUDA_VISIBLE_DEVICES": "3,5"}
    with devices.taken(1, environment, tmp_path) as names:
        assert environment["CUDA_VISIBLE_DEVICES"] == names[0] == "3"
        inner = {"CUDA_VISIBLE_DEVICES": "3,5"}
        with devices.taken(1, inner, tmp_path):
            assert inner["CUDA_VISIBLE_DEVICES"] == "5"
    assert environment == {"CUDA_VISIBLE_DEVICES": "3,5"}


@pytest.mark.parametrize(
    ("count", "environment", "taken"),
    [
        (0, {"CUDA_VISIBLE_DEVICES": ""}, []),
        (1, {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "0"}, ["0"]),
    ],
)
def test_a_batch_systems_gpus_and_cpu_jobs_are_left_alone(tmp_path, count, environment, taken):
    before = dict(environment)
    with devices.taken(count, environment, tmp_path) as names:
        assert names == taken and environment == before
    assert not list(tmp_path.iterdir())


def test_jobs_within_one_allocation_share_its_gpus_and_others_do_not_count(tmp_path, monkeypatch):
    """Each of two allocations calls its own GPUs 0 and 1; a local run in one of them has two jobs."""
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))

    def within(number):
        return {"SLURM_JOB_ID": number, "CUDA_VISIBLE_DEVICES": "0,1"}

    with (
        devices.taken(1, within("7")) as first,
        devices.taken(1, within("7")) as second,
        devices.taken(1, within("8")) as other,
    ):
        assert (first, second, other) == (["0"], ["1"], ["0"])


def test_too_few_gpus_are_an_error_before_anything_waits(tmp_path):
    with pytest.raises(UserError, match="ask for 2 GPUs, this machine shows 1; set `device: cpu`"):
        devices.taken(2, {"CUDA_VISIBLE_DEVICES": "0"}, tmp_path).__enter__()
    with pytest.raises(UserError, match="ask for 1 GPU, this machine shows 0"):
        devices.require(1, {"CUDA_VISIBLE_DEVICES": ""})


@pytest.mark.process
def test_the_driver_is_asked_where_nothing_is_set(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho GPU-1\necho GPU-2\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.available({}) == ["GPU-1", "GPU-2"]
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert devices.available({}) == []
    tool.unlink()
    assert devices.available({}) == []


@pytest.mark.process
def test_a_rules_resource_decides_what_its_script_sees(tmp_path, monkeypatch):
    from types import SimpleNamespace

    class Named(dict):
        """Values by name, as Snakemake injects them."""

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "8,9")
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    seen = []

    def rule(gpu, device):
        return SimpleNamespace(
            input=Named(), output=Named(), params=Named(device=device), log=[tmp_path / "x.log"],
            rule="r", threads=1, wildcards=Named(), resources=Named(gpu=gpu),
        )  # fmt: skip

    def main(device):
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])

    job.run(main, rule(1, "cuda"))
    job.run(main, rule(0, "cpu"))
    job.run(main, rule(1, "cuda:1"))  # one that the user chose
    assert seen == ["8", "8,9", "8,9"]
