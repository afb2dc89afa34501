"""Trainings that are killed, asked to stop, or lose a process, and what the next job makes of it."""

import signal
import time

import numpy as np
import pytest

from itcortex import store
from itcortex.training import checkpoint
from itcortex.training.interruption import STOPPED
from made.jobs import COMPARABLE, IN_PARTS, TrainingProcess
from made.patience import FACTOR

pytestmark = [pytest.mark.network, pytest.mark.process, pytest.mark.timeout(400)]

rng = np.random.default_rng(2023)
KILLED = sorted(rng.choice(np.arange(3, 24), size=2, replace=False).tolist())
ASKED = int(rng.integers(3, 24))
AVERAGED = {"optimizer": "adamw", "learning_rate": 0.01, "ema": 0.9, "accumulation": 2}


def history(job):
    """The history without what the clock says."""
    return store.read_table(job.history).drop(columns=["seconds", "images_per_s", "waiting"])


def equal(a, b):
    """True if two jobs made the same bytes of weights, and the same history."""
    return a.weights.read_bytes() == b.weights.read_bytes() and history(a).equals(history(b))


@pytest.mark.parametrize("recipe", [{}, AVERAGED])
def test_kill_9_at_random_steps_changes_nothing(tmp_path, data, finished, recipe):
    """Of real processes for the first recipe; the other is about what a checkpoint holds."""
    job = TrainingProcess(tmp_path, data, recipe)
    for step in KILLED:
        status, printed = job.run(real=not recipe, step=step, signal=signal.SIGKILL, whom="self")
        assert status == -signal.SIGKILL, printed
        assert not job.weights.exists()
    status, printed = job.run()
    kept = (KILLED[1] - 1) // 2 * 2  # the step was done, not kept
    assert status == 0 and f"continues after step {kept}\n" in printed, printed
    assert equal(job, finished(recipe))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["history.parquet", "seed-0.safetensors"]


def test_sigterm_to_all_processes_of_the_job_keeps_the_very_step(tmp_path, data, finished):
    """As Slurm sends it: the trainer's workers get it too."""
    job = TrainingProcess(tmp_path, data, workers=1)
    status, printed = job.run(step=ASKED, signal=signal.SIGTERM, whom="group")
    assert status == STOPPED and "run the job again to continue it" in printed, printed
    status, printed = job.run()
    # asked after step ASKED was noted: the next one is finished
    assert status == 0 and f"continues after step {min(ASKED + 1, 24)}\n" in printed, printed
    assert equal(job, finished({}))


@pytest.mark.parametrize("recipe", [{}, IN_PARTS])
def test_two_processes_learn_what_one_does_with_the_batch_of_both(finished, recipe):
    """No batch norm, no dropout; float32 sums in another order."""
    alone, group = (finished(recipe, processes=n, **COMPARABLE) for n in (1, 2))
    ours, theirs = history(alone), history(group)
    for column in ("loss", "cross_entropy", "harmonization", "saliency_std", "gradient_norm"):
        np.testing.assert_allclose(theirs[column], ours[column], rtol=1e-4)
    for column in ("accuracy", "n_images", "n_maps", "validation_accuracy", "n_aligned"):
        assert theirs[column].tolist() == ours[column].tolist()
    np.testing.assert_allclose(
        theirs["validation_alignment"], ours["validation_alignment"], atol=1e-3
    )
    ours, theirs = (store.read_weights(job.weights)[0] for job in (alone, group))
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, rtol=1e-3, atol=1e-5)


def test_sigterm_to_the_starter_stops_all_processes_and_they_go_on(tmp_path, data, finished):
    job = TrainingProcess(tmp_path, data, IN_PARTS, processes=2, **COMPARABLE)
    status, printed = job.run(step=7, signal=signal.SIGTERM, whom="starter", slow=0.3)
    assert status == STOPPED, printed
    assert (tmp_path / ".seed-0.checkpoint" / checkpoint.NAME).exists()
    status, printed = job.run()
    assert status == 0 and "continues after step" in printed, printed
    assert equal(job, finished(IN_PARTS, processes=2, **COMPARABLE))


def test_a_process_that_is_killed_ends_the_job_and_is_named(tmp_path, data):
    job = TrainingProcess(tmp_path, data, processes=2)
    started = time.monotonic()
    status, printed = job.run(step=5, rank=1, signal=signal.SIGKILL, whom="self")
    assert status == 1 and "UserError: process 2 of 2: killed by signal 9" in printed, printed
    assert time.monotonic() - started < 240 * FACTOR  # gloo would wait for the dead half an hour
    assert (tmp_path / ".seed-0.checkpoint" / checkpoint.NAME).exists() and not job.weights.exists()


def test_processes_end_with_a_killed_starter(tmp_path, data):
    """Or two trainings would write one checkpoint when the job is run again."""
    job = TrainingProcess(tmp_path, data, processes=2)
    process = job.start(step=3, signal=signal.SIGKILL, whom="starter", slow=0.5)
    process.communicate(timeout=240 * FACTOR)  # returns when no rank holds the pipe any more
    assert process.returncode == -signal.SIGKILL
    path = tmp_path / ".seed-0.checkpoint" / checkpoint.NAME
    before = path.stat().st_mtime_ns
    time.sleep(1.5)  # three steps' time
    assert path.stat().st_mtime_ns == before
