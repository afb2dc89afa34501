"""A first entry for a file, without being told anything of it."""

import numpy as np
import pandas as pd
import pytest
import xarray

from itcortex.data.own.guess import guess, overlay
from itcortex.errors import UserError
from made.own import laboratory

WITH_TIME = "and `time: {start: ..., bin: ...}` (ms)"


@pytest.fixture
def lab(tmp_path):
    return laboratory(tmp_path / "pictures", n_images=24)


def wide_csv(lab, path):
    lab.wide().to_csv(path, sep=";", decimal=",", index=False)


def long_parquet(lab, path):
    lab.long().to_parquet(path)


def sites_in_rows(lab, path):
    lab.wide().set_index("image").T.to_csv(path)


def names_in_the_second_column(lab, path):
    table = lab.wide().rename(columns={"image": "shown"})
    table[["unit_0", "shown", "unit_1", "unit_2"]].to_csv(path, index=False)


def npz(lab, path):
    np.savez(path, r=lab.mean.T, image=lab.names)


def netcdf(lab, path):
    array = xarray.DataArray(lab.mean, {"image": list(lab.names)}, ("image", "u"), name="r")
    array.to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize(
    ("write", "name", "found"),
    [
        (wide_csv, "a b.csv", {}),
        (long_parquet, "r.parquet", {}),
        (sites_in_rows, "r.csv", {"axes": ["site", "image"]}),
        (names_in_the_second_column, "r.csv", {"columns": {"image": "shown"}}),
        (npz, "r.npz", {"axes": ["site", "image"]}),
        (netcdf, "r.nc", {"axes": ["image", "site"]}),
    ],
)
def test_what_a_file_tells(lab, tmp_path, write, name, found):
    write(lab, tmp_path / name)
    entry, recording, problem = guess(tmp_path / name, lab.folder)
    assert problem == ""
    usual = {"name": name.partition(".")[0].replace(" ", "_"), "responses": (tmp_path / name).as_posix(),
             "stimuli": lab.folder.as_posix()}  # fmt: skip
    assert entry == usual | found
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], lab.mean, rtol=1e-5)  # float32
    settings = overlay(entry, recording)
    assert settings["encoding"]["folds"] == 4
    assert settings["ceiling"]["name"] == (
        "split_half_bound" if "parquet" in name else "population"
    )


@pytest.mark.parametrize(
    ("shape", "names", "listed"),
    [
        ((24, 20, 12), {"image": 24}, {
            "[image, site, repeat]: 24 images, 20 sites, 12 repeats",
            "[image, repeat, site]: 24 images, 20 repeats, 12 sites",
            f"[image, site, time] {WITH_TIME}: 24 images, 20 sites, 12 time bins",
            f"[image, time, site] {WITH_TIME}: 24 images, 20 time bins, 12 sites",
        }),
        ((24, 12, 10), {"image": 24, "site": 12}, {
            "[image, site, repeat]: 24 images, 12 sites, 10 repeats",
            f"[image, site, time] {WITH_TIME}: 24 images, 12 sites, 10 time bins",
        }),
        ((24, 24), {"image": 24, "units": 24}, {
            "[image, site]: 24 images, 24 sites", "[site, image]: 24 sites, 24 images",
        }),
    ],
)  # fmt: skip
def test_axes_that_nothing_forces_are_asked_for(lab, tmp_path, rng, shape, names, listed):
    """The first order that reads would have been proposed as if the file said so."""
    known = {"image": lab.names, "site": range(shape[1]), "units": range(shape[1])}
    path = tmp_path / "r.npz"
    np.savez(path, r=rng.uniform(size=shape), **{name: known[name] for name in names})
    entry, recording, problem = guess(path, lab.folder)
    assert recording is None
    assert "axes" not in entry
    first, *ways = problem.split("\n  axes: ")
    assert f"can be read in {len(listed)} ways, and nothing in it says which is right" in first
    assert (len(ways), {*ways}) == (len(listed), listed)


def test_a_grid_of_positions_may_also_be_repeats_and_time(lab, tmp_path, rng):
    np.savez(tmp_path / "r.npz", r=rng.uniform(size=(24, 3, 5, 4)), image=lab.names, site=range(4))
    problem = guess(tmp_path / "r.npz", lab.folder)[2]
    assert "can be read in 4 ways" in problem
    assert "[image, y, x, site]: 24 images, 3 grid rows, 5 grid columns, 4 sites" in problem


def test_sites_that_lack_a_response_are_left_out_of_an_array_too(lab, tmp_path):
    values = lab.mean.copy()
    values[1, 2] = np.nan
    np.savez(tmp_path / "r.npz", r=values, image=lab.names)
    entry, recording, _ = guess(tmp_path / "r.npz", lab.folder)
    assert (entry["axes"], entry["incomplete"]) == (["image", "site"], "leave out sites")
    assert recording.site_ids == ("site-01", "site-02")


def test_one_of_several_columns_of_pictures_is_asked_for(lab, tmp_path):
    table = lab.wide().rename(columns={"image": "shown"}).assign(before=lab.names[::-1])
    table[["unit_0", "unit_1", "shown", "before"]].to_csv(tmp_path / "r.csv", index=False)
    entry, recording, problem = guess(tmp_path / "r.csv", lab.folder)
    assert recording is None
    assert "columns" not in entry
    assert problem.endswith(":\n  columns: {image: shown}\n  columns: {image: before}")


def test_bins_of_time_are_never_taken_for_repeats(lab, tmp_path):
    rows = [lab.wide().assign(time_ms=time) for time in (0, 10, 20)]
    pd.concat(rows).to_csv(tmp_path / "r.csv", index=False)
    entry, recording, problem = guess(tmp_path / "r.csv", lab.folder)
    assert recording is None
    assert "repeats" not in entry
    assert "rows of one image differ in 'time_ms', and a wide table has neither time" in problem


def test_a_file_that_cannot_be_understood_gives_the_first_problem(lab, tmp_path):
    pd.DataFrame({"image": ["a", "b"], "s": [1, 2]}).to_csv(tmp_path / "r.csv", index=False)
    entry, recording, problem = guess(tmp_path / "r.csv", lab.folder)
    assert recording is None
    assert "2 of 2 images have no picture: 'a', 'b'" in problem
    assert entry["name"] == "r"
    with pytest.raises(UserError, match="there is no such file"):
        guess(tmp_path / "gone.csv", lab.folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no picture"):
        guess(tmp_path / "r.csv", tmp_path / "empty")
