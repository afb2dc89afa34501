"""What a training does when a scheduler asks it to end: finish the step, keep it, say so by status."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: Exit status of a training that was asked to stop and kept its state: run the job again, and it goes
#: on from there. (sysexits.h calls it "temporary failure, the user is invited to retry".)
STOPPED = os.EX_TEMPFAIL


class StoppedError(SystemExit):
    """The training was asked to stop (SIGTERM) and can be continued; ends a process with `STOPPED`."""

    def __init__(self):
        super().__init__(STOPPED)


@dataclass
class Stop:
    """Whether somebody asked for the end."""

    requested: bool = False


@contextmanager
def stop_requests() -> Iterator[Stop]:
    """Within it a SIGTERM is noted and no longer ends the process (main thread only)."""
    stop = Stop()

    def note(_signal, _frame) -> None:
        stop.requested = True

    former = signal.signal(signal.SIGTERM, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, former)
