"""How long tests wait: longer on a machine that others use too (ITCORTEX_TIMEOUT_FACTOR)."""

import os
import time
from collections.abc import Callable

#: All timeouts and deadlines are multiplied by it.
FACTOR = float(os.environ.get("ITCORTEX_TIMEOUT_FACTOR", "1"))


def wait_until(ready: Callable[[], object], seconds: float, told: Callable[[], str]) -> None:
    """Wait until something is true; after so many seconds fail with what is told."""
    deadline = time.monotonic() + FACTOR * seconds
    while not ready():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)
