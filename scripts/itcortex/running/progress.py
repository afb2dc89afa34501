"""Progress of long loops and transfers: a bar where somebody watches a terminal, lines in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


class _BarAsLines:
    """A stream that turns tqdm's carriage returns into lines, for log files."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text: str) -> None:
        """Write one state of the bar as one line; drop the empty ones."""
        if text.strip():
            self.stream.write(text.strip() + "\n")

    def flush(self) -> None:
        """Flush the log, so that `tail -f` follows the job."""
        self.stream.flush()


def bar(
    items: Iterable, description: str, total: int | None = None, unit: str = "it", done: int = 0
) -> Iterator:
    """Yield `items`, reporting progress on `sys.stderr`: a bar on a terminal, lines in a log.

    Inside a job `sys.stderr` is the job's log; the terminal belongs to the workflow's own bars. If
    `done` of the `total` were dealt with before, the bar starts there.
    """
    options = {"desc": description, "unit": unit, "total": total, "initial": done}
    if not sys.stderr.isatty():
        options |= {"mininterval": 5, "ncols": 90, "ascii": True, "file": _BarAsLines(sys.stderr)}
    return iter(tqdm(items, **options))


class _TransferLines:
    """Progress of a transfer: a line every 10 s or 10 % (at most one a second), and one at the end."""

    def __init__(self, name: str, first: int, total: int | None):
        self.name, self.first, self.done, self.total = name, first, first, total
        self.started = self.printed = time.monotonic()
        self.tenth = self._tenth()

    def update(self, count: int) -> None:
        """Count bytes; print a line if it is time for one."""
        self.done += count
        since = time.monotonic() - self.printed
        if since >= 10 or (since >= 1 and self._tenth() > self.tenth) or self.done == self.total:
            self._print()

    def _tenth(self) -> int:
        return 10 * self.done // self.total if self.total else 0

    def _print(self) -> None:
        self.printed, self.tenth = time.monotonic(), self._tenth()
        speed = (self.done - self.first) / max(self.printed - self.started, 1e-9)
        whole = (
            f" of {self.total / 1e6:.1f} MB ({self.done / self.total:.0%})" if self.total else " MB"
        )
        print(f"{self.name}: {self.done / 1e6:.1f}{whole}, {speed / 1e6:.2f} MB/s", file=sys.stderr)


@contextmanager
def transfer(name: str, first: int, total: int | None) -> Iterator[tqdm | _TransferLines]:
    """Progress of a transfer that begins at byte `first` of `total` (None if that is not known).

    Yields an object whose `update(count)` counts bytes. Downloads run beside the workflow, so the bar
    goes to the real terminal if there is one; if not, lines go to `sys.stderr`, the job's log.
    """
    if sys.__stderr__ is None or not sys.__stderr__.isatty():
        yield _TransferLines(name, first, total)
    else:
        options = {"unit": "B", "unit_scale": True, "file": sys.__stderr__}
        with tqdm(desc=name, initial=first, total=total, **options) as shown:
            yield shown
