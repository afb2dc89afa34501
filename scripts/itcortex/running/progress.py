"""Progress of long loops: a bar where somebody watches a terminal, lines in the job's log."""

import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm


class _Lines:
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

    Inside a job `sys.stderr` is the job's log; the terminal belongs to the workflow's own bars.
    `done` of the `total` were dealt with before: the bar starts there.
    """
    options = {"desc": description, "unit": unit, "total": total, "initial": done}
    if not sys.stderr.isatty():
        options |= {"mininterval": 5, "ncols": 90, "ascii": True, "file": _Lines(sys.stderr)}
    return iter(tqdm(items, **options))
