"""Every form of file gives the recording that was put into it."""

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray

from itcortex.data.own.forms import form_of, read_own
from itcortex.data.own.image_lists import LISTS
from itcortex.errors import UserError
from made.own import laboratory

ABOUT = {"monkey": "m", "area": "IT", "unit": "a.u.", "simulated": False, "protocol": "own"}
TOLERANCE = 1e-5  # responses are kept as float32


@pytest.fixture
def lab(tmp_path):
    return laboratory(tmp_path / "pictures")


def read(path, lab, **entry):
    """The recording of a file, with the laboratory's pictures."""
    return read_own(path, entry, lab.names, ABOUT)


def assert_mean(recording, lab):
    """It has the means over repeats, by the names of images and sites."""
    assert recording.image_ids == lab.names
    assert recording.site_ids == lab.sites
    assert recording.responses.shape == (len(lab.names), 1, 1, 1, len(lab.sites))
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], lab.mean, rtol=TOLERANCE)


def assert_trials(recording, lab):
    assert_mean(recording, lab)
    np.testing.assert_allclose(recording.trials[:, 0, 0, 0], lab.trials, rtol=TOLERANCE)


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_wide_table(lab, tmp_path, ending):
    path = tmp_path / f"r.{ending}"
    table = lab.wide().sample(frac=1, random_state=3)  # rows in any order
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    recording = read(path, lab)
    assert_mean(recording, lab)
    assert recording.trials is None
    assert recording.attributes["source"] == str(path)


def test_wide_table_with_rows_that_are_repeats(lab, tmp_path):
    rows = [
        pd.DataFrame(lab.trials[:, :, k], columns=lab.sites).assign(image=lab.names, repeat=k)
        for k in range(4)
    ]
    pd.concat(rows).to_csv(tmp_path / "r.csv", index=False)
    assert_trials(read(tmp_path / "r.csv", lab), lab)
    unnumbered = pd.concat(rows).drop(columns="repeat")
    unnumbered.to_csv(tmp_path / "u.csv", index=False)
    with pytest.raises(UserError, match=r"8 images have several rows: \['im00.png'.*repeats: true"):
        read(tmp_path / "u.csv", lab)
    assert_trials(read(tmp_path / "u.csv", lab, repeats=True), lab)


def test_wide_table_with_a_row_for_each_site(lab, tmp_path):
    path = tmp_path / "r.csv"
    lab.wide().set_index("image").T.rename_axis("site").to_csv(path)
    assert_mean(read(path, lab, axes=["site", "image"]), lab)
    with pytest.raises(
        UserError, match=r"images and sites are swapped; write `axes: \[site, image"
    ):
        read(path, lab)


def test_wide_table_tells_columns_that_are_no_sites(lab, tmp_path):
    path = tmp_path / "r.csv"
    table = lab.wide().assign(trial=range(8), session=1, comment="x", extra=2.0)
    table.rename_axis("").reset_index().to_csv(path, index=False)
    assert read(path, lab).site_ids == (*lab.sites, "extra")
    assert_mean(read(path, lab, columns={"sites": "unit_*"}), lab)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_long_table_with_repeats(lab, tmp_path, ending):
    path = tmp_path / f"r.{ending}"
    table = lab.long().sample(frac=1, random_state=3)
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    assert_trials(read(path, lab), lab)


def test_long_table_with_time_and_grid(lab, tmp_path, rng):
    values = rng.normal(size=(8, 2, 4, 5, 3)).astype(np.float32)  # image, y, x, ms, site
    image, y, x, time, site = (k.ravel() for k in np.indices(values.shape))
    table = pd.DataFrame(
        {
            "stimulus": np.array(lab.names)[image], "neuron": np.array(lab.sites)[site], "row": y,
            "column": x, "time_ms": 20 + 10 * time, "rate": values.ravel(),
        }
    )  # fmt: skip
    table.to_csv(tmp_path / "r.csv", index=False)
    recording = read(tmp_path / "r.csv", lab)
    np.testing.assert_allclose(recording.responses, values, rtol=TOLERANCE)
    assert recording.attributes["ms_start"] == 20
    assert recording.attributes["ms_bin"] == 10


def test_long_table_with_two_rows_of_one_response(lab, tmp_path):
    table = lab.long().drop(columns="repeat")
    table.to_csv(tmp_path / "r.csv", index=False)
    with pytest.raises(
        UserError, match="72 responses stand there more than once, the first in row 3"
    ):
        read(tmp_path / "r.csv", lab)


# --- arrays ---------------------------------------------------------------------------------------


def test_npz_with_names(lab, tmp_path):
    path = tmp_path / "r.npz"
    np.savez(path, rates=lab.trials.transpose(1, 2, 0), image_ids=lab.names, units=lab.sites)
    columns = {"site": "units"}
    assert_trials(read(path, lab, axes=["site", "repeat", "image"], columns=columns), lab)
    with pytest.raises(UserError, match=r"its axes \(3, 4, 8\) have no names"):
        read(path, lab)
    with pytest.raises(
        UserError, match=r"8 names in 'image_ids' do not fit 4 along the axis 'image'"
    ):
        read(path, lab, axes=["site", "image", "repeat"], columns=columns)


def test_npy_with_a_table_of_images_or_a_pattern(lab, tmp_path):
    path = tmp_path / "r.npy"
    np.save(path, lab.mean)
    with pytest.raises(UserError, match="nothing names its 8 images"):
        read(path, lab, axes=["image", "site"])
    pd.DataFrame({"image": lab.names}).to_csv(tmp_path / "i.csv", index=False)
    recording = read(path, lab, axes=["image", "site"], image_table=str(tmp_path / "i.csv"))
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], lab.mean, rtol=TOLERANCE)
    assert recording.site_ids == ("site-01", "site-02", "site-03")
    with pytest.raises(UserError, match="has 8 rows, and there are responses to 3 images"):
        read(path, lab, axes=["site", "image"], image_table=str(tmp_path / "i.csv"))
    pattern = [f"pic{number + 1}.png" for number in range(8)]
    named = read_own(path, {"axes": ["image", "site"], "image_name": "pic{}.png"}, pattern, ABOUT)
    np.testing.assert_allclose(named.responses[:, 0, 0, 0], lab.mean, rtol=TOLERANCE)


def test_hdf5_in_our_layout(lab, tmp_path, rng):
    path = tmp_path / "r.h5"
    values = rng.normal(size=(8, 2, 2, 3, 3)).astype(np.float32)
    with h5py.File(path, "w") as handle:
        handle["responses"] = values
        handle["image_ids"] = list(lab.names)
        handle["site_ids"] = list(lab.sites)
        handle["sites/region"] = ["IT", "V4", "IT"]
        handle.attrs["ms_start"], handle.attrs["ms_bin"] = 50, 10
    recording = read(path, lab, sites={"region": "IT"})
    np.testing.assert_array_equal(recording.responses, values[..., [0, 2]])
    assert recording.attributes["left_out"] == {"sites": 1}
    assert (recording.attributes["ms_start"], recording.attributes["ms_bin"]) == (50, 10)
    for scale in (1, 0.5):  # with an attribute that says what the stored numbers mean
        with h5py.File(tmp_path / "t.h5", "w") as handle:
            handle["trials"] = lab.trials / scale
            handle["trials"].attrs["scale_factor"] = scale
            handle["image_ids"], handle["site_ids"] = list(lab.names), list(lab.sites)
        assert_trials(read(tmp_path / "t.h5", lab), lab)


# --- netCDF ---------------------------------------------------------------------------------------


def assembly(lab):
    """Presentations x neuroids x time bins as BrainIO writes them."""
    values = lab.trials.transpose(0, 2, 1).reshape(-1, 3, 1)
    image = np.repeat(lab.names, 4)
    return xarray.Dataset(
        {"dicarlo": (("presentation", "neuroid", "time_bin"), values)},
        coords={
            "image_id": ("presentation", [f"hash{name}" for name in image]),
            "image_file_name": ("presentation", image),
            "repetition": ("presentation", np.tile(np.arange(4), 8)),
            "neuroid_id": ("neuroid", list(lab.sites)), "region": ("neuroid", ["IT", "V4", "IT"]),
            "reliability": ("neuroid", [0.9, 0.8, 0.2]),
            "time_bin_start": ("time_bin", [70]), "time_bin_end": ("time_bin", [170]),
        },
    )  # fmt: skip


def test_netcdf_of_brainio(lab, tmp_path):
    assembly(lab).to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    recording = read(tmp_path / "r.nc", lab)
    assert_trials(recording, lab)
    assert recording.attributes["ms_start"] == 70
    assert recording.attributes["ms_bin"] == 100
    chosen = read(tmp_path / "r.nc", lab, sites={"region": "IT", "reliability": ">0.3"})
    assert chosen.site_ids == ("unit_0",)
    assert chosen.attributes["left_out"] == {"sites": 2}


def test_netcdf_of_triple_n(lab, tmp_path):
    """Means of units; selected, and given their ceiling, by the reliability in the very window."""
    names = tuple(f"nsd_{number:05d}" for number in (2950, 7, 30, 4000, 1, 2, 3, 72999))
    xarray.Dataset(
        {"li2026": (("presentation", "neuroid", "time_bin"), lab.mean[:, :, None])},
        coords={
            "stimulus_id": ("presentation", list(names)), "coco_id": ("presentation", range(8)),
            "neuroid_id": ("neuroid", ["M1_ses01_unit0001", "M1_ses01_unit0002", "M5_ses90_unit0001"]),
            "region": ("neuroid", ["IT", "IT", "V2"]), "animal": ("neuroid", ["M1", "M1", "M5"]),
            "reliability": ("neuroid", [0.9, 0.5, 0.9]),
            "reliability_window": ("neuroid", [0.81, 0.36, 0.7]),
            "time_bin_start": ("time_bin", [70]), "time_bin_end": ("time_bin", [170]),
        },
    ).to_netcdf(tmp_path / "r.nc", engine="h5netcdf")  # fmt: skip
    entry = {"sites": {"region": "IT", "reliability_window": ">0.4"}}
    entry |= {"reliability": "reliability_window"}
    pictures = [f"{name}.png" for name in sorted(names)]
    recording = read_own(tmp_path / "r.nc", entry, pictures, ABOUT)
    assert recording.image_ids == tuple(pictures)
    assert recording.site_ids == ("M1_ses01_unit0001",)
    assert recording.attributes["left_out"] == {"sites": 2}
    assert recording.stated_reliability == pytest.approx([0.81])
    assert recording.attributes["ms_start"] == 70
    order = np.argsort(names)
    expected = lab.mean[order, 0]
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0, 0], expected, rtol=TOLERANCE)
    assert LISTS["netcdf"](tmp_path / "r.nc") == names
    with pytest.raises(
        UserError, match=r"none of 3 sites fulfils region: V2, reliability_window: >0.9"
    ):
        tight = {"sites": {"region": "V2", "reliability_window": ">0.9"}}
        read_own(tmp_path / "r.nc", tight, pictures, ABOUT)
    with pytest.raises(UserError, match="reliability: no column 'reliable' of the sites"):
        read_own(tmp_path / "r.nc", {"reliability": "reliable"}, pictures, ABOUT)


def test_netcdf_of_hashes_with_the_table_of_its_images(lab, tmp_path):
    assembly(lab).drop_vars("image_file_name").to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    table = {"image_id": [f"hash{name}" for name in lab.names], "filename": lab.names}
    pd.DataFrame(table).assign(split=["train", "test"] * 4).to_csv(tmp_path / "i.csv", index=False)
    recording = read(tmp_path / "r.nc", lab, image_table=str(tmp_path / "i.csv"), split="split")
    assert_trials(recording, lab)
    assert recording.labels("split") == ("train", "test") * 4


def test_netcdf_of_xarray_with_named_dimensions_packed_and_with_gaps(lab, tmp_path):
    values = lab.mean.copy()
    values[2, 1] = np.nan
    array = xarray.DataArray(
        values, {"image": list(lab.names), "unit": list(lab.sites)}, ("image", "unit"), name="r"
    )
    packed = {"r": {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -1}}
    array.to_netcdf(tmp_path / "r.nc", engine="h5netcdf", encoding=packed)
    with pytest.raises(
        UserError, match="1 pairs of image and site have no response, the first 'im02"
    ):
        read(tmp_path / "r.nc", lab)
    recording = read(tmp_path / "r.nc", lab, incomplete="leave out sites")
    assert recording.site_ids == ("unit_0", "unit_2")
    assert recording.attributes["left_out"] == {"incomplete_sites": 1}
    # packed in steps of .01
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], lab.mean[:, [0, 2]], atol=0.006)
    fewer = read(tmp_path / "r.nc", lab, incomplete="leave out images")
    assert fewer.image_ids == tuple(name for name in lab.names if name != "im02.png")


def test_netcdf_without_names_of_images(lab, tmp_path):
    assembly(lab)[["dicarlo", "neuroid_id"]].drop_vars(
        ["image_id", "image_file_name", "repetition"]
    ).to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    with pytest.raises(UserError, match="nothing along 'presentation' names the images"):
        read(tmp_path / "r.nc", lab)


def timed(lab, path, **bins):
    """A file of so many time bins, with what it says of them."""
    n_bins = len(next(iter(bins.values())))
    xarray.Dataset(
        {"r": (("image", "site", "time_bin"), np.repeat(lab.mean[..., None], n_bins, 2))},
        coords={"image": list(lab.names), "site": list(lab.sites)}
        | {name: ("time_bin", values) for name, values in bins.items()},
    ).to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        ({"time_bin_start": [70, 80, 90], "time_bin_end": [80, 90, 100]}, (70, 10)),
        ({"time_bin_start": [70, 80, 90]}, (70, 10)),
        ({"time_bin_start": [0.1, 0.2, 0.3], "time_bin_end": [0.2, 0.3, 0.4]}, (0.1, 0.1)),
        ({"time_bin_start": [70], "time_bin_end": [170]}, (70, 100)),
        ({"time_bin": [50.0, 70.0]}, (50, 20)),
        ({"time_bin_start": [70]}, (None, None)),
    ],
)
def test_netcdf_bins_of_time(lab, tmp_path, bins, expected):
    timed(lab, tmp_path / "r.nc", **bins)
    about = read(tmp_path / "r.nc", lab).attributes
    start, width = (about.get(key) for key in ("ms_start", "ms_bin"))
    assert (start, width) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (
            {"time_bin_start": [70, 80], "time_bin_end": [90, 100]},
            r"\[70.0, 90.0\], \[80.0, 100.0\]",
        ),
        (
            {"time_bin_start": [0, 20], "time_bin_end": [10, 30]},
            "must begin where the one before ends",
        ),
        ({"time_bin_start": [0, 10], "time_bin_end": [10, 30]}, "all must have one width"),
        ({"time_bin_start": [80, 70], "time_bin_end": [90, 80]}, "sort and average"),
        ({"time_bin_start": [10], "time_bin_end": [10]}, r"are \[\[10.0, 10.0\]\]"),
        ({"time_bin_start": [90, 80, 70]}, r"in even steps: \[90.0, 80.0, 70.0\]; sort them"),
        (
            {"time_bin_center": [75, 85]},
            "'time_bin_center' says when time bins end or what is their",
        ),
    ],
)
def test_netcdf_bins_that_overlap_or_leave_gaps(lab, tmp_path, bins, message):
    timed(lab, tmp_path / "r.nc", **bins)
    with pytest.raises(UserError, match=message):
        read(tmp_path / "r.nc", lab)


# --- which form -----------------------------------------------------------------------------------


def test_form_by_ending_or_name(lab, tmp_path):
    assert form_of("a.nwb", {}) == "nwb"
    assert form_of("a.NC", {}) == "netcdf"
    assert form_of("a.bin", {"form": "numpy"}) == "numpy"
    with pytest.raises(UserError, match=r"its form cannot be told by the ending '\.xlsx'"):
        form_of("a.xlsx", {})


def test_a_file_that_changes_while_it_is_read(lab, tmp_path, monkeypatch):
    from itcortex.data.own import forms

    path = tmp_path / "r.csv"
    lab.wide().to_csv(path, index=False)

    def read_and_change(*arguments):
        presented = read_wide(*arguments)
        path.write_text(path.read_text() + "\n")
        return presented

    read_wide = forms.FORMS["wide"]
    monkeypatch.setitem(forms.FORMS, "wide", read_and_change)
    with pytest.raises(UserError, match="changed while it was read"):
        read(path, lab)


def test_counted_names_must_reach_all_pictures_lest_axes_are_swapped(tmp_path, rng):
    path, pictures = tmp_path / "r.npy", tuple(f"pic{k}.png" for k in range(1, 7))
    values = rng.uniform(1, 9, (6, 3))
    np.save(path, values.T)  # sites come first, and 3 of 6 pictures would have got responses
    entry = {"axes": ["image", "site"], "image_name": "pic{}.png"}
    with pytest.raises(UserError, match=r"of 6 pictures 3 have no number.*axes in another order"):
        read_own(path, entry, pictures, ABOUT)
    right = read_own(path, entry | {"axes": ["site", "image"]}, pictures, ABOUT)
    np.testing.assert_allclose(right.responses[:, 0, 0, 0], values, rtol=1e-6)
