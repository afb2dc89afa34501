"""GPUs of one machine (made-up names, no Slurm): jobs that run at one time have one each."""

import re
import time

import pytest

from itcortex.running import devices
from made.patience import FACTOR
from made.slurm_line import Line, Run

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def two_gpus(tmp_path, monkeypatch):
    """What this machine shows, whatever it has; its locks are not those of real jobs."""
    for name in devices.BATCH_SYSTEMS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "left,right")
    (tmp_path / "locks").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "locks"))


def started(line: Line) -> set[str]:
    """Names whose job has begun; it has its GPU by then."""
    return {path.stem for path in (line.folder / "started").iterdir()}


def wait_for(line: Line, run: Run, count: int) -> set[str]:
    """Names whose jobs have begun, once there are so many."""
    deadline = time.monotonic() + FACTOR * 120
    while len(found := started(line)) < count:
        assert run.process.poll() is None and time.monotonic() < deadline, run.printed[-5000:]
        time.sleep(0.1)
    return found


def device(line: Line, name: str) -> str:
    """What a job saw of the machine's GPUs."""
    log = line.folder / "results" / "logs" / "measure" / f"{name}.log"
    return re.search(r"^devices (.*)$", log.read_text(), re.MULTILINE)[1]


def test_jobs_at_one_time_have_different_gpus_and_no_more_run_than_there_are(tmp_path):
    """Three jobs that want a GPU, three cores, two GPUs: the third waits for one to be given back."""
    line = Line(tmp_path / "line")
    held = {name: line.fault("hold", name) for name in "abc"}
    run = line.start("--cores", "3", "--resources", "gpu=2", "--config", "on_gpu=abc")
    try:
        first, second = wait_for(line, run, 2)
        assert {device(line, first), device(line, second)} == {"left", "right"}
        assert run.printed.count("rule measure:") == 2  # the third is not even begun
        held[first].unlink()
        (third,) = wait_for(line, run, 3) - {first, second}
        assert device(line, third) == device(line, first)
        for path in held.values():
            path.unlink(missing_ok=True)
        run.end()
    finally:
        if run.process.poll() is None:
            run.kill()
    assert set(line.tables()) == {"table.parquet", "table.csv"}


def test_two_runs_on_one_machine_do_not_meet_on_a_gpu(tmp_path):
    """Each scheduler knows of its own jobs only; jobs without a GPU see what they saw before."""
    lines = [Line(tmp_path / folder) for folder in ("one", "two")]
    held = [line.fault("hold", "a") for line in lines]
    runs = [
        line.start("--cores", "3", "--resources", "gpu=1", "--config", "on_gpu=a") for line in lines
    ]
    try:
        for line, run in zip(lines, runs, strict=True):
            wait_for(line, run, 3)
        assert {device(line, "a") for line in lines} == {"left", "right"}
        for path in held:
            path.unlink()
        for run in runs:
            run.end()
    finally:
        for run in runs:
            if run.process.poll() is None:
                run.kill()
    assert {device(line, name) for line in lines for name in "bc"} == {"left,right"}
