"""HDF5 files that reach out of themselves or blow up, and MATLAB's of version 7.3."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from itcortex.data.published import majajhong
from itcortex.errors import UserError
from itcortex.formats import matlab

pytestmark = pytest.mark.usefixtures("unharmed")


def external_link(handle, name):
    """A link into another file."""
    handle[name] = h5py.ExternalLink("secret.h5", "a")


def soft_link(handle, name):
    """A link to another place."""
    handle[name] = h5py.SoftLink("/other")


def external_values(handle, name):
    """A dataset whose values are the bytes of another file."""
    handle.create_dataset(name, (8, 8), "u1", external=[("secret.txt", 0, 64)])


def virtual_values(handle, name):
    """A dataset that is put together from other files."""
    layout = h5py.VirtualLayout((4, 4), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "a", shape=(4, 4))
    handle.create_virtual_dataset(name, layout)


def never_written(handle, name):
    """A terabyte that takes no room."""
    handle.create_dataset(name, (2**20, 2**17), "f8", chunks=(1024, 1024))


def zeros(handle, name):
    """256 MB of zeros in less than one."""
    values = handle.create_dataset(name, (2**11, 2**14), "f8", chunks=True, compression=9)
    values[...] = 0


CRAFTED = {
    external_link: "is a link to secret.h5:a",
    soft_link: "is a link to /other",
    external_values: "values of .* are in another file",
    virtual_values: "values of .* are in another file",
    never_written: "would expand to 1,099,511.6 MB",
    zeros: "more than 200 times as much",
}


@pytest.mark.parametrize(("craft", "message"), CRAFTED.items())
def test_hdf5_that_reaches_out_or_blows_up_is_refused(craft, message):
    Path("secret.txt").write_bytes(b"s" * 64)
    with h5py.File("secret.h5", "w") as handle:
        handle["a"] = np.ones((4, 4))
    with h5py.File("a.h5", "w", userblock_size=512) as handle:
        handle["other"] = np.ones((4, 4))
        craft(handle, "imageRF")
    with pytest.raises(UserError, match=message):
        majajhong.read_presentations("a.h5")
    content = bytearray(Path("a.h5").read_bytes())
    content[:10] = b"MATLAB 7.3"
    with pytest.raises(UserError, match=message):
        matlab.read_variables(bytes(content), "a.mat", ["imageRF"])


@pytest.mark.parametrize("userblock", [0, 512])
def test_a_mat_that_matlab_did_not_write_must_say_how_its_axes_are(userblock):
    values = np.arange(24.0).reshape(2, 3, 4)
    with h5py.File("a.mat", "w", userblock_size=userblock) as handle:
        handle["a"], handle["group/b"], handle["n"] = values, 1, ["x", "0001"]
        handle.create_dataset("reversed", data=values.T).attrs["MATLAB_class"] = np.bytes_("double")
    content = Path("a.mat").read_bytes()
    found = matlab.read_variables(content, "a.mat", ["reversed", "n"])
    assert np.array_equal(found["reversed"], values)
    assert found["n"].tolist() == ["x", "0001"]
    with pytest.raises(UserError, match=r"a.mat: the file is HDF5 .* 'a' of shape \(2, 3, 4\)"):
        matlab.read_variables(content, "a.mat", ["a"])
    with pytest.raises(UserError, match="no variable 'c'; it holds a, group, n, reversed"):
        matlab.read_variables(content, "a.mat", ["c"])
    with pytest.raises(UserError, match="'group' is a structure"):
        matlab.read_variables(content, "a.mat", ["group"])


def test_a_cell_that_points_at_a_bomb_is_refused():
    with h5py.File("a.h5", "w", userblock_size=512) as handle:
        never_written(handle, "#refs#/a")
        cells = handle.create_dataset("names", (1, 1), dtype=h5py.ref_dtype)
        cells[0, 0] = handle["#refs#/a"].ref
    content = b"MATLAB 7.3" + Path("a.h5").read_bytes()[10:]
    with pytest.raises(UserError, match="would expand"):
        matlab.read_variables(content, "a.mat", ["names"])
