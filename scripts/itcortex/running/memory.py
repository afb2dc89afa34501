"""Freed memory stays with the process.

The maps of a forward pass are tens of megabytes each. The C library asks the system for each of them and
gives it back at once, and the system fills every new page with zeros: a third of the CPU time of a small
network. Told to keep what is freed, it hands the same pages out again. The largest size that a process
ever had is about the same; it stays nearer to it.
"""

import ctypes
import os
import sys

# Parameters of glibc's mallopt.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Bytes that are kept free before some are given back, and the smallest block that is the system's own;
#: the second is for C libraries that allow no more (before 2.34).
_KEPT = 2**30
_OWN = (2**28, 2**25)


def keep_freed_memory() -> bool:
    """Tell the C library to keep freed memory for this process; whether it was told.

    Does nothing without glibc, and where the environment (`MALLOC_...`, `GLIBC_TUNABLES`) has its own.
    """
    told = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if told or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return False
    return any(mallopt(_MMAP_THRESHOLD, size) for size in _OWN) and bool(
        mallopt(_TRIM_THRESHOLD, _KEPT)
    )
