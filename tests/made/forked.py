"""A `python` for tests that starts at once: forked from a process that has imported torch and Snakemake.

Half of the CPU time of a run of the workflow is imports: 7 seconds of a job with torch and timm, 2 of
each Snakemake (a Slurm job starts two). `python()` is an executable that is used in place of
`sys.executable`, in command lines, by Snakemake for its jobs, by Slurm; what it starts does the same in
the same environment, see `forked_server`, which is started once for all processes of pytest.

Not the same: the process is no child of who started it. Tests of that (memory that Slurm or Snakemake
measures, real signals and kills, the starting of ranks, a run as users start it) use `sys.executable`.
They are real everywhere but with ITCORTEX_FORKED_PROCESSES=1 on Linux: a forked Snakemake once ended
without a word on a machine with much load, and nobody knows why yet.
"""

import contextlib
import fcntl
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from made.patience import wait_until

HERE = Path(__file__).parent
NOT_INHERITED = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTEST_CURRENT_TEST"}
#: The server and the connections that keep it alive, until this process ends.
_kept: list = []


@cache
def python() -> str:
    """Path of the executable; its server is up as long as this process."""
    if not os.environ.get("ITCORTEX_FORKED_PROCESSES") or not sys.platform.startswith("linux"):
        return sys.executable
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir(), f"itcortex-forked-{os.getuid()}-{run[:16]}")
    folder.mkdir(mode=0o700, exist_ok=True)
    address, shim = str(folder / "socket"), folder / "python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _connected(address):
            words = [sys.executable, "-I", "-S", str(HERE / "forked_client.py"), address]
            words.append(sys.executable)
            shim.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
            shim.chmod(0o700)
            _start(address, str(shim))
    return str(shim)


def _start(address: str, shim: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(address).unlink()
    environment = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    server = subprocess.Popen(
        [sys.executable, str(HERE / "forked_server.py"), address, shim],
        env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip

    def up() -> bool:
        assert server.poll() is None, "the server of forked processes did not start"
        return _connected(address)

    wait_until(up, 120, lambda: "the server of forked processes does not start")
    _kept.append(server)


def _connected(address: str) -> bool:
    keep = socket.socket(socket.AF_UNIX)
    try:
        keep.connect(address)
    except OSError:
        keep.close()
        return False
    keep.sendall(bytes(8))
    if not keep.recv(8):  # it was just ending
        keep.close()
        return False
    _kept.append(keep)
    return True
