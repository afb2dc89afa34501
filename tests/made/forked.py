"""A `python` for tests that starts at once: forked from a process that has imported torch and Snakemake.

Half of the CPU time of a run of the workflow is imports: 7 seconds of a job with torch and timm, 2 of
each Snakemake (a Slurm job starts two). `python()` is an executable that is used in place of
`sys.executable`, in command lines, by Snakemake for its jobs, by Slurm; what it starts does the same in
the same environment, see `forked_server`, which is started once for all processes of pytest.

Not the same: the process is no child of who started it. Tests of that (memory that Slurm or Snakemake
measures, real signals and kills, the starting of ranks, a run as users start it) use `sys.executable`.
With ITCORTEX_FORKED_PROCESSES=0, and on other systems than Linux, all do.

No such process ends without a word: one that a signal ends says which, a crash prints where it
happened, and `account()` says of each how it began and ended.
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

from made.forked_client import ACCOUNT
from made.patience import wait_until

HERE = Path(__file__).parent
NOT_INHERITED = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTEST_CURRENT_TEST"}
#: A library that starts a thread of its own when it is imported could not be forked.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # of pyarrow
}
#: The server and the connections that keep it alive, until this process ends.
_kept: list = []


def forking() -> bool:
    """Whether processes are forked here, where a test does not ask for real ones."""
    asked = os.environ.get("ITCORTEX_FORKED_PROCESSES", "1")
    assert asked in ("0", "1"), f"ITCORTEX_FORKED_PROCESSES is 0 or 1, not {asked!r}"
    return asked == "1" and sys.platform.startswith("linux")


@cache
def python() -> str:
    """Path of the executable; its server is up as long as this process."""
    if not forking():
        return sys.executable
    folder = _folder()
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


def account(lines: int = 30) -> str:
    """The last lines of what the server notes: how processes of all tests began and ended."""
    path = _folder() / ACCOUNT
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _folder() -> Path:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    return Path(tempfile.gettempdir(), f"itcortex-forked-{os.getuid()}-{run[:16]}")


def _start(address: str, shim: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(address).unlink()
    environment = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    with Path(address).with_name(ACCOUNT).open("a") as noted:
        server = subprocess.Popen(
            [sys.executable, str(HERE / "forked_server.py"), address, shim],
            env=environment | ONE_THREAD, stdin=subprocess.DEVNULL, stdout=noted, stderr=noted,
            start_new_session=True,
        )  # fmt: skip

    def up() -> bool:
        assert server.poll() is None, f"the server of forked processes did not start\n{account()}"
        return _connected(address)

    wait_until(up, 120, lambda: f"the server of forked processes does not start\n{account()}")
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
