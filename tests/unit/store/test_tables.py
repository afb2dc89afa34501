"""Tables in blocks, and tables that were made to do harm."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from itcortex import store
from itcortex.errors import UserError
from made.hostile import Payload

pytestmark = pytest.mark.usefixtures("unharmed")


def test_blocks_of_rows_are_read_as_one_table():
    """Texts stay categories, also those that a block does not have."""
    kinds = pd.CategoricalDtype(["a", "b", "c"])
    blocks = [
        pd.DataFrame({"kind": ["a", "b"], "x": [1.0, np.nan]}).astype({"kind": kinds}),
        pd.DataFrame({"kind": ["c"], "x": [3.0]}).astype({"kind": kinds}),
    ]
    store.write_blocks("t.parquet", iter(blocks))
    whole = pd.concat(blocks, ignore_index=True)
    pd.testing.assert_frame_equal(store.read_table("t.parquet"), whole)
    assert store.read_rows("t.parquet", ["x"], kind="c")["x"].tolist() == [3.0]
    store.write_table("whole.parquet", whole)
    assert parquet.read_schema("t.parquet").equals(parquet.read_schema("whole.parquet"))


def test_without_a_block_or_with_other_columns_there_is_no_table():
    with pytest.raises(ValueError, match="no rows to write"):
        store.write_blocks("none.parquet", [])
    with pytest.raises(ValueError, match="schema"):
        store.write_blocks("none.parquet", [pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})])
    assert not Path("none.parquet").exists()


def test_a_table_with_a_pickled_type_is_read_without_it():
    about = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Payload()),
    }
    schema = pa.schema([pa.field("a", pa.int64(), metadata=about)])
    parquet.write_table(pa.table([pa.array([1, 2])], schema=schema), "t.parquet")
    assert store.read_table("t.parquet")["a"].tolist() == [1, 2]


READERS = {
    "table": store.read_table,
    "blocks": lambda path: list(store.read_blocks(path)),
    "dataset": lambda path: store.open_rows([path]),
    "rows": lambda path: store.read_rows(path, ["a"], a=0.5),
    "count": store.count_rows,
    "constants": lambda path: store.read_constants(path, ["a"]),
    "stamp": store.read_stamp,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("left", [0, 100, 0.5, 0.99])
def test_a_table_that_was_cut_off_is_named_with_the_remedy(reader, left):
    store.write_table("t.parquet", pd.DataFrame({"a": np.arange(1000.0)}))
    content = Path("t.parquet").read_bytes()
    READERS[reader]("t.parquet")
    Path("t.parquet").write_bytes(content[: int(left * len(content)) if left < 1 else left])
    with pytest.raises(
        UserError, match=r"t\.parquet: not a readable Parquet .*delete it to make it"
    ):
        READERS[reader]("t.parquet")


@pytest.mark.parametrize("reader", ["table", "rows", "constants"])
def test_a_table_that_is_damaged_inside_is_named(reader):
    """The footer is whole, the pages are not."""
    store.write_table("t.parquet", pd.DataFrame({"a": np.random.default_rng(0).random(1000)}))
    content = bytearray(Path("t.parquet").read_bytes())
    content[4:2000] = bytes(1996)
    Path("t.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"t\.parquet: not a readable Parquet table"):
        READERS[reader]("t.parquet")


def test_a_table_that_is_not_there_is_not_damaged():
    with pytest.raises(FileNotFoundError):
        store.read_table("none.parquet")
