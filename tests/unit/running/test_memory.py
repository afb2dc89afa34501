"""Memory that is freed stays with a process, where the C library can be told so."""

import ctypes
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from itcortex.running import job
from itcortex.running.memory import keep_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"
#: Fills and frees 64 MB again and again; prints what was answered, and the pages that this took.
PROGRAM = """
import resource, sys
import numpy as np
from itcortex.running.memory import keep_freed_memory
print(keep_freed_memory())
for _ in range(20):
    np.ones(2**23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("MALLOC_", "GLIBC_TUNABLES")):
            monkeypatch.delenv(name)


@pytest.mark.process
@pytest.mark.skipif(not GLIBC, reason="the C library of this system keeps memory as it likes")
@pytest.mark.parametrize("environment", [{}, {"MALLOC_TRIM_THRESHOLD_": "131072"}])
def test_pages_are_taken_once_and_not_for_every_array(environment):
    """Unless the user has told the C library something else."""
    scripts = str(Path(job.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": scripts, "OMP_NUM_THREADS": "1"} | environment,
    )  # fmt: skip
    told, faults = done.stdout.split()
    of_one = 2**26 / resource.getpagesize()  # huge pages make them fewer, where they are on
    assert told == str(not environment)
    if not environment:
        assert int(faults) < 4 * of_one


def test_a_system_without_mallopt_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert keep_freed_memory() is False
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    assert keep_freed_memory() is False


@pytest.mark.parametrize("largest", [2**28, 2**25])
def test_an_older_library_gets_the_most_that_it_takes(monkeypatch, largest):
    asked = {}

    class Library:
        """glibc before 2.34 refuses blocks above 32 MB."""

        @staticmethod
        def mallopt(parameter, value):
            if parameter == -3 and value > largest:
                return 0
            asked[parameter] = value
            return 1

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    assert keep_freed_memory() is True
    assert asked == {-3: largest, -1: 2**30}
