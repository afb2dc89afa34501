"""Entries of own recordings: what is filled in, and what is refused."""

import pytest

from itcortex.data.own.entries import named_entries, register, require_files
from itcortex.data.own.headers import lacks_grid
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
