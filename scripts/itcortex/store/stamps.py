"""Which rule, code and packages made a file."""

import json
from pathlib import Path

import h5py
from pyarrow import parquet

from itcortex.store.hdf5 import read_attributes_of
from itcortex.store.weights import weights_header


def read_stamp(path: str | Path) -> dict:
    """Rule, code fingerprint and package versions that made a file; empty where none were noted."""
    if Path(path).suffix == ".safetensors":
        return weights_header(path).get("stamp", {})
    if Path(path).suffix == ".parquet":
        found = (parquet.read_schema(path).metadata or {}).get(b"stamp", b"{}")
    else:
        with h5py.File(path, "r", locking=False) as handle:
            found = handle.attrs.get("stamp", "{}")
    return json.loads(found)


def read_attributes(path: str | Path) -> dict:
    """Attributes of an HDF5 result, without its arrays."""
    with h5py.File(path, "r", locking=False) as handle:
        return read_attributes_of(handle)
