"""A first entry for a file, without being told anything of it."""

import numpy as np
import pandas as pd
import pytest
import xarray

from itcortex.data.own.guess import guess, overlay
from itcortex.errors import UserError
from made.own import laboratory


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
