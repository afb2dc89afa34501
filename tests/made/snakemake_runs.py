"""Snakemake's command line, started from a process that has read all packages: half of a start is that.

The rules, the library and the settings are read from the folder of the run, as always.
"""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from made.patience import FACTOR

#: What a run imports before it plans; nothing of ours.
_PACKAGES = [
    "snakemake.cli", "snakemake.report.html_reporter", "snakemake_executor_plugin_slurm",
    "snakemake_logger_plugin_rich.handler", "jsonschema", "smart_open", "requests", "pooch",
    "tenacity", "filelock", "h5py", "pandas", "pyarrow.parquet", "PIL.Image", "yaml", "pulp",
]  # fmt: skip
_OURS = Path(__file__).resolve().parents[2]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PACKAGES)


class SnakemakeRun:
    """Snakemake in a folder, in a process group of its own; it prints into `printed`.

    `environment` is all that it and its jobs get.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *options: str):
        self.output = folder / f"run-{time.monotonic_ns()}.txt"
        arguments = (str(folder), environment, str(self.output), ["snakemake", *options])
        self.process = _context.Process(target=_snakemake, args=arguments)
        self.process.start()

    @property
    def printed(self) -> str:
        """Everything that was printed so far."""
        return self.output.read_text() if self.output.exists() else ""

    def wait(self, seconds: float) -> int:
        """Exit status; killed, with what it started, if it takes longer."""
        self.process.join(FACTOR * seconds)
        if self.process.exitcode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"did not end in {seconds} s:\n{self.printed[-5000:]}")
        return self.process.exitcode


def _snakemake(folder: str, environment: dict[str, str], output: str, words: list[str]) -> None:
    """What `python -m snakemake` does in the folder."""
    os.setsid()
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    ours = {"", str(_OURS), str(_OURS / "scripts"), str(_OURS / "tests")}
    sys.path[:] = [folder, *(path for path in sys.path if path not in ours)]
    sys.argv = words
    from snakemake.cli import main

    main()
