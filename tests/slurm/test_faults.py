"""What goes wrong on clusters: nothing is lost, and the tables are those of an undisturbed run."""

import signal
import subprocess
import time

import pytest

from made.patience import FACTOR
from made.slurm_line import Line

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory, cluster):
    """One run, three misfortunes: a's job is cancelled, b's takes too much memory, c's node drained."""
    line = Line(tmp_path_factory.mktemp("disturbed"), cluster)
    held = [line.fault("hold", name) for name in "ac"]
    line.fault("hungry", "b", "800")
    run = line.start(real=True, real_jobs=True)
    node = line.wait_for("c")["NodeList"]
    update = ["scontrol", "update", f"nodename={node}"]
    cluster.command(*update, "state=drain", "reason=test", check=True)
    try:
        cluster.command("scancel", line.wait_for("a")["JobId"], check=True)
        for path in held:
            path.unlink()
        run.end()
    finally:
        cluster.command(*update, "state=resume", check=True)
        cluster.wait_for_nodes()
    return line, node


def test_a_cancelled_job_is_run_again(disturbed, tables):
    line, _ = disturbed
    assert line.states("a") == ["CANCELLED", "COMPLETED"]
    assert line.tables() == tables


def test_a_job_over_its_memory_is_run_again_with_more(disturbed, tables):
    line, _ = disturbed
    first, second = line.jobs("b")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("900M", "1800M")
    assert first["JobState"] in ("OUT_OF_MEMORY", "FAILED") and second["JobState"] == "COMPLETED"
    assert line.tables() == tables


def test_a_node_that_is_drained_ends_its_job_and_gets_no_other(disturbed, tables):
    line, node = disturbed
    (job,) = line.jobs("c")
    assert (job["JobState"], job["NodeList"], job["Restarts"]) == ("COMPLETED", node, "0")
    assert line.jobs("a")[-1]["NodeList"] != node and line.jobs("b")[-1]["NodeList"] != node
    assert line.tables() == tables


def test_the_job_of_a_dead_node_is_run_on_another(line, cluster, tables):
    """Slurm itself queues it again, under its own number (slurm-requeue)."""
    held = line.fault("hold", "b")
    run = line.start()
    node = line.wait_for("b")["NodeList"]
    cluster.kill(node)
    cluster.command("scontrol", "update", f"nodename={node}", "state=down", "reason=t", check=True)
    try:
        held.unlink()
        run.end()
        (job,) = line.jobs("b")
        assert job["JobState"] == "COMPLETED" and job["Restarts"] == "1"
        assert job["NodeList"] != node
    finally:
        cluster.start_node(node)
        cluster.wait_for_nodes()
    assert line.tables() == tables


def test_a_controller_that_restarts_costs_nothing(line, cluster, tables):
    """A job ends while nobody keeps the books."""
    held = line.fault("hold", "b")
    run = line.start()
    cluster.wait_until_saved(line.wait_for("b")["JobId"])
    cluster.kill("slurmctld")
    held.unlink()
    time.sleep(3)
    cluster.start_controller()
    run.end()
    assert line.states("b") == ["COMPLETED"]
    assert line.tables() == tables


def test_a_controller_that_is_away_for_long_costs_an_interrupt(line, cluster, tables):
    """Without accounting: the plugin asks sacct once squeue is silent, and waits for it for ever."""
    held = [line.fault("hold", name) for name in "abc"]
    run = line.start()
    jobs = [line.wait_for(name)["JobId"] for name in "abc"]
    cluster.wait_until_saved(jobs[-1])
    cluster.kill("slurmctld")
    deadline = time.monotonic() + FACTOR * 90
    while "Falling back to 'sacct'" not in run.printed:
        assert time.monotonic() < deadline and run.process.poll() is None, run.printed
        time.sleep(0.2)
    cluster.start_controller()
    for path in held:
        path.unlink()
    while [line.states(name) for name in "abc"] != [["COMPLETED"]] * 3:
        assert time.monotonic() < deadline, [line.states(name) for name in "abc"]
        time.sleep(0.2)
    run.process.send_signal(signal.SIGINT)
    run.end(1)
    line.start().end()
    assert [line.states(name) for name in "abc"] == [["COMPLETED"]] * 3
    assert line.tables() == tables


def test_nan_is_refused_by_the_job_that_writes_it(line, tables):
    poison = line.fault("poison", "b")
    printed = line.start("--retries", "0").end(1)
    assert "layer 'layer1' has a value that is not finite for image 'image5'" in printed
    made = {path.name for path in (line.folder / "results" / "activations").iterdir()}
    assert made == {"a.h5", "c.h5"} and not line.tables()
    poison.unlink()
    line.start().end()
    assert line.states("b") == ["FAILED", "COMPLETED"]
    assert line.states("a") == line.states("c") == ["COMPLETED"]
    assert line.tables() == tables


@pytest.fixture
def small_disk(line):
    """`results/` on a disk of 1.2 MB: two of three jobs' files do not fit."""
    results = line.folder / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(results)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here, which takes root: {done.stderr.strip()}")
    yield results
    subprocess.run(["umount", "--lazy", str(results)], check=True)


def test_a_full_disk_leaves_nothing_half_written(line, small_disk, tables):
    printed = line.start("--retries", "0").end(1)
    assert "No space left on device" in printed
    assert not line.leftovers() and not line.tables()
    made = {path.name: path.stat().st_size for path in small_disk.glob("activations/*.h5")}
    assert len(made) == 1 and min(made.values()) > 500_000
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    line.start().end()
    assert line.tables() == tables
    kept = next(iter(made)).removesuffix(".h5")
    assert line.states(kept) == ["COMPLETED"]
