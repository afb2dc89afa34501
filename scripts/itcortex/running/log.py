"""The one voice of a job: modules log by `logging.getLogger(__name__)`, and the job's log shows it.

A line gives the time, how serious it is, and the message. What the project's own modules and scripts
say is shown from INFO on, what other packages say from WARNING on.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

FORMAT = "%(asctime)s %(levelname)s: %(message)s"
TIME_FORMAT = "%H:%M:%S"
#: Loggers of the package and of a script, which runs as `__main__`.
OURS = ("itcortex", "__main__")


@contextmanager
def logged_to(stream: TextIO) -> Iterator[None]:
    """Write to `stream` what is logged in this block, in one format; afterwards all is as before."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(FORMAT, TIME_FORMAT))
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in OURS]
    levels = [logger.level for logger in ours]
    root.addHandler(handler)
    for logger in ours:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for logger, level in zip(ours, levels, strict=True):
            logger.setLevel(level)
