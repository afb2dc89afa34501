"""Part of `gpu.py`: the tests that need a GPU (`pytest -m gpu`), as one row each."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from gpu_case import Case, Run

REPOSITORY = Path(__file__).resolve().parents[1]


def cases(run: Run) -> Iterator[Case]:
    """All of them in one process."""
    yield Case("pytest -m gpu", 10, partial(measure, run))


def files() -> list[Path]:
    """Files with such tests: others are not even imported, with what they need."""
    paths = sorted((REPOSITORY / "tests").rglob("test_*.py"))
    return [path for path in paths if "mark.gpu" in path.read_text(encoding="utf-8")]


def measure(run: Run) -> list[dict]:
    """Outcome, seconds and message of every test."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider",
            "--continue-on-collection-errors", f"--junit-xml={report}", *map(str, files()),
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=REPOSITORY, env=dict(os.environ), timeout=max(run.left, 1), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        print(done.stdout[-4000:], flush=True)
        if done.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout[-8000:]}")
        return [_row(case) for case in ElementTree.parse(report).iter("testcase")]


def _row(case: ElementTree.Element) -> dict:
    outcomes = [node for node in case if node.tag in ("failure", "error", "skipped")]
    return {
        "test": f"{case.get('classname')}::{case.get('name')}",
        "outcome": outcomes[0].tag if outcomes else "passed",
        "seconds": float(case.get("time", 0)),
        "message": (outcomes[0].get("message") or "")[:500] if outcomes else "",
    }
