"""MATLAB files: numeric arrays and cell arrays of names, in versions 5 and 7.3."""

import io
import zlib
from collections.abc import Sequence
from struct import error as struct_error
from struct import unpack
from typing import BinaryIO

import h5py
import numpy as np
from scipy.io import loadmat, savemat, whosmat
from scipy.io.matlab import MatReadError

from itcortex.errors import UserError
from itcortex.formats import hdf5
from itcortex.formats.plausible import inflated_bytes

_HEADER = b"MATLAB 5.0 MAT-file, written by itcortex".ljust(116)  # instead of a time stamp
_V73, _HDF5 = b"MATLAB 7.3", b"\x89HDF\r\n\x1a\n"  # how files begin
_COMPRESSED = 15  # type of an element that is a zlib stream
_DAMAGE = (
    MatReadError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OSError,
    EOFError,
    OverflowError,
    MemoryError,
    zlib.error,
    struct_error,
)


def read_variables(content: bytes, label: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Variables `names` of a .mat file given as bytes; cells of text come as arrays of str.

    Raises `UserError`, beginning with `label`, for a damaged file, for a variable that is not in it
    (the message lists those that are), and for an array that other software than MATLAB wrote as
    HDF5 and that does not say in which order its axes are.
    """
    signed = _HDF5 in (content[:8], content[512:520])  # at once, or behind MATLAB's header
    reader = _read_v73 if signed or content.startswith(_V73) else _read_v5
    try:
        found, variables = reader(content, names, label)
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(
            f"{label}: not a readable MATLAB file ({type(error).__name__}: {error}); "
            "get the file from its original source again"
        ) from error
    missing = [name for name in names if name not in variables]
    if missing:
        raise UserError(
            f"{label}: no variable {missing[0]!r}; it holds {', '.join(found) or 'none'}"
        )
    return variables


def require_plausible(content: bytes, label: str) -> None:
    """Raise `UserError`, beginning with `label`, if a version 5 file expands out of all proportion.

    To be asked before `scipy.io.loadmat`, which inflates a variable as a whole. Raises struct.error
    or zlib.error for a damaged file.
    """
    if 0 in content[:4]:
        return  # version 4, which compresses nothing
    order, position = "<" if content[126:128] == b"IM" else ">", 128
    while position + 8 <= len(content):
        kind, size = unpack(f"{order}II", content[position : position + 8])
        if kind == _COMPRESSED:
            inflated_bytes(memoryview(content)[position + 8 : position + 8 + size], label)
        position += 8 + size


def _read_v5(
    content: bytes, names: Sequence[str], label: str
) -> tuple[list[str], dict[str, np.ndarray]]:
    require_plausible(content, label)
    found = [name for name, _, _ in whosmat(io.BytesIO(content))]
    loaded = loadmat(io.BytesIO(content), variable_names=list(names))
    variables = {name: loaded[name] for name in names if name in loaded}
    for name, value in variables.items():
        if value.dtype == object:
            variables[name] = np.array([str(np.ravel(cell)[0]) for cell in value.flat])
    return found, variables


def _read_v73(
    content: bytes, names: Sequence[str], label: str
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Version 7.3 is HDF5: axes in reverse order, a cell is a reference, text is its codes.

    Without MATLAB's header a variable must have MATLAB's attribute `MATLAB_class`: h5py keeps an
    array's axes as they are, and a grid read the wrong way round is silent.
    """
    variables, by_matlab = {}, content.startswith(_V73)
    with h5py.File(io.BytesIO(content), "r") as handle:
        held = [name for name in handle if not name.startswith("#")]  # asks no link where it leads
        for name in (n for n in names if n in held):
            stored = hdf5.entry(handle, name, label)
            if isinstance(stored, h5py.Group):
                raise UserError(f"{label}: {name!r} is a structure, not an array")
            if h5py.check_string_dtype(stored.dtype):
                variables[name] = stored.asstr()[...].astype(str)
                continue
            if not by_matlab and stored.ndim > 1 and "MATLAB_class" not in stored.attrs:
                raise UserError(
                    f"{label}: the file is HDF5 that MATLAB did not write, and its {name!r} of shape "
                    f"{stored.shape} does not say in which order its axes are (MATLAB stores them "
                    "reversed); write the file by scipy.io.savemat"
                )
            value = stored[...].T
            if value.dtype == object:
                cells = (hdf5.own_values(handle[cell], label) for cell in value.flat)
                codes = [cell[...].T.ravel() for cell in cells]
                value = np.array(["".join(map(chr, text)) for text in codes])
            variables[name] = value
        return held, variables


def write_variables(stream: BinaryIO, variables: dict[str, np.ndarray]) -> None:
    """Write variables as an uncompressed version 5 file: the same input gives the same bytes.

    A list of str becomes a 1 x n cell array. The zip archive around the file compresses it.
    """
    cells = {}
    for name, value in variables.items():
        if isinstance(value, list):
            cell = np.empty((1, len(value)), dtype=object)
            cell[0, :] = value
            value = cell  # noqa: PLW2901
        cells[name] = value
    savemat(stream, cells)
    stream.seek(0)
    stream.write(_HEADER)
    stream.seek(0)
