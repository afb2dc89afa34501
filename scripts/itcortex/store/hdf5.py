"""What all HDF5 files of the project have in common."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from itcortex.errors import UserError
from itcortex.running import stamp

COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


@contextmanager
def open_result(path: str | Path, kind: str) -> Iterator[h5py.File]:
    """Open an HDF5 result for reading, checking that it is what the caller thinks it is.

    No file is locked: results appear whole and are never changed, and some file systems have no locks.
    """
    try:
        handle = h5py.File(path, "r", locking=False)
    except OSError as error:
        if error.errno is not None:  # the system's answer, which says nothing of the content
            raise UserError(
                f"{path}: cannot be opened ({error}); check that it exists, who may read it, and its "
                "file system"
            ) from error
        raise UserError(
            f"{path}: not a readable HDF5 file ({error}); delete it to make it anew"
        ) from error
    with handle:
        if handle.attrs.get("kind") != kind:
            raise UserError(
                f"{path}: holds {handle.attrs.get('kind', 'unknown data')!r}, not {kind!r}"
            )
        yield handle


@contextmanager
def create_result(path: Path, kind: str) -> Iterator[h5py.File]:
    """A new HDF5 result that says what it holds and what made it.

    What a full disk does not take raises OSError: without a cache of chunks every chunk is written when
    it is given, and the rest before the file is closed. HDF5 tells nobody of what fails on closing.
    """
    handle = h5py.File(path, "w", libver="latest", locking=False, rdcc_nbytes=0)
    try:
        handle.attrs["kind"] = kind
        handle.attrs["stamp"] = json.dumps(stamp.current(), sort_keys=True)
        yield handle
        handle.flush()
    finally:
        try:
            handle.close()
        except RuntimeError as error:  # what HDF5 says where the disk is full
            raise OSError(f"{path}: cannot be written whole ({error})") from error


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
    """Read what `write_attributes` wrote; nothing was written of some stimuli."""
    return json.loads(handle.attrs.get("attributes", "{}"))
