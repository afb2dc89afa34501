"""Tables that were made to do harm."""

import pickle

import pyarrow as pa
import pytest
from pyarrow import parquet

from itcortex import store
from made.hostile import Payload

pytestmark = pytest.mark.usefixtures("unharmed")


def test_a_table_with_a_pickled_type_is_read_without_it():
    about = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Payload()),
    }
    schema = pa.schema([pa.field("a", pa.int64(), metadata=about)])
    parquet.write_table(pa.table([pa.array([1, 2])], schema=schema), "t.parquet")
    assert store.read_table("t.parquet")["a"].tolist() == [1, 2]
