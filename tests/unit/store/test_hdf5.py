"""Results are opened without locks; only a file whose content is bad is to be deleted."""

import errno
import os
import resource

import h5py
import numpy as np
import pytest

from itcortex import store
from itcortex.errors import UserError


def written(path):
    """A file of named arrays."""
    store.write_arrays(path, {"a": np.arange(3.0)}, {})
    return path


def test_no_file_is_locked(tmp_path, monkeypatch):
    """On a file system without locks HDF5 would refuse to open what it is asked to lock."""
    real = h5py.File

    def without_locks(*arguments, locking=None, **options):
        if locking is not False:
            raise OSError(errno.ENOLCK, "No locks available")
        return real(*arguments, locking=locking, **options)

    monkeypatch.setattr(h5py, "File", without_locks)
    path = written(tmp_path / "a.h5")
    assert store.read_arrays(path)[0]["a"].tolist() == [0, 1, 2]
    assert store.read_stamp(path) == {} and store.read_attributes(path) == {}


def test_bad_content_is_to_be_deleted(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(written(tmp_path / "b.h5").read_bytes()[:900])
    with pytest.raises(UserError, match=r"a\.h5: not a readable HDF5 file .*delete it"):
        store.read_arrays(path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOLCK])
def test_a_good_file_that_the_system_does_not_open_is_not(tmp_path, monkeypatch, number):
    path = written(tmp_path / "a.h5")

    def refuse(*_arguments, **_options):
        raise OSError(number, "says the system")

    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(UserError, match=r"a\.h5: cannot be opened \(.*says the system") as caught:
        store.read_arrays(path)
    assert "delete" not in str(caught.value)


def test_a_file_that_is_not_there_is_not_to_be_deleted(tmp_path):
    with pytest.raises(UserError, match=r"none\.h5: cannot be opened"):
        store.read_arrays(tmp_path / "none.h5")


def fails_on_a_disk_of(size: int, write, path) -> bool:
    """Whether writing raises OSError where files end at `size` bytes, as they do on a full disk.

    In a process of its own: after such an error HDF5 is of no further use to a process.
    """
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        code = 4
        try:
            write(path)
            code = 0
        except OSError:
            code = 3
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 3)
    return status == 3


@pytest.mark.process
def test_what_does_not_fit_on_the_disk_is_never_taken_for_a_result(tmp_path):
    """Wherever the space ends, from the first bytes to the last: an error, and no file."""
    values = np.random.default_rng(0).standard_normal((8, 4, 4, 64)).astype(np.float32)
    names = tuple(f"image{i}" for i in range(8))

    def write(path):
        store.write_activations(path, [(0, {"layer": values})], ("layer",), names, {}, "float32")

    write(tmp_path / "whole.h5")
    size = (tmp_path / "whole.h5").stat().st_size
    for limit in np.linspace(100, size - 1, 25, dtype=int).tolist():
        assert fails_on_a_disk_of(limit, write, tmp_path / "cut.h5"), f"{limit} of {size} bytes"
        assert [path.name for path in tmp_path.iterdir()] == ["whole.h5"]
    assert not fails_on_a_disk_of(size, write, tmp_path / "cut.h5")
    kept = store.open_activations(tmp_path / "cut.h5").read("layer", list(range(8)))
    np.testing.assert_array_equal(kept, values)
