"""Layout of tables in files: Parquet with the stamp of what made it, and CSV to look at."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.running import stamp


def write_table(path: str | Path, table: pd.DataFrame, *, csv: str | Path | None = None) -> None:
    """Write a data frame as Parquet or, by its suffix, as CSV; `csv` names a CSV to write as well."""
    if csv is not None:
        write_table(csv, table)
    with atomic_path(path) as temporary:
        if Path(path).suffix == ".csv":
            table.to_csv(temporary, index=False, float_format="%.10g")
        else:
            parquet.write_table(_stamped(table), temporary, compression="zstd")


def write_blocks(path: str | Path, blocks: Iterable[pd.DataFrame]) -> None:
    """Write the rows of data frames with the same columns as one Parquet table, one frame at a time.

    So a table need not fit in memory. Categorical columns have the same categories in all frames.
    Raises `ValueError` where there is no frame, or columns differ.
    """
    with atomic_path(path) as temporary, ExitStack() as stack:
        writer = None
        for block in blocks:
            content = _stamped(block)
            if writer is None:
                writer = stack.enter_context(
                    parquet.ParquetWriter(temporary, content.schema, compression="zstd")
                )
            writer.write_table(content)
        if writer is None:
            raise ValueError(f"{path}: no rows to write")


def _stamped(table: pd.DataFrame) -> pa.Table:
    content = pa.Table.from_pandas(table, preserve_index=False)
    made = {"stamp": json.dumps(stamp.current(), sort_keys=True)}
    return content.replace_schema_metadata({**(content.schema.metadata or {}), **made})


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a Parquet table.

    Raises `UserError` for the CSV beside it, which does not say what is a number and what a name (a
    model may be called 0001 or NA).
    """
    if Path(path).suffix == ".csv":
        raise UserError(f"{path}: is for reading by eye; name {Path(path).with_suffix('.parquet')}")
    return pd.read_parquet(path)


def read_rows(path: str | Path, columns: list[str], **where) -> pd.DataFrame:
    """Columns of a Parquet table, only of the rows whose columns have the values of `where`."""
    filters = [(name, "=", value) for name, value in where.items()]
    return parquet.read_table(path, columns=columns, filters=filters).to_pandas()


def count_rows(path: str | Path) -> int:
    """Number of rows of a Parquet table, without reading them."""
    return parquet.read_metadata(path).num_rows


def read_constants(path: str | Path, names: Iterable[str]) -> dict[str, str]:
    """For those columns `names` of a Parquet table that hold only one value, that value as text."""
    there = [name for name in names if name in parquet.read_schema(path).names]
    columns = parquet.read_table(path, columns=there)
    values = {name: columns[name].unique().to_pylist() for name in there}
    return {name: str(found[0]) for name, found in values.items() if len(found) == 1}
