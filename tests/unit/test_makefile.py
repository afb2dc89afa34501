"""What `make` says at once."""

import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


@pytest.mark.process
@pytest.mark.parametrize(("name", "runs"), [("with space", False), ("without", True)])
def test_a_path_with_a_space_is_refused_before_anything_is_installed(tmp_path, name, runs):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(MAKEFILE, folder)
    done = subprocess.run(["make", "help"], cwd=folder, check=False, capture_output=True, text=True)
    assert (done.returncode == 0) == runs
    assert ("has a space in it" in done.stderr) != runs
