"""Brain-Score's assembly of Majaj, Hong et al. 2015 and its table of images, made by code."""

import h5py
import numpy as np
import pandas as pd

HASHES = ("b7", "a1", "c9")  # in file order; Brain-Score's order is that of the hashes
FILES = {"a1": "face_rx+00.000_a.png", "b7": "car_rx+10.000_b.png", "c9": "apple_rx-03.000_c.png"}
OBJECTS = {"a1": "face0", "b7": "car_astra", "c9": "apple"}
VARIATION = {"a1": 0, "b7": 3, "c9": 3}
REPEATS = {"a1": (0, 1), "b7": (0, 1, 2), "c9": (0, 1, 2)}
SITES = {
    "neuroid_id": ("Chabo_L_M_5_9", "Tito_L_P_0_1", "Tito_L_A_3_2", "Chabo_L_A_8_8"),
    "region": ("IT", "V4", "IT", "IT"),
    "animal": ("Chabo", "Tito", "Tito", "Chabo"),
}
#: Presentations (image, repetition) in a mixed order, as they were recorded.
SHOWN = (("c9", 1), ("b7", 2), ("a1", 0), ("c9", 0), ("b7", 0), ("c9", 2), ("a1", 1), ("b7", 1))


def response(site, image, repeat):
    """A value that says which site, image and repetition it belongs to."""
    return 100.0 * site + 10 * "abc".index(image[0]) + repeat + 0.5


def values_of(shown=SHOWN):
    """Responses (neuroid, presentation, time_bin) as the file has them."""
    sites = range(len(SITES["neuroid_id"]))
    return np.array([[[response(s, *one)] for one in shown] for s in sites], np.float32)


def coordinates_of(shown=SHOWN):
    """Coordinates by dimension, as the file has them."""
    return {
        "neuroid": {**SITES, "x": (0.2, 0.6, 1.0, -1.4)},
        "presentation": {"image_id": [i for i, _ in shown], "repetition": [r for _, r in shown]},
        "time_bin": {"time_bin_start": [70], "time_bin_end": [170]},
    }


def write_assembly(
    path, values=None, coordinates=None, dims=("neuroid", "presentation", "time_bin"), **storage
):
    """An assembly as xarray writes it by the netCDF-4 library: HDF5 with dimension scales."""
    values = values_of() if values is None else values
    coordinates = coordinates_of() if coordinates is None else coordinates
    with h5py.File(path, "w") as handle:
        for number, (dim, size) in enumerate(zip(dims, values.shape, strict=True)):
            scale = handle.create_dataset(dim, data=np.zeros(size, ">f4"))
            scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
            scale.attrs["_Netcdf4Dimid"] = np.int32(number)
        for dim, columns in coordinates.items():
            for name, column in columns.items():
                kind = h5py.string_dtype() if isinstance(column[0], str) else None
                variable = handle.create_dataset(name, data=list(column), dtype=kind)
                variable.dims[0].attach_scale(handle[dim])
        variable = handle.create_dataset("dicarlo.MajajHong2015.public", data=values, **storage)
        variable.attrs["_FillValue"] = np.array([np.nan], np.float32)
        for axis, dim in enumerate(dims):
            variable.dims[axis].attach_scale(handle[dim])
    return path


def write_table(path, **columns):
    """A stimulus set's CSV, with an image that was not shown."""
    hashes = [*HASHES, "d0"]
    known = {
        "id": range(1, 5),
        "background_id": "ecd40f3f6d7a4d6d88134d648884e0b9b364efc9",
        "image_id": hashes,
        "object_name": [OBJECTS.get(h, "tank") for h in hashes],
        "variation": [VARIATION.get(h, 6) for h in hashes],
        "image_file_name": "the old name.png",
        "filename": [FILES.get(h, "tank.png") for h in hashes],
    }
    pd.DataFrame(known | columns).to_csv(path, index=False)
    return path
