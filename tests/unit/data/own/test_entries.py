"""Entries of own recordings: what is filled in, and what is refused."""

import pytest

from itcortex.data.own.entries import local_files, named_entries, register, require_files
from itcortex.data.own.headers import lacks_grid, lacks_time
from itcortex.errors import UserError

REGISTRY = {
    "datasets": {},
    "stimuli": {"photos": {"dataset": "d"}},
    "recordings": {"known": {"dataset": "d"}},
}


def test_names_and_entries():
    names, entries = named_entries(
        ["known", {"name": "mine", "responses": "r.csv", "stimuli": "photos"}]
    )
    assert names == ["known", "mine"]
    assert entries == {"mine": {"responses": "r.csv", "stimuli": "photos"}}
    with pytest.raises(UserError, match="'known' is named twice"):
        named_entries(["known", {"name": "known"}])


def test_a_folder_becomes_stimuli_of_a_name_that_follows_from_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my pictures").mkdir()
    entries = {name: {"responses": "r.csv", "stimuli": place} for name, place in
               (("a", "my pictures"), ("b", "./my pictures/"), ("c", "photos"))}  # fmt: skip
    found = register(REGISTRY, entries)
    (shown,) = {found["recordings"][name]["stimuli"] for name in "ab"}
    assert shown.startswith("my_pictures-")
    assert found["stimuli"][shown]["path"] == "my pictures"
    assert found["recordings"]["c"]["stimuli"] == "photos"
    assert found["recordings"]["a"]["attributes"]["monkey"] == "a"
    assert found["datasets"]["own.a"]["citation"] == "own responses, not published"
    assert set(REGISTRY["stimuli"]) == {"photos"}  # what was given stays as it was


def test_area_and_animal_are_those_of_the_selected_sites():
    entry = {"responses": "r.csv", "stimuli": "photos", "sites": {"region": "IT", "animal": "Tito"}}
    about = register(REGISTRY, {"a": entry})["recordings"]["a"]["attributes"]
    assert (about["area"], about["monkey"]) == ("IT", "Tito")
    told = register(REGISTRY, {"a": entry | {"attributes": {"area": "PL"}}})["recordings"]["a"]
    assert told["attributes"]["area"] == "PL"


def test_what_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="the registry has a recording 'known' already"):
        register(REGISTRY, {"known": {"responses": "r.csv", "stimuli": "photos"}})
    with pytest.raises(UserError, match=r"'photo' is no folder or zip .* did you mean 'photos'"):
        register(REGISTRY, {"a": {"responses": "r.csv", "stimuli": "photo"}})
    with pytest.raises(UserError, match=r"recordings: a: there is no r\.csv"):
        require_files({"responses": "r.csv"}, "recordings: a")


@pytest.mark.parametrize(
    ("entry", "lacks"),
    [
        ({"responses": "r.npy", "axes": ["image", "site"]}, True),
        ({"responses": "r.npy", "axes": ["image", "y", "x", "site"]}, False),
        ({"responses": "r.nwb"}, True),
        ({"responses": "wide.csv"}, True),
        ({"responses": "long.csv"}, False),
        ({"responses": "r.nc"}, False),
    ],
)
def test_some_files_certainly_have_no_grid(tmp_path, monkeypatch, entry, lacks):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wide.csv").write_text("\ufeffimage;a;b\n", encoding="utf-8")
    (tmp_path / "long.csv").write_text("image,site,response,row,column\n")
    assert lacks_grid(entry) == lacks


@pytest.mark.parametrize(
    ("entry", "lacks"),
    [
        ({"responses": "r.npy", "axes": ["image", "y", "x", "site"]}, True),
        ({"responses": "r.npy", "axes": ["image", "time", "site"]}, False),
        ({"responses": "r.npy"}, False),
        ({"responses": "r.nwb", "time": {"start": 50, "stop": 250}}, True),
        ({"responses": "r.nwb", "time": {"start": 50, "stop": 250, "bin": 10}}, False),
        ({"responses": "r.parquet", "form": "wide"}, True),
        ({"responses": "wide.csv"}, True),
        ({"responses": "long.csv"}, False),
        ({"responses": "long.csv", "columns": {"time": "t"}}, False),
        ({"responses": "none.csv"}, False),
        ({"responses": "r.nc"}, False),
    ],
)
def test_some_files_certainly_have_no_time_so_that_a_new_window_is_nothing_to_them(
    tmp_path, monkeypatch, entry, lacks
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wide.csv").write_text("image,a,b\n")
    (tmp_path / "long.csv").write_text("image,site,response,time_ms,t\n")
    assert lacks_time(entry) == lacks


# --- places ---------------------------------------------------------------------------------------

BROUGHT = {
    "datasets": {"things": {"licence": "for research"}},
    "stimuli": {
        "shown": {"path": "{things}/object_images", "dataset": "things",
                  "list": {"path": "{list}", "format": "netcdf"}},
    },
    "recordings": {"units": {"responses": "{units}", "dataset": "things", "stimuli": "shown"}},
}  # fmt: skip


def test_paths_begin_with_the_places_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {"things": "data/THINGS", "list": "~/list.nc", "units": None}
    found = register(BROUGHT, {}, places)
    shown, units = found["stimuli"]["shown"], found["recordings"]["units"]
    assert shown["path"] == "data/THINGS/object_images"
    assert shown["list"]["path"].endswith("/list.nc") and "~" not in shown["list"]["path"]
    assert local_files(shown) == [shown["path"], shown["list"]["path"]]
    assert (shown["dataset"], units["dataset"]) == ("things", "things")
    assert found["datasets"]["things"] == {"licence": "for research"}
    with pytest.raises(UserError, match=r"recordings: u: \{units\}: .*`places: \{units: \.\.\.\}`"):
        require_files(units, "recordings: u")
    with pytest.raises(UserError, match="there is no data/THINGS/object_images"):
        require_files(shown, "recordings: u")
    assert BROUGHT["stimuli"]["shown"]["path"] == "{things}/object_images"
