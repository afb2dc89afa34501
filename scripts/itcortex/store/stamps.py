"""Which rule, code and packages made a file."""

import json
from pathlib import Path

import h5py
from pyarrow import parquet

from itcortex.files import atomic_path
from itcortex.running import stamp
from itcortex.store.hdf5 import read_attributes_of
from itcortex.store.tables import reading_parquet
from itcortex.store.weights import weights_header


def write_notes(path: str | Path, attributes: dict) -> None:
    """Write attributes (JSON values) and the stamp of what made them: what is left of a large file."""
    notes = {"attributes": attributes, "stamp": stamp.current()}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(notes, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_stamp(path: str | Path) -> dict:
    """Rule, code fingerprint and package versions that made a file; empty where none were noted.

    Raises `UserError` for a damaged Parquet table.
    """
    if Path(path).suffix == ".json":
        return _notes(path)["stamp"]
    if Path(path).suffix == ".safetensors":
        return weights_header(path).get("stamp", {})
    if Path(path).suffix == ".parquet":
        with reading_parquet(path):
            found = (parquet.read_schema(path).metadata or {}).get(b"stamp", b"{}")
    else:
        with h5py.File(path, "r", locking=False) as handle:
            found = handle.attrs.get("stamp", "{}")
    return json.loads(found)


def read_attributes(path: str | Path) -> dict:
    """Attributes of an HDF5 result, without its arrays, or of the notes that are left of one."""
    if Path(path).suffix == ".json":
        return _notes(path)["attributes"]
    with h5py.File(path, "r", locking=False) as handle:
        return read_attributes_of(handle)


def _notes(path: str | Path) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))
