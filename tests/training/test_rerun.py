"""Snakemake itself: a job that is killed loses its outputs, not its state, and the re-run goes on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from itcortex import store
from made.demo import Workflow
from made.forked import python
from made.jobs import COMPARABLE, IN_PARTS, RECIPE
from made.patience import FACTOR
from made.training import network

pytestmark = [pytest.mark.network, pytest.mark.process, pytest.mark.timeout(400)]

WEIGHTS = "results/weights/small_net/harmonized/strength-1/seed-0.safetensors"
#: Read by every Python that starts while it lies on the path: the first rank kills itself.
FAULT = """
import os, sys, signal
if "from multiprocessing.spawn" in " ".join(sys.orig_argv):
    sys.path.insert(0, {scripts!r})
    from torch import distributed
    from itcortex.training.events import Events
    def fall(events, row):
        if row["step"] == 9 and distributed.get_rank() == 0:
            os.kill(os.getpid(), {number})
        step(events, row)
    step, Events.step = Events.step, fall
"""


def workflow(folder: Path, data: dict) -> None:
    """The reduced demo's workflow in a folder, with the tests' net to train."""
    Workflow.made(folder)
    net = network(**COMPARABLE)
    row = {"model": "small_net", "weights": "harmonized", "source": "trained:made", "category": "cnn",
           "family": "made", "architecture": net["architecture"], "builder": net["builder"],
           "arguments": json.dumps(net["arguments"]),
           "preprocessing": json.dumps(net["preprocessing"])}  # fmt: skip
    pd.DataFrame([row]).to_csv(folder / "experiments" / "made.csv", index=False)
    training = data | {"start": None, "strengths": [1], "seeds": [0], "recipe": RECIPE | IN_PARTS,
                       "processes": 2, "checkpoint_steps": 2}  # fmt: skip
    overlay = {"experiment": "made", "models": ["experiments/models.csv", "experiments/made.csv"],
               "training": {"made": training}}  # fmt: skip
    (folder / "made.yaml").write_text(yaml.safe_dump(overlay))


def test_a_rerun_continues_and_gives_the_same_weights(tmp_path, data, finished):
    """The rule itself, on two processes."""
    workflow(tmp_path, data)
    fault = tmp_path / "fault"
    fault.mkdir()
    (fault / "sitecustomize.py").write_text(
        FAULT.format(scripts=str(tmp_path / "scripts"), number=int(signal.SIGKILL))
    )

    def snakemake(program, path=""):
        command = [program, "-m", "snakemake", "--cores", "2", "--configfile", "made.yaml"]
        home = os.environ.get("HOME", str(tmp_path))
        environment = {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", "HOME": home}
        return subprocess.run(
            [*command, "--", WEIGHTS], cwd=tmp_path, timeout=240 * FACTOR, check=False, text=True,
            env=environment | {"PATH": "/usr/bin:/bin"}, capture_output=True,
        )  # fmt: skip

    first = snakemake(sys.executable, fault)
    assert "process 1 of 2: killed by signal 9" in first.stderr, first.stderr
    weights = tmp_path / WEIGHTS
    assert [path.name for path in weights.parent.iterdir()] == [".seed-0.checkpoint"]
    second = snakemake(python())
    assert second.returncode == 0, second.stderr
    log = tmp_path / "results/logs/train_harmonized/small_net/harmonized/strength-1/seed-0.log"
    assert "continues after step 8\n" in log.read_text()
    again, _ = store.read_weights(weights)
    wanted, _ = store.read_weights(finished(IN_PARTS, processes=2, **COMPARABLE).weights)
    assert all(again[name].equal(value) for name, value in wanted.items())
    made = sorted(path.name for path in weights.parent.iterdir())
    assert made == ["seed-0.json", "seed-0.parquet", "seed-0.safetensors"]
