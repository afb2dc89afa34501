"""Variables of a netCDF-4 file (which is HDF5), read as their attributes say.

A stored number is not always the number that is meant: it may be packed (`scale_factor`, `add_offset`),
and it may stand for a missing one (`_FillValue`, `missing_value`, outside of `valid_range`, or the value
that the netCDF library leaves where nothing was written). xarray knows most of these conventions; what
it leaves out is done here. Missing numbers become NaN.
"""

from pathlib import Path

import h5py
import numpy as np
import xarray
from h5netcdf import File
from xarray.backends import H5NetCDFStore

from itcortex.errors import UserError
from itcortex.formats import hdf5

#: What the netCDF library leaves where nothing was written (netcdf.h: NC_FILL_...), by kind and bytes.
FILLS = {
    "f4": 9.9692099683868690e36, "f8": 9.9692099683868690e36, "i2": -32767, "i4": -2147483647,
    "i8": -9223372036854775806, "u2": 65535, "u4": 4294967295, "u8": 18446744073709551614,
}  # fmt: skip
#: Attributes that say what a stored number means.
_SAID = (
    "_FillValue", "missing_value", "scale_factor", "add_offset", "valid_range", "valid_min", "valid_max",
    "_Unsigned",
)  # fmt: skip
_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, RuntimeError, AttributeError)


def read_variables(path: str | Path, most_dimensions: int = 99) -> dict[str, xarray.Variable]:
    """All variables at the top of a netCDF-4 file, in its order: dimensions, values and attributes.

    Those with more than `most_dimensions` are left out, unread: with 1, what is known of presentations
    and sites is read without the responses.
    Packed numbers are unpacked, missing ones are NaN, text is str. Raises `UserError` for a file that
    is no netCDF-4 file, that is damaged, or that reaches into other files (see `formats.hdf5`).
    """
    try:
        with h5py.File(path, "r", locking=False) as handle:
            for _ in hdf5.entries(handle, str(path)):
                pass  # each is checked before anything is read
            store = H5NetCDFStore(File(handle, "r", phony_dims="sort", decode_vlen_strings=True))
            raw = xarray.open_dataset(
                store, mask_and_scale=False, decode_times=False, decode_coords=False
            )
            return {
                str(name): decoded(variable.load(), str(name), _unwritten(handle[name]))
                for name, variable in raw.variables.items()
                if variable.ndim <= most_dimensions
            }
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(
            f"{path}: not a readable netCDF-4 file ({error}); get it from its source again; a "
            "netCDF-3 file can be converted by `nccopy -k nc4`"
        ) from error


def decoded(
    raw: xarray.Variable, name: str = "variable", unwritten: float | None = None
) -> xarray.Variable:
    """A variable as it is meant: unpacked, with NaN where its attributes say that there is no number.

    `unwritten` is the number that stands where nothing was written, if there is one. Whole numbers
    that are neither packed nor missing stay whole numbers.
    """
    missing = _missing(raw, unwritten)
    packing = {key: raw.attrs[key] for key in ("scale_factor", "add_offset") if key in raw.attrs}
    # xarray would take a whole number for a sign that the result is whole: no fractions, and no NaN
    whole = {key: float(n) for key, n in packing.items() if np.asarray(n).dtype.kind in "iu"}
    raw = xarray.Variable(raw.dims, raw.values, raw.attrs | whole, raw.encoding) if whole else raw
    variable = xarray.conventions.decode_cf_variable(name, raw, decode_times=False)
    if missing.any():
        variable = variable.copy(data=np.where(missing, np.nan, variable.values))
    if raw.dtype.kind in "iu" and not packing and np.isfinite(variable.values).all():
        return variable.astype(raw.dtype)
    return variable


def values_of(dataset: h5py.Dataset) -> np.ndarray:
    """Numbers of a dataset of any HDF5 file, as the attributes of these conventions say if it has some.

    Raises `UserError` for attributes that are no numbers.
    """
    said = {key: dataset.attrs[key] for key in _SAID if key in dataset.attrs}
    if not said or dataset.dtype.kind not in "iuf":
        return dataset[...]
    plain = {key: np.squeeze(value)[()] for key, value in said.items()}
    axes = [f"axis {number}" for number in range(dataset.ndim)]
    try:
        return decoded(xarray.Variable(axes, dataset[...], plain), dataset.name).values
    except _DAMAGE as error:
        raise UserError(
            f"{dataset.file.filename}: {dataset.name}: its attributes {plain} do not say what its "
            f"numbers mean ({error}); mend them"
        ) from error


def _missing(raw: xarray.Variable, unwritten: float | None) -> np.ndarray:
    """Where stored numbers are none, by what xarray leaves out: valid ranges and unwritten values."""
    values = raw.values
    missing = np.zeros(values.shape, bool)
    if values.dtype.kind not in "iuf":
        return missing
    if unwritten is not None:
        missing |= values == values.dtype.type(unwritten)
    for key in ("_FillValue", "missing_value"):  # written as text by some, which xarray passes over
        if isinstance(text := raw.attrs.get(key), str):
            missing |= values == float(text)
    low, high = raw.attrs.get("valid_range", (None, None))
    low, high = raw.attrs.get("valid_min", low), raw.attrs.get("valid_max", high)
    if "_Unsigned" not in raw.attrs:  # the range would be that of other numbers
        missing |= False if low is None else values < low
        missing |= False if high is None else values > high
    return missing


def _unwritten(dataset: h5py.Dataset) -> float | None:
    """What stands in a dataset where nothing was written, if it is the netCDF library's own choice."""
    fill = FILLS.get(dataset.dtype.str[1:])
    if fill is None or (dataset.dtype.kind == "f") or dataset.fillvalue == fill:
        return fill
    return None
