"""Files appear whole under their name; only what dead writers left is removed."""

import os
import platform
import re
import subprocess
import sys
import time

import pytest

from itcortex.errors import UserError
from itcortex.files import atomic_path

HOST = re.sub(r"[^\w.]", "_", platform.node())


def left_by(folder, writer: str):
    """A partial file of a writer."""
    path = folder / f".a.partial-{writer}-0123abcd.h5"
    path.write_bytes(b"half")
    return path


def test_of_two_writers_at_once_both_end_and_the_one_that_began_last_wins(tmp_path, caplog):
    """The second neither removes the first's half-written file nor is disturbed by it."""
    target = tmp_path / "a.h5"
    with atomic_path(target) as first:
        first.write_bytes(b"first")
        with atomic_path(target) as second:
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
        assert first.exists()
    assert target.read_bytes() == b"second"
    assert "another process wrote it meanwhile" in caplog.text
    assert list(tmp_path.iterdir()) == [target]


def test_one_that_began_first_and_ends_first_does_not_win(tmp_path):
    target = tmp_path / "a.h5"
    older = atomic_path(target)
    older.__enter__().write_bytes(b"one")
    newer = atomic_path(target)
    newer.__enter__().write_bytes(b"two")
    older.__exit__(None, None, None)
    assert target.read_bytes() == b"one"
    newer.__exit__(None, None, None)
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.process
def test_a_live_process_keeps_its_partial_file_and_a_dead_one_does_not(tmp_path):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        live, dead = (left_by(tmp_path, f"{HOST}-{run.pid}") for run in (alive, done))
        with atomic_path(tmp_path / "a.h5") as path:
            path.write_bytes(b"whole")
        assert (live.exists(), dead.exists()) == (True, False)
        alive.communicate(b"\n")


@pytest.mark.parametrize(("days", "stays"), [(6, True), (8, False)])
def test_another_machines_partial_file_is_left_for_a_week(tmp_path, days, stays):
    other = left_by(tmp_path, "elsewhere-1")
    old = left_by(tmp_path, "")  # as they were named once
    for path in (other, old):
        os.utime(path, times=(time.time() - days * 86400,) * 2)
    with atomic_path(tmp_path / "a.h5") as path:
        path.write_bytes(b"whole")
    assert (other.exists(), old.exists()) == (stays, stays)


def test_another_users_folder_is_named_with_its_owner(tmp_path, monkeypatch):
    """Two people with one folder of results."""
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with (
        pytest.raises(
            UserError, match=rf"belongs to user {os.getuid()} and cannot be written; let"
        ),
        atomic_path(tmp_path / "a.h5"),
    ):
        pytest.fail("written")
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), atomic_path(tmp_path / "a.h5") as path:
        path.write_bytes(b"half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
