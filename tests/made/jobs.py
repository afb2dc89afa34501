"""One job of the rule train_harmonized in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from made.forked import python
from made.patience import FACTOR
from made.training import network

TESTS = Path(__file__).resolve().parents[1]
RUNNER = Path(__file__).with_name("run_training.py")
RECIPE = {
    "epochs": 4, "batch_size": 16, "warmup_epochs": 1, "schedule": "cosine", "learning_rate": 0.1,
    "map_share": 0.5,
}  # fmt: skip
#: Recipe and network that several processes follow: batches in parts, no batch norm, no dropout.
IN_PARTS = {"accumulation": 2, "sub_batch": True}
COMPARABLE = {"norm": "group", "dropout": 0.0}


class TrainingProcess:
    """One job of the rule: 6 steps an epoch, 24 in all, a checkpoint every 2.

    `recipe` is what differs from `RECIPE`, `arguments` are the network's.
    """

    def __init__(
        self, folder: Path, data: dict, recipe: dict | None = None, processes: int = 1,
        workers: int = 0, **arguments,
    ):  # fmt: skip
        self.weights, self.history = folder / "seed-0.safetensors", folder / "history.parquet"
        self.arguments = data | {
            "weights": str(self.weights), "history": str(self.history),
            "network": network(**arguments), "strength": 1.0, "seed": 0,
            "recipe": RECIPE | (recipe or {}), "device": "cpu", "processes": processes,
            "workers": workers, "checkpoint_steps": 2,
        }  # fmt: skip

    def start(self, real: bool = True, **faults) -> subprocess.Popen:
        """Start the job in a process group of its own; `faults` are for `run_training`.

        With faults it is a `real` process (see `made.forked`), unless it need not be.
        """
        program = sys.executable if faults and real else python()
        command = [program, str(RUNNER), json.dumps(self.arguments), json.dumps(faults)]
        paths = [str(TESTS.parent / "scripts"), str(TESTS)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, env=environment, start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, **faults) -> tuple[int, str]:
        """Exit status and everything that was printed."""
        process = self.start(**faults)
        printed, _ = process.communicate(timeout=300 * FACTOR)
        return process.returncode, printed
