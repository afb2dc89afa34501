"""The small line of `line/Snakefile` in a folder of its own, run by the project's own profile."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from made.forked import account, python
from made.patience import FACTOR
from made.slurm_cluster import Cluster

REPOSITORY = Path(__file__).resolve().parents[2]
SLURM_TESTS = REPOSITORY / "tests" / "slurm"
QUICK = SLURM_TESTS / "quick" / "snakemake"
SLURM = [
    "--workflow-profile", "profiles/slurm",
    "--slurm-partition-config", "profiles/slurm/partitions.yaml",
    "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
]  # fmt: skip


def environment(cluster: Cluster | None = None, path: Path = REPOSITORY / "scripts") -> dict:
    """What runs are started with, `path` being where Python looks first; jobs inherit it."""
    slurm = cluster.environment if cluster else {}
    return os.environ | {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "1"} | slurm


class Run:
    """Snakemake in a folder, with a cluster; it prints into `printed`.

    `real`, `real_jobs`: it, or its jobs, are processes as users start them, not forked ones (see
    `made.forked`).
    """

    def __init__(
        self, folder: Path, environment: dict, *options: str, real: bool = False,
        real_jobs: bool = False,
    ):  # fmt: skip
        self.output = folder / f"run-{time.monotonic_ns()}.txt"
        jobs = {"JOBS_PYTHON": sys.executable if real_jobs else python()}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable if real else python(), str(QUICK), "--nocolor", *options],
                cwd=folder, env=environment | jobs, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    @property
    def printed(self) -> str:
        """Everything that was printed so far."""
        return self.output.read_text()

    def end(self, status: int = 0, seconds: float = 150) -> str:
        """Wait for the end and its exit status; what was printed."""
        try:
            found = self.process.wait(FACTOR * seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end in {seconds} s:\n{self.printed[-5000:]}") from None
        assert found == status, f"exit status {found}\n{self.printed[-5000:]}\n{account()}"
        return self.printed

    def kill(self) -> None:
        """Kill -9, of Snakemake and all that it started on this machine itself."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Line:
    """The small line in a folder; what goes wrong with its jobs is said by `fault`."""

    def __init__(self, folder: Path, cluster: Cluster | None = None):
        self.folder, self.cluster = folder, cluster
        shutil.copytree(SLURM_TESTS / "line", folder, dirs_exist_ok=True)
        shutil.copytree(REPOSITORY / "profiles" / "slurm", folder / "profiles" / "slurm")
        for kind in ("hold", "hungry", "poison", "started"):
            (folder / kind).mkdir()

    def start(self, *options: str, real: bool = False, real_jobs: bool = False) -> Run:
        """Start a run on the cluster, or on this machine where there is none."""
        place = [*SLURM, *options] if self.cluster else options
        surroundings = environment(self.cluster)
        return Run(self.folder, surroundings, *place, real=real, real_jobs=real_jobs)

    def fault(self, kind: str, name: str, text: str = "") -> Path:
        """Have a job held (until the file is gone), hungry for megabytes, or poisoned."""
        path = self.folder / kind / name
        path.write_text(text)
        return path

    def wait_for(self, name: str, times: int = 1) -> dict[str, str]:
        """Slurm's record of a name's job, once it runs for the `times`th time."""
        deadline = time.monotonic() + FACTOR * 90
        while len(started := sorted((self.folder / "started").glob(f"{name}.*"))) < times:
            assert time.monotonic() < deadline, f"{name} does not start\n{self.cluster.logs()}"
            time.sleep(0.1)
        numbers = {path.suffix[1:] for path in started}
        return [job for job in self.jobs(name) if job["JobId"] in numbers][-1]

    def jobs(self, name: str) -> list[dict[str, str]]:
        """Slurm's records of all jobs of a name, in the order of submission."""
        comment = f"rule_measure_wildcards_{name}"
        return [
            job for job in self.cluster.jobs()
            if job["WorkDir"] == str(self.folder) and job.get("Comment", "").strip() == comment
        ]  # fmt: skip

    def states(self, name: str) -> list[str]:
        """How the jobs of a name ended."""
        return [job["JobState"] for job in self.jobs(name)]

    def tables(self) -> dict[str, bytes]:
        """Bytes of the tables."""
        return {path.name: path.read_bytes() for path in (self.folder / "results").glob("table.*")}

    def leftovers(self) -> list[Path]:
        """Files that no finished job leaves."""
        return list((self.folder / "results").rglob("*.partial*"))
