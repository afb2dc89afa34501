"""A training whose GPU is taken away by a more urgent job: it stops, waits, and goes on where it was."""

import json
import shutil
import time
from pathlib import Path

import pytest

from made.patience import FACTOR
from made.slurm_line import REPOSITORY, SLURM, Run, environment

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]

SCRIPTS = REPOSITORY / "scripts"
SNAKEFILE = """
rule train_harmonized:
    input:
        labelled={labelled},
        mapped={mapped},
        validation={validation},
    output:
        weights="weights/seed-0.safetensors",
        history="weights/seed-0.parquet",
    log:
        "train.log",
    resources:
        mem_mb=2400,
        runtime=20,
        gpu=int(config["gpu"]),
        processes=1,
        workers=0,
        checkpoint_steps=1000,
        tensorboard=0,
    params:
        network={network},
        strength=1.0,
        seed=0,
        recipe={recipe},
        device="cpu",
    script:
        "{script}"
"""
#: Read by every Python that starts while it lies on the path: steps take a third of a second.
SLOW = """
import os, sys
if any("train_harmonized" in word for word in sys.orig_argv):
    import time
    from pathlib import Path
    sys.path.insert(0, {scripts!r})
    from itcortex.training.events import Events
    def slowly(events, row):
        step(events, row)
        with Path({steps!r}).open("a") as steps:
            steps.write(f"{{row['step']}} {{os.environ.get('CUDA_VISIBLE_DEVICES')}}\\n")
        time.sleep(0.3)
    step, Events.step = Events.step, slowly
"""


@pytest.fixture
def training(tmp_path, cluster):
    """A folder with a training of 24 steps as a Slurm job, no checkpoint due; its environment."""
    from made.jobs import RECIPE
    from made.training import network, shard

    images = {
        "labelled": shard(tmp_path / "labelled.parquet", 48, 0, mapped=False),
        "mapped": shard(tmp_path / "mapped.parquet", 48, 1),
        "validation": shard(tmp_path / "validation.parquet", 12, 2),
    }
    text = SNAKEFILE.format(
        **{name: json.dumps(str(path)) for name, path in images.items()},
        network=json.dumps(network()), recipe=json.dumps(RECIPE),
        script=SCRIPTS / "train_harmonized.py",
    )  # fmt: skip
    (tmp_path / "Snakefile").write_text(text)
    shutil.copytree(REPOSITORY / "profiles" / "slurm", tmp_path / "profiles" / "slurm")
    (tmp_path / "slow").mkdir()
    slow = SLOW.format(scripts=str(SCRIPTS), steps=str(tmp_path / "steps.txt"))
    (tmp_path / "slow" / "sitecustomize.py").write_text(slow)
    return tmp_path


def steps_of(folder: Path) -> list[list[str]]:
    """Steps that were done, and the GPU that Slurm gave for each."""
    path = folder / "steps.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_a_preempted_training_keeps_its_last_step_and_goes_on(training, cluster):
    from itcortex import store

    run = Run(
        training, environment(cluster, training / "slow"), *SLURM, "--config", "gpu=1", real=True
    )
    deadline = time.monotonic() + FACTOR * 90
    while len(steps_of(training)) < 4:
        assert time.monotonic() < deadline and run.process.poll() is None, run.printed
        time.sleep(0.1)
    urgent = ["sbatch", "--parsable", "--partition", "urgent", "--gpus", "2", "--mem", "100"]
    number = cluster.command(
        *urgent, "--output", "/dev/null", "--wrap", "sleep 2", check=True
    ).strip()
    run.end()
    records = cluster.jobs()
    (taker,) = [job for job in records if job["JobId"] == number]
    ours = [job for job in records if job["WorkDir"] == str(training)]
    states = [(job["JobState"], job["Restarts"]) for job in ours]
    assert states == [("FAILED", "0"), ("COMPLETED", "0")]  # it ends itself within GraceTime
    assert taker["JobState"] == "COMPLETED" and {job["Partition"] for job in ours} == {"gpu"}
    done = [int(step) for step, _ in steps_of(training)]
    assert done == list(range(1, 25))  # every step once: nothing lost, nothing twice
    assert {device for _, device in steps_of(training)} <= {"0", "1"}
    assert "continues after step" in (training / "train.log").read_text()
    made = store.read_weights(training / "weights" / "seed-0.safetensors")[0]
    shutil.rmtree(training / "weights")
    Run(training, environment(), "--cores", "1", "--config", "gpu=0").end()
    undisturbed = store.read_weights(training / "weights" / "seed-0.safetensors")[0]
    assert all(made[name].equal(value) for name, value in undisturbed.items())
