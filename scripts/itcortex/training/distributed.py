"""Several processes for one training on one machine: start them, let them agree, end them together.

`torch.multiprocessing` starts one process for every rank. The ranks find each other through a file, so
that no port is needed, and exchange tensors by gloo between CPUs or nccl between GPUs. What a rank
prints goes to the log of the process that started it. If a rank fails, the others are ended and its
error becomes the error of the job. A SIGTERM is handed on to every rank, so that the step is finished
and kept. If the process that started the ranks is killed, the ranks end themselves.

It serves one machine only: a training cannot use more GPUs than that has.
"""

import json
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process, reduction
from pathlib import Path
from typing import TextIO

import torch
from threadpoolctl import threadpool_limits
from torch import distributed, multiprocessing
from torch.multiprocessing import (
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
)

from itcortex.errors import UserError
from itcortex.running.log import logged_to
from itcortex.running.memory import keep_freed_memory
from itcortex.training.interruption import Stop, stop_requests

_GRACE = 5.0  # seconds for the other ranks to end, after one failed, before they are killed


@dataclass(frozen=True)
class Group:
    """This process among those of one training."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor over the processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """True if it is true in any process."""
        if self.size == 1:
            return flag
        return bool(self.total(torch.tensor(float(flag), device=self.device)) > 0)

    def follow_first(self, tensors: Iterable[torch.Tensor]) -> None:
        """Overwrite everybody's tensors by those of the first process."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def gather(self, value) -> list:
        """Everybody's value, in order of rank."""
        if self.size == 1:
            return [value]
        values = [None] * self.size
        distributed.all_gather_object(values, value)
        return values


def launch(function: Callable, arguments: tuple, processes: int, device: str) -> object:
    """Run `function(group, *arguments)` in `processes` processes and return what rank 0 returns.

    `device` is 'cpu', or 'cuda' for one GPU a rank. A SIGTERM is handed on to every rank; the result is
    None if it ended a rank that had not begun to listen to it. Raises `UserError` for too few GPUs, the
    `UserError` of a rank, `UserError` for a rank that was killed, and otherwise RuntimeError with the
    traceback of the rank that failed first.
    """
    if device.startswith("cuda") and (device != "cuda" or torch.cuda.device_count() < processes):
        raise UserError(
            f"processes: {processes} processes need device 'cuda' and as many GPUs; device is "
            f"{device!r} and torch sees {torch.cuda.device_count()}"
        )
    threads = max(1, torch.get_num_threads() // processes)
    with tempfile.TemporaryDirectory() as folder, stop_requests() as stop:
        joining = (processes, device, threads, folder)
        receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
        ranks = multiprocessing.start_processes(
            _run, (joining, _Log(), sender, function, arguments), processes, join=False
        )
        sender.close()  # the ranks have it: when they end without a result, the pipe ends
        results = []
        reader = threading.Thread(target=_receive, args=(receiver, results), daemon=True)
        reader.start()
        try:
            if not _wait(ranks, stop, Path(folder)):
                return None
            reader.join()
            return results[0]
        finally:
            for process in ranks.processes:
                process.kill()
                process.join()


# --- the process that starts the ranks ------------------------------------------------------------


def _receive(receiver: connection.Connection, results: list) -> None:
    """Put what rank 0 sends into `results`; nothing if it ends without."""
    with receiver, suppress(EOFError):
        results.append(receiver.recv())


def _wait(ranks: ProcessContext, stop: Stop, folder: Path) -> bool:
    """Wait until all ranks are done; False if a SIGTERM ended one that did not listen to it yet."""
    asked, killed = False, []
    try:
        while True:
            connection.wait(list(ranks.sentinels), timeout=0.5)
            # Of a killed rank and one that failed for it, both found now, the killed one counts.
            killed = [n for n, p in enumerate(ranks.processes) if (p.exitcode or 0) < 0]
            if ranks.join(timeout=0, grace_period=_GRACE):
                return True
            if stop.requested and not asked:
                asked = True
                for process in ranks.processes:
                    process.terminate()
    except (ProcessExitedException, ProcessRaisedException) as error:
        number = killed[0] if killed else error.error_index
        if asked and ranks.processes[number].exitcode == -signal.SIGTERM:
            return False
        raise _error(number, ranks, folder) from None


def _error(number: int, ranks: ProcessContext, folder: Path) -> UserError | RuntimeError:
    """The error of the rank that failed first, or of rank `number`, which was killed."""
    failures = [
        json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("failed-*.json")
    ]
    status = ranks.processes[number].exitcode
    if status < 0 or not failures:
        return UserError(f"process {number + 1} of {len(ranks.processes)}: {_death(status)}")
    first = min(failures, key=lambda failure: failure["when"])
    kind = UserError if first["mendable"] else RuntimeError
    return kind(f"process {first['rank'] + 1} of {len(ranks.processes)}: {first['message']}")


def _death(status: int) -> str:
    if status < 0:
        return f"killed by signal {-status} (9: often for want of memory; give the job more)"
    return f"ended with status {status} without saying why"


# --- a rank ---------------------------------------------------------------------------------------


class _Log:
    """The file that the starting process's `sys.stderr` writes to, for the processes it starts."""

    def __reduce__(self):
        """Travel to a process that is being started as a duplicate of the file's descriptor."""
        return _write_to, (reduction.DupFd(sys.stderr.fileno()),)


def _write_to(descriptor) -> TextIO:
    return os.fdopen(descriptor.detach(), "w", buffering=1, encoding="utf-8")


def _run(
    rank: int,
    joining: tuple,
    log: TextIO,
    sender: connection.Connection,
    function: Callable,
    arguments: tuple,
) -> None:
    """Body of a rank's process."""
    keep_freed_memory()
    threading.Thread(target=_end_with_starter, daemon=True).start()
    *joining, folder = joining
    with redirect_stdout(log), redirect_stderr(log), logged_to(log):
        try:
            result = function(_join(rank, *joining, f"{folder}/meeting"), *arguments)
            if rank == 0:
                # by value: torch's own way shares memory with a process that is about to end
                sender.send_bytes(pickle.dumps(result))
        except Exception as error:  # noqa: BLE001 (raised again by the starting process)
            mendable = isinstance(error, UserError)
            message = str(error) if mendable else traceback.format_exc()
            failure = {"rank": rank, "when": time.monotonic(), "message": message}
            text = json.dumps(failure | {"mendable": mendable})
            Path(folder, f"failed-{rank}.json").write_text(text, encoding="utf-8")
            os._exit(1)  # not the usual end, which may wait for ranks that wait for this one
    distributed.destroy_process_group()


def _join(rank: int, size: int, device: str, threads: int, meeting: str) -> Group:
    torch.set_num_threads(threads)
    threadpool_limits(threads, "blas")
    own = torch.device(f"cuda:{rank}" if device == "cuda" else device)
    if own.type == "cuda":
        torch.cuda.set_device(own)
    backend = "nccl" if own.type == "cuda" else "gloo"
    distributed.init_process_group(
        backend, init_method=Path(meeting).as_uri(), rank=rank, world_size=size
    )
    return Group(rank, size, own)


def _end_with_starter() -> None:
    """A killed starter cannot end its ranks; without this, two trainings could write one checkpoint."""
    connection.wait([parent_process().sentinel])
    os._exit(1)
