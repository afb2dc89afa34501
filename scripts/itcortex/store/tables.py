"""Layout of tables in files: Parquet with the stamp of what made it, and CSV to look at."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import dataset, parquet

from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.running import stamp

#: Rows that are read at once where a table is read in blocks.
BLOCK_ROWS = 200_000


def write_table(path: str | Path, table: pd.DataFrame, *, csv: str | Path | None = None) -> None:
    """Write a data frame as Parquet or, by its suffix, as CSV; `csv` names a CSV to write as well."""
    if csv is not None:
        write_table(csv, table)
    with atomic_path(path) as temporary:
        if Path(path).suffix == ".csv":
            table.to_csv(temporary, index=False, float_format="%.10g")
        else:
            parquet.write_table(_stamped(table), temporary, compression="zstd")


def write_blocks(
    path: str | Path, blocks: Iterable[pd.DataFrame], none: pd.DataFrame | None = None
) -> None:
    """Write the rows of data frames with the same columns as one Parquet table, one frame at a time.

    So a table need not fit in memory. Categorical columns have the same categories in all frames.
    A frame is a row group, so that frames can be read again one by one. `none` is written where there is
    no frame; without it that raises `ValueError`, and so do columns that differ.
    """
    with atomic_path(path) as temporary, ExitStack() as stack:
        writer = None
        for block in _or(none, blocks):
            content = _stamped(block)
            if writer is None:
                writer = stack.enter_context(
                    parquet.ParquetWriter(temporary, content.schema, compression="zstd")
                )
            writer.write_table(content, row_group_size=max(len(block), 1))
        if writer is None:
            raise ValueError(f"{path}: no rows to write")


def _or(none: pd.DataFrame | None, blocks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The blocks, or `none` if there are none."""
    is_empty = True
    for block in blocks:
        is_empty = False
        yield block
    if is_empty and none is not None:
        yield none


def _stamped(table: pd.DataFrame) -> pa.Table:
    content = pa.Table.from_pandas(table, preserve_index=False)
    made = {"stamp": json.dumps(stamp.current(), sort_keys=True)}
    return content.replace_schema_metadata({**(content.schema.metadata or {}), **made})


def read_parts(paths: Sequence[str | Path]) -> dict[str, str] | None:
    """Part of every image by its name, from the one table of rule divide_images; None without one."""
    if not len(paths):
        return None
    (path,) = paths
    table = read_table(path)
    return dict(zip(table["image"], table["part"], strict=True))


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a Parquet table.

    Raises `UserError` for a damaged file, and for the CSV beside it, which does not say what is a number
    and what a name (a model may be called 0001 or NA).
    """
    if Path(path).suffix == ".csv":
        raise UserError(f"{path}: is for reading by eye; name {Path(path).with_suffix('.parquet')}")
    with reading_parquet(path):
        return pd.read_parquet(path)


@contextmanager
def reading_parquet(path: str | Path) -> Iterator[None]:
    """Name a file that is no whole Parquet table; a missing or forbidden one is another error."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{path}: not a readable Parquet table ({error}); it may be cut off: delete it to make it "
            "anew"
        ) from error


def read_blocks(path: str | Path, rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
    """The rows of a Parquet table as data frames of about so many rows, in their order.

    A block is never less than what was written at once (a row group), so that a file that was written
    in small blocks takes little memory. Raises `UserError` for a damaged file.
    """
    with reading_parquet(path), parquet.ParquetFile(path) as file:
        groups: list[int] = []
        n_rows = 0
        for group in range(file.num_row_groups):
            groups.append(group)
            n_rows += file.metadata.row_group(group).num_rows
            if n_rows >= rows:
                yield file.read_row_groups(groups).to_pandas()
                groups, n_rows = [], 0
        if groups or not file.num_row_groups:
            yield file.read_row_groups(groups).to_pandas()


def open_rows(paths: Iterable[str | Path]) -> dataset.Dataset:
    """The rows of several Parquet tables as one dataset on disk, texts as strings.

    Columns are those of all tables; one that a table lacks is empty there. Raises `UserError` for a file
    that was cut off.
    """
    fields: dict[str, pa.DataType] = {}
    files = list(map(str, paths))
    for path in files:
        with reading_parquet(path):
            schema = parquet.read_schema(path)
        for one in schema:
            is_text = pa.types.is_dictionary(one.type)
            fields.setdefault(one.name, one.type.value_type if is_text else one.type)
    return dataset.dataset(files, schema=pa.schema(list(fields.items())), format="parquet")


def read_rows(path: str | Path, columns: list[str] | None = None, **where) -> pd.DataFrame:
    """Columns of a Parquet table (all, without a list), of the rows that have the values of `where`.

    Raises `UserError` for a damaged file.
    """
    filters = [(name, "=", value) for name, value in where.items()]
    with reading_parquet(path):
        return parquet.read_table(path, columns=columns, filters=filters).to_pandas()


def count_rows(path: str | Path) -> int:
    """Number of rows of a Parquet table, without reading them; `UserError` for a damaged file."""
    with reading_parquet(path):
        return parquet.read_metadata(path).num_rows


def read_constants(path: str | Path, names: Iterable[str]) -> dict[str, str]:
    """For those columns `names` of a Parquet table that hold only one value, that value as text.

    Raises `UserError` for a damaged file.
    """
    with reading_parquet(path):
        there = [name for name in names if name in parquet.read_schema(path).names]
        columns = parquet.read_table(path, columns=there)
    values = {name: columns[name].unique().to_pylist() for name in there}
    return {name: str(found[0]) for name, found in values.items() if len(found) == 1}
