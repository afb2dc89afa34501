"""Several processes for one training on one machine: start them, agree, and end together.

As `torchrun` does, but as a function: one process a rank, gloo between CPUs, nccl between GPUs, found
through a file, so that no port is needed. What a rank prints comes out of the process that started
it. A rank that fails ends the others, and its error is the job's; a SIGTERM reaches every rank, so that
the step is finished and kept; a rank whose starter is killed ends itself.

It serves one machine only: a training cannot use more GPUs than that has.
"""

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits
from torch import distributed, multiprocessing

from itcortex.errors import UserError
from itcortex.training.interruption import Stop, stop_requests

_GRACE = 5.0  # seconds for ranks to report why they failed, before they are killed


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
    """Run `function(group, *arguments)` in `processes` processes; what rank 0 returns.

    `device` 'cpu', or 'cuda' for one GPU a rank. A SIGTERM is handed on to every rank; None if that
    ended one before it could do anything. Raises `UserError` for too few GPUs, a rank's own
    `UserError`, and RuntimeError with the traceback of the rank that failed first.
    """
    if device.startswith("cuda") and (device != "cuda" or torch.cuda.device_count() < processes):
        raise UserError(
            f"processes: {processes} processes need device 'cuda' and as many GPUs; device is "
            f"{device!r} and torch sees {torch.cuda.device_count()}"
        )
    context = multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // processes)
    with tempfile.TemporaryDirectory() as folder, stop_requests() as stop:
        ranks = []
        try:
            for rank in range(processes):
                ours, theirs = context.Pipe(duplex=False)
                about = (rank, processes, device, threads, f"{folder}/meeting")
                process = context.Process(target=_run, args=(theirs, about, function, arguments))
                process.start()
                theirs.close()
                ranks.append(_Rank(rank, process, ours))
            return _follow(ranks, stop)
        finally:
            for rank in ranks:
                rank.process.kill()
                rank.process.join()


# --- the process that starts them -----------------------------------------------------------------


@dataclass
class _Rank:
    """A rank as its starter sees it; `failed` holds (when, message, whether a user can mend it)."""

    number: int
    process: multiprocessing.Process
    reports: connection.Connection
    open: bool = True
    done: bool = False
    result: object = None
    failed: tuple[float, str, bool] | None = None

    def receive(self) -> None:
        """Take one report; at the end of them, see how the process ended."""
        try:
            kind, value = self.reports.recv()
        except EOFError:
            self.open = False
            self.process.join()
            if not self.done and self.failed is None:
                self.failed = (0.0, _death(self.process.exitcode), True)
            return
        if kind == "text":
            sys.stderr.write(value)
        elif kind == "result":
            self.done, self.result = True, value
        else:
            self.failed = value


def _death(status: int) -> str:
    if status < 0:
        return f"killed by signal {-status} (9: often for want of memory; give the job more)"
    return f"ended with status {status} without saying why"


def _follow(ranks: list[_Rank], stop: Stop) -> object:
    """Pass on what ranks print until all are done, or one failed and the rest had time to say so."""
    deadline = None
    asked = False
    while any(rank.open for rank in ranks):
        if deadline is None and any(rank.failed for rank in ranks):
            deadline = time.monotonic() + _GRACE
        if deadline is not None and time.monotonic() > deadline:
            break
        if stop.requested and not asked:
            asked = True
            for rank in ranks:
                rank.process.terminate()
        pipes = {rank.reports: rank for rank in ranks if rank.open}
        for ready in connection.wait(list(pipes), timeout=0.5):
            pipes[ready].receive()
    failed = sorted((rank for rank in ranks if rank.failed), key=lambda rank: rank.failed[0])
    if not failed:
        return ranks[0].result
    first = failed[0]
    if asked and first.process.exitcode == -signal.SIGTERM:
        return None
    _, message, mendable = first.failed
    message = f"process {first.number + 1} of {len(ranks)}: {message}"
    raise UserError(message) if mendable else RuntimeError(message)


# --- a rank ---------------------------------------------------------------------------------------


class _Reports:
    """A stream whose text goes to the starter's log."""

    def __init__(self, pipe: connection.Connection):
        self.pipe = pipe

    def write(self, text: str) -> int:
        """Hand on a piece of text."""
        self.pipe.send(("text", text))
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """A log, not a terminal."""
        return False


def _run(pipe, about, function, arguments) -> None:
    """Body of a rank's process."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    stream = _Reports(pipe)
    with redirect_stdout(stream), redirect_stderr(stream):
        try:
            group = _join(*about)
            pipe.send(("result", function(group, *arguments)))
        except Exception as error:  # noqa: BLE001 (raised again by the starter)
            mendable = isinstance(error, UserError)
            text = str(error) if mendable else traceback.format_exc()
            pipe.send(("error", (time.monotonic(), text, mendable)))
            pipe.close()
            os._exit(1)  # the others may wait for this one inside a collective: no farewell
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
    """A killed starter cannot end its ranks; two trainings would then write one checkpoint."""
    connection.wait([parent_process().sentinel])
    os._exit(1)
