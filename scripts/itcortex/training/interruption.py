"""How a training ends when a scheduler asks it to: it finishes the step, keeps its state, and says so.

It says so by the exit status `STOPPED`.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Exit status of a training that was asked to stop and kept its state: when the job is run again, the
#: training continues. (In sysexits.h it stands for a temporary failure, after which one may retry.)
STOPPED = os.EX_TEMPFAIL


class StoppedError(SystemExit):
    """The training was asked to stop (SIGTERM) and can be continued; the exit status is `STOPPED`."""

    def __init__(self):
        super().__init__(STOPPED)


@dataclass
class Stop:
    """Whether the training was asked to stop."""

    requested: bool = False


@contextmanager
def stop_requests() -> Iterator[Stop]:
    """Context in which a SIGTERM is noted instead of ending the process (in the main thread only)."""
    stop = Stop()

    def note(_signal, _frame) -> None:
        stop.requested = True

    former = signal.signal(signal.SIGTERM, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, former)
