"""GPUs of one machine, shared by the jobs of local runs: each job takes its own and sees no other.

How many jobs run at once is decided by the scheduler (a rule's resource `gpu`); which GPU a job gets is
decided here, by a lock that the job holds as long as it lives. Inside a job of a batch system, the
workflow's jobs share the GPUs that it was given.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from itcortex.errors import UserError

VISIBLE = "CUDA_VISIBLE_DEVICES"
BATCH_SYSTEMS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
_WAIT_S = 1.0


def available(environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Names of the GPUs that this process may use: of `CUDA_VISIBLE_DEVICES`, else of the driver."""
    if VISIBLE in environment:
        return [name.strip() for name in environment[VISIBLE].split(",") if name.strip()]
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    query = [command, "--query-gpu=uuid", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.split() if found.returncode == 0 else []


def require(count: int, environment: MutableMapping[str, str] = os.environ) -> None:
    """Raise `UserError` if this machine has fewer than `count` GPUs."""
    found = available(environment)
    if len(found) < count:
        raise UserError(
            f"config: device: jobs ask for {count} GPU{'s' * (count > 1)}, this machine shows "
            f"{len(found)}; set `device: cpu`, or run where there are enough"
        )


@contextmanager
def taken(
    count: int, environment: MutableMapping[str, str] = os.environ, folder: Path | None = None
) -> Iterator[list[str]]:
    """Take `count` GPUs that no other job of this user has, and show only them to what follows.

    Waits until so many are free; with `count` 0 nothing is done. This must happen before CUDA is used.
    The locks in `folder` are held by the operating system and end with the process.
    """
    if count == 0:
        yield []
        return
    require(count, environment)
    if _scope(environment) and len(given := available(environment)) == count:
        yield given  # a batch system's job has them to itself
        return
    folder = folder or Path(tempfile.gettempdir(), f"itcortex-{os.getuid()}{_scope(environment)}")
    folder.mkdir(mode=0o700, exist_ok=True)
    before = environment.get(VISIBLE)
    with ExitStack() as held:
        names = _take(available(environment), count, folder, held)
        environment[VISIBLE] = ",".join(names)
        try:
            yield names
        finally:
            environment.pop(VISIBLE)
            environment.update({} if before is None else {VISIBLE: before})


def _scope(environment: MutableMapping[str, str]) -> str:
    """What GPUs' names are unique in: the machine, or a batch system's job.

    A batch system may show every job its own GPUs as 0, 1, ...: the same name in another job is
    another GPU.
    """
    numbers = [environment[name] for name in BATCH_SYSTEMS if name in environment]
    if not numbers or VISIBLE not in environment:
        return ""
    return "-" + re.sub(r"[^\w.-]", "_", numbers[0])


def _take(names: list[str], count: int, folder: Path, held: ExitStack) -> list[str]:
    """The first `count` of `names` that are free, locked; all or none: no jobs wait in a ring."""
    while True:
        locks = {name: lock for name in names if (lock := _lock(folder / f"{name}.lock"))}
        mine = list(locks)[:count]
        for name, lock in locks.items():
            if len(mine) == count and name in mine:
                held.enter_context(lock)
            else:
                lock.close()
        if len(mine) == count:
            return mine
        time.sleep(_WAIT_S)


def _lock(path: Path) -> IO | None:
    """An exclusive lock on a file, or None if somebody has it."""
    file = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        file.close()
        raise UserError(
            f"{path}: cannot be locked ({error}), and a job locks the GPU that it takes; set TMPDIR to "
            "a folder on a disk of this machine"
        ) from error
    return file
