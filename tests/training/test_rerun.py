"""Snakemake itself: a job that is killed loses its outputs, not its state, and the re-run goes on."""

import json
import signal
import subprocess
import sys

from made_jobs import RECIPE, UNIT
from made_training import network

SNAKEFILE = """
rule train_harmonized:
    input:
        labelled={labelled},
        mapped={mapped},
        validation={validation},
    output:
        weights="weights/strength-1/seed-0.safetensors",
        history="weights/strength-1/seed-0.parquet",
    log:
        "train.log",
    params:
        network={network},
        strength=1.0,
        seed=0,
        recipe={recipe},
        device="cpu",
    resources:
        processes=1,
        workers=0,
        checkpoint_steps=2,
        tensorboard=0,
    script:
        "{script}"
"""
#: Read by every Python that starts while it lies on the path: the job's trainer kills itself.
FAULT = """
import os, sys, signal
if any("train_harmonized" in word for word in sys.orig_argv):
    sys.path.insert(0, {scripts!r})
    from itcortex.harmonizer import trainer
    note = trainer.Trainer._note
    def fall(self, values):
        note(self, values)
        if self.progress.step == 9:
            os.kill(os.getpid(), {number})
    trainer.Trainer._note = fall
"""


def test_a_rerun_continues_and_gives_the_same_weights(tmp_path, data, whole):
    scripts = UNIT.parents[1] / "scripts"
    text = SNAKEFILE.format(
        **data, network=json.dumps(network()), recipe=json.dumps(RECIPE),
        script=scripts / "train_harmonized.py",
    )  # fmt: skip
    (tmp_path / "Snakefile").write_text(text)
    fault = tmp_path / "fault"
    fault.mkdir()
    (fault / "sitecustomize.py").write_text(
        FAULT.format(scripts=str(scripts), number=int(signal.SIGKILL))
    )

    def snakemake(path=""):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-incomplete"]
        environment = {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", "HOME": str(tmp_path)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment | {"PATH": "/usr/bin:/bin"}, timeout=120,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    first = snakemake(fault)
    weights = tmp_path / "weights" / "strength-1"
    assert first.returncode == 1 and [p.name for p in weights.iterdir()] == [
        ".seed-0.checkpoint"
    ], first.stderr
    second = snakemake()
    assert second.returncode == 0, second.stderr
    assert "continues after step 8\n" in (tmp_path / "train.log").read_text()
    assert (weights / "seed-0.safetensors").stat().st_size > 0
    from itcortex import store

    again, _ = store.read_weights(weights / "seed-0.safetensors")
    wanted, _ = store.read_weights(whole.weights)
    assert all(again[name].equal(value) for name, value in wanted.items())
    assert sorted(p.name for p in weights.iterdir()) == ["seed-0.parquet", "seed-0.safetensors"]
