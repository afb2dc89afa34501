"""What a test may do is said by its marks, and kept: a wrong mark fails.

A test without one of these marks is fast: it works on arrays and small files, in less than a second.
"""

import contextlib
import multiprocessing.process
import os
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

platform.processor()  # runs `uname` once, before a test that may start no process imports h5py

#: Marks of the slower tiers, and what each of them allows.
MARKS = {
    "long": set(),
    "network": {"network"},
    "process": {"process", "server"},
    "server": {"server"},
    "browser": {"process", "server"},
    "workflow": {"process", "server", "network"},
    "slurm": {"process", "server", "network"},
}
_MODULE_MARK = re.compile(rf"^pytestmark = .*\bmark\.({'|'.join(MARKS)})\b", re.MULTILINE)
_FORBIDDEN = {  # where it happens: what would have to be allowed
    (subprocess.Popen, "__init__"): "process",
    (multiprocessing.process.BaseProcess, "start"): "process",
    (os, "fork"): "process",
    (os, "posix_spawn"): "process",
    (socket.socket, "connect"): "server",
    (socket.socket, "bind"): "server",
}


def of(item: pytest.Item) -> set[str]:
    """Marks of a test that put it into a slower tier; none: it is fast."""
    return MARKS.keys() & {mark.name for mark in item.iter_markers()}


def is_slow(path: Path) -> bool:
    """Whether a test file says in one line that all of its tests are in a slower tier."""
    return path.name.startswith("test_") and bool(_MODULE_MARK.search(path.read_text("utf-8")))


def guard(item: pytest.Item) -> contextlib.ExitStack:
    """While a test and its fixtures run, what its marks do not allow fails at once."""
    allowed = set().union(*(MARKS[mark] for mark in of(item)))
    guards = contextlib.ExitStack()
    for (owner, name), kind in _FORBIDDEN.items():
        if kind not in allowed:
            refused = _refuse(kind, f"{owner.__name__}.{name}")
            guards.enter_context(patch.object(owner, name, refused))
    if "network" not in allowed:
        guards.callback(sys.meta_path.remove, forbid_networks())
        if "torch" in sys.modules:
            refused = _refuse("network", "torch.nn.Module")
            guards.enter_context(patch.object(sys.modules["torch"].nn.Module, "__init__", refused))
    return guards


def require_gpu() -> None:
    """Skip the test where torch sees no GPU; it is marked `network` as well."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA GPU; on a machine with one: pytest -m gpu")


def forbid_networks() -> object:
    """From now on an import of torch fails; the finder that does it, for `sys.meta_path.remove`."""
    finder = _NoNetworks()
    sys.meta_path.insert(0, finder)
    return finder


class _NoNetworks:
    def find_spec(self, name, *_):
        """Where a module is; a test without a mark may not ask for torch."""
        if name in ("torch", "timm"):
            _refuse("network", f"import {name}")()


def _refuse(kind: str, what: str):
    def refused(*_, **__):
        pytest.fail(f"{what}: a test that does this needs a mark, such as pytest.mark.{kind}")

    return refused
