"""What a number in a netCDF file means: packed, missing or never written, as its attributes say."""

import h5py
import numpy as np
import pytest

from itcortex.data.published.majajhong import read_majajhong
from itcortex.errors import UserError
from itcortex.formats import netcdf
from made.majajhong import coordinates_of, values_of, write_assembly, write_table


def write(path, values, fillvalue=None, **attributes):
    """A file with one variable `counts` on a dimension `image`."""
    values = np.asarray(values)
    with h5py.File(path, "w") as handle:
        scale = handle.create_dataset("image", data=np.zeros(len(values), ">f4"))
        scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{len(values):10d}")
        scale.attrs["_Netcdf4Dimid"] = np.int32(0)
        counts = handle.create_dataset("counts", data=values, fillvalue=fillvalue)
        counts.dims[0].attach_scale(scale)
        counts.attrs.update(attributes)
    return path


FLOATS, WHOLE = np.array([21, 22, 23], np.float32), np.array([21, 22, 23], np.int16)


@pytest.mark.parametrize(
    ("missing", "attributes"),
    [
        (-9999, {"_FillValue": np.float32(-9999)}),
        (1e20, {"missing_value": np.float32(1e20)}),
        (-9999, {"missing_value": "-9999"}),  # as text
        (netcdf.FILLS["f4"], {}),  # nothing was written there, and nothing says so
        (-3, {"valid_min": np.float32(0)}),
        (400, {"valid_range": np.array([0, 100], np.float32)}),
    ],
)
def test_a_missing_number_is_nan_and_the_others_stay(tmp_path, missing, attributes):
    path = write(tmp_path / "a.nc", np.append(FLOATS, np.float32(missing)), **attributes)
    variable = netcdf.read_variables(path)["counts"]
    np.testing.assert_array_equal(variable.values, [21, 22, 23, np.nan])
    assert variable.dims == ("image",)


def test_packed_numbers_are_unpacked_before_they_are_compared_with_anything(tmp_path):
    attributes = {"scale_factor": 0.5, "add_offset": 10.0, "_FillValue": np.int16(-1)}
    path = write(tmp_path / "a.nc", np.append(WHOLE, np.int16(-1)), **attributes)
    values = netcdf.read_variables(path)["counts"].values
    np.testing.assert_array_equal(values, [20.5, 21, 21.5, np.nan])


def test_a_scale_that_is_a_whole_number_cuts_nothing_off(tmp_path):
    path = write(tmp_path / "a.nc", FLOATS + np.float32(0.25), scale_factor=np.int32(2))
    np.testing.assert_array_equal(netcdf.read_variables(path)["counts"].values, [42.5, 44.5, 46.5])
    attributes = {"scale_factor": np.int16(2), "add_offset": 1, "_FillValue": np.int16(-1)}
    path = write(tmp_path / "b.nc", np.append(WHOLE, np.int16(-1)), **attributes)
    np.testing.assert_array_equal(
        netcdf.read_variables(path)["counts"].values, [43, 45, 47, np.nan]
    )


def test_a_valid_range_is_of_the_packed_numbers(tmp_path):
    attributes = {"scale_factor": 10.0, "valid_max": np.int16(22)}
    path = write(tmp_path / "a.nc", WHOLE, **attributes)
    np.testing.assert_array_equal(netcdf.read_variables(path)["counts"].values, [210, 220, np.nan])


def test_whole_numbers_stay_whole(tmp_path):
    """-32767 is a number like any other, unless the netCDF library left it where nothing was written."""
    values = np.append(WHOLE, np.int16(-32767))
    whole = netcdf.read_variables(write(tmp_path / "a.nc", values, _FillValue=np.int16(-5)))
    assert whole["counts"].dtype == np.int16
    np.testing.assert_array_equal(whole["counts"].values, values)
    gap = netcdf.read_variables(write(tmp_path / "b.nc", values, fillvalue=np.int16(-32767)))
    np.testing.assert_array_equal(gap["counts"].values, [21, 22, 23, np.nan])


def test_the_mean_over_repeats_leaves_missing_trials_out(tmp_path):
    """Image b7 of the first site was shown three times: a fill value of -9999 would enter the mean."""
    values = values_of()
    whole = read_majajhong(
        write_assembly(tmp_path / "whole.nc"), {}, write_table(tmp_path / "t.csv")
    )
    values[0, 1] = -9999  # presentation ("b7", 2)
    path = write_assembly(tmp_path / "a.nc", values)
    with h5py.File(path, "a") as handle:
        handle["dicarlo.MajajHong2015.public"].attrs["_FillValue"] = np.float32([-9999])
    found = read_majajhong(path, {}, tmp_path / "t.csv")
    image, site = found.image_ids.index("car_rx+10.000_b.png"), 0
    trials = whole.trials[image, 0, 0, 0, site]
    assert found.responses[image, 0, 0, 0, site] == trials[:2].mean()
    assert np.isnan(found.trials[image, 0, 0, 0, site, 2])
    others = np.delete(found.responses, image, axis=0)
    np.testing.assert_array_equal(others, np.delete(whole.responses, image, axis=0))


def test_a_presentation_without_a_repetition_number_is_refused(tmp_path):
    coordinates = coordinates_of()
    coordinates["presentation"]["repetition"] = [1.0, 2.0, 0.0, 0.0, np.nan, 2.0, 1.0, 1.0]
    path = write_assembly(tmp_path / "a.nc", None, coordinates)
    with pytest.raises(UserError, match=r"a\.nc: 1 presentations have no `repetition`"):
        read_majajhong(path, {}, write_table(tmp_path / "t.csv"))


def test_a_dataset_of_any_hdf5_file_is_read_as_its_attributes_say(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        plain = handle.create_dataset("plain", data=np.append(WHOLE, np.int16(-1)))
        packed = handle.create_dataset("packed", data=plain[...].reshape(2, 2))
        packed.attrs.update(scale_factor=[0.5], _FillValue=np.int16(-1))
        wrong = handle.create_dataset("wrong", data=FLOATS)
        wrong.attrs["missing_value"] = "none"
        assert netcdf.values_of(plain).dtype == np.int16
        np.testing.assert_array_equal(netcdf.values_of(packed), [[10.5, 11], [11.5, np.nan]])
        with pytest.raises(UserError, match=r"a\.h5: /wrong: its attributes .*'none'"):
            netcdf.values_of(wrong)
