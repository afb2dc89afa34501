"""Arrays of the V4 sessions that were made to do harm."""

import struct
from pathlib import Path

import numpy as np
import pytest

from itcortex.data.published import cowley
from itcortex.errors import UserError
from made.hostile import Payload

pytestmark = pytest.mark.usefixtures("unharmed")


def test_arrays_of_objects_are_not_unpickled():
    np.save("s.npy", np.array([[Payload()]], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="Object arrays cannot be loaded"):
        cowley.read_cowley("s.npy", {})


def test_an_array_that_claims_more_than_it_has_is_refused():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n"
    Path("s.npy").write_bytes(start + bytes(80))
    with pytest.raises((UserError, MemoryError)):
        cowley.read_cowley("s.npy", {})
