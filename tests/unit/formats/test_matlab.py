"""MATLAB files, with values or made to do harm."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from itcortex.data.published import kriegeskorte, osie
from itcortex.errors import UserError
from itcortex.formats import matlab

pytestmark = pytest.mark.usefixtures("unharmed")


def bomb_v5(name: str) -> bytes:
    """A version 5 file of half a megabyte with a variable of 160 MB."""
    stream = io.BytesIO()
    savemat(stream, {name: np.zeros(2 * 10**7)}, do_compression=True)
    return stream.getvalue()


@pytest.mark.long
def test_a_matlab_file_that_inflates_out_of_all_proportion_is_refused():
    content = bomb_v5("fixations")
    assert len(content) < 2**20
    with pytest.raises(UserError, match="more than 200 times as much"):
        matlab.read_variables(content, "a.mat", ["fixations"])
    with pytest.raises(UserError, match="more than 200 times as much"):
        osie.read_fixations(content, "a.mat")
    Path("a.mat").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mat: .* more than 200 times as much"):
        kriegeskorte.read_images("a.mat", "fixations")


def test_compressed_matlab_files_of_data_are_read(rng):
    stream, values = io.BytesIO(), rng.normal(size=(300, 40))
    savemat(stream, {"a": values, "b": np.zeros((1000, 1000))}, do_compression=True)
    read = matlab.read_variables(stream.getvalue(), "a.mat", ["a", "b"])
    assert np.array_equal(read["a"], values)
    assert read["b"].shape == (1000, 1000)


def test_a_matlab_element_of_impossible_length_is_refused():
    content = bytearray(bomb_v5("a")[:200])
    content[132:136] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(UserError, match=r"a\.mat"):
        matlab.read_variables(bytes(content), "a.mat", ["a"])
