"""Files that are whole or not there, and what all our HDF5 files have in common.

Everything is written under a temporary name in the target's folder and renamed when complete, so
that a file with its final name is always whole. Nothing holds a time stamp: same input, same bytes.
"""

import glob
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from itcortex.errors import UserError
from itcortex.running import stamp

COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix, because writers choose formats by it. It is removed when the
    block fails; what a killed process left is removed by the next try. Every try has a name of its
    own: a job that lives on where a scheduler believes it dead fails at its own rename, and never puts
    another's half-written file in place.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.partial-*{glob.escape(path.suffix)}"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.stem}.partial-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def open_result(path: str | Path, kind: str) -> Iterator[h5py.File]:
    """Open an HDF5 result for reading, checking that it is what the caller thinks it is."""
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path}: not a readable HDF5 file ({error}); delete it to make it anew"
        ) from error
    with handle:
        if handle.attrs.get("kind") != kind:
            raise UserError(
                f"{path}: holds {handle.attrs.get('kind', 'unknown data')!r}, not {kind!r}"
            )
        yield handle


def create_result(path: Path, kind: str) -> h5py.File:
    """A new HDF5 result that says what it holds and what made it."""
    handle = h5py.File(path, "w", libver="latest")
    handle.attrs["kind"] = kind
    handle.attrs["stamp"] = json.dumps(stamp.current(), sort_keys=True)
    return handle


def write_names(handle: h5py.File, name: str, values) -> None:
    """Write texts as a dataset."""
    handle.create_dataset(name, data=list(values), dtype=h5py.string_dtype())


def read_names(handle: h5py.File, name: str) -> tuple[str, ...]:
    """Read what `write_names` wrote."""
    return tuple(handle[name].asstr()[...])


def write_attributes(handle: h5py.File, attributes: dict) -> None:
    """Write attributes (JSON values)."""
    handle.attrs["attributes"] = json.dumps(attributes, sort_keys=True)


def read_attributes_of(handle: h5py.File) -> dict:
    """Read what `write_attributes` wrote."""
    return json.loads(handle.attrs["attributes"])
