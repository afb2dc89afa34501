"""Parquet shards of labelled images, such as ClickMe's.

Parquet cannot be read row by row. Therefore every shard is copied once into a `scratch` folder as an
Arrow file, which has the same size (photographs do not compress further) and is mapped into memory, so
that all processes share it. The copy has a SHA-256 of every image and map, taken when it is made.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from itcortex.data.images import decode_rgb
from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.training.images.human_maps import CLICKS, MAP, human_map, in_scratch
from itcortex.training.images.samples import Sample, sha256_of_parts

_SHA256 = "_sha256"  # ends the names of the columns of digests in a copy
_ABOUT = ("label", "image_id", "shard", "offset")  # columns that are kept in memory


@dataclass
class ParquetShard:
    """One Parquet shard with columns image (file content), label and, optionally, heatmap or map.

    Images are named by the column `image_id`, by ClickMe's `shard` and `offset`, or by their row.
    """

    path: Path
    copy: Path
    ids: list[str]
    labels: np.ndarray
    mapped: np.ndarray
    map_column: str
    _table: pa.Table | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path, scratch: Path, labelled: bool = True) -> "ParquetShard":
        """Copy the shard into `scratch` unless it is there; `UserError`, naming it, if it is damaged.

        Without the column label, a shard that need not be `labelled` has -1 for every image.
        """
        with _reading(path):
            found = parquet.read_schema(path).names
            _require_columns(path, found, labelled)
            kind = CLICKS if CLICKS in found else MAP if MAP in found else ""
            named = [name for name in _ABOUT if name in found]
            about = parquet.read_table(path, columns=named)
            copy = in_scratch(path, scratch, ".arrow")
            if not copy.exists():
                table = parquet.read_table(path, columns=["image", *([kind] if kind else [])])
                _write(_with_digests(table, path), copy, path)
        labels = np.full(len(about), -1, np.int64)
        if "label" in named:
            labels = _labels(path, about["label"])
        shard = cls(path, copy, _ids(path, about), labels, np.zeros(len(labels), bool), kind)
        if kind:
            shard.mapped = shard.table[kind].is_valid().to_numpy()
        return shard

    @property
    def table(self) -> pa.Table:
        """The copy, mapped into the memory of this process."""
        if self._table is None:
            self._table = pa.ipc.open_file(pa.memory_map(str(self.copy))).read_all()
        return self._table

    def __getstate__(self) -> dict:
        """Leave the mapped memory out: another process maps the copy for itself."""
        return self.__dict__ | {"_table": None}

    def read(self, index: int) -> Sample:
        """Decode one row."""
        where = f"{self.path}: {self.ids[index]}"
        image = decode_rgb(self.table["image"][index].as_buffer(), where)
        human = None
        if self.mapped[index]:
            content = self.table[self.map_column][index].as_buffer()
            human = human_map(content, self.map_column, where)
        return Sample(self.ids[index], int(self.labels[index]), image, human)

    def digest(self) -> str:
        """Digest of names, labels and the bytes of all images and maps."""
        columns = [name for name in self.table.column_names if name.endswith(_SHA256)]
        content = ["\n".join(self.table[name].to_pylist()).encode() for name in columns]
        names = "\n".join(self.ids).encode()
        return sha256_of_parts(names, self.labels.tobytes(), *content)

    def version(self) -> str:
        """The digest reads everything."""
        return ""

    def contents(self) -> list[str]:
        """SHA-256 of the stored bytes of every image."""
        return self.table["image" + _SHA256].to_pylist()


def _with_digests(table: pa.Table, path: Path) -> pa.Table:
    """The table with a column of digests for each of its columns; empty texts where a row is empty."""
    for name in table.column_names:
        kind = table[name].type
        if not (
            pa.types.is_null(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        ):
            raise UserError(
                f"{path}: column {name!r} is of {kind}, and must hold the content of a file (binary); "
                "write the bytes of every image and map themselves"
            )
        digests = [
            hashlib.sha256(one.as_buffer()).hexdigest() if one.is_valid else ""
            for one in table[name]
        ]
        table = table.append_column(name + _SHA256, pa.array(digests, pa.string()))
    return table


def _require_columns(path: Path, found: list[str], labelled: bool) -> None:
    missing = [name for name in ("image", "label")[: 1 + labelled] if name not in found]
    if missing:
        raise UserError(
            f"{path}: no column {missing[0]!r}; a shard of images needs the columns image (file "
            f"content) and label, and may have {CLICKS} or {MAP}; this one has {', '.join(found)}"
        )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{path}: not a readable Parquet shard ({error}); it may be cut off: delete it, so that "
            "it is made or downloaded again"
        ) from error


def _write(table: pa.Table, copy: Path, path: Path) -> None:
    try:
        with (
            atomic_path(copy) as temporary,
            pa.OSFile(str(temporary), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)
    except OSError as error:
        raise UserError(
            f"{copy}: the copy of {path} cannot be written ({error}); it needs "
            f"{table.nbytes / 1e6:,.0f} MB: make room on the disk and run again"
        ) from error


def _labels(path: Path, column: pa.ChunkedArray) -> np.ndarray:
    if not pa.types.is_integer(column.type) or column.null_count:
        raise UserError(
            f"{path}: column 'label' is of {column.type} with {column.null_count} empty rows; give "
            "the class of every image as a whole number, counted from 0"
        )
    return column.to_numpy().astype(np.int64)


def _ids(path: Path, about: pa.Table) -> list[str]:
    columns = {name: about[name].to_pylist() for name in about.column_names}
    if "image_id" in columns:
        return [str(name) for name in columns["image_id"]]
    if "shard" in columns and "offset" in columns:
        pairs = zip(columns["shard"], columns["offset"], strict=True)
        return [f"{shard}:{offset}" for shard, offset in pairs]
    return [f"{path.name}:{row}" for row in range(len(about))]
