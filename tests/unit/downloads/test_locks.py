"""File systems without locks: what is asked of them is said, with what to do."""

import errno
import fcntl

import pytest

from itcortex.downloads import pins
from itcortex.downloads.fetch import fetch
from itcortex.errors import UserError
from itcortex.running import devices


@pytest.fixture
def without_locks(monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("without_locks")
def test_a_download_says_that_its_folder_has_no_locks(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"x")
    with pytest.raises(
        UserError, match=r"\.a\.npy\.part: a file there cannot be locked \(.*No locks"
    ):
        fetch([], tmp_path / "d" / "a.npy", None, 1, tmp_path / "a.npy")


@pytest.mark.usefixtures("without_locks")
def test_so_does_the_lock_file_of_pins(tmp_path):
    with pytest.raises(UserError, match=r"cannot be locked .*No locks"):
        pins.pin(tmp_path / "lock.yaml", "d/a", pins.Pin("0" * 64, 1, "mirror"))
    assert not (tmp_path / "lock.yaml").exists()


def test_a_lock_of_another_user_is_called_that(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(pins.FileLock, "acquire", refuse)  # root may open every file
    with pytest.raises(UserError, match=r"its lock belongs to another user .*chmod -R g\+w"):
        pins.pin(tmp_path / "lock.yaml", "d/a", pins.Pin("0" * 64, 1, "mirror"))


@pytest.mark.usefixtures("without_locks")
def test_a_gpu_that_cannot_be_locked_is_not_taken(tmp_path):
    environment = {devices.VISIBLE: "0,1"}
    with (
        pytest.raises(UserError, match=r"0\.lock: cannot be locked .*TMPDIR"),
        devices.taken(1, environment, tmp_path / "gpus"),
    ):
        pytest.fail("taken")
    assert environment == {devices.VISIBLE: "0,1"}
