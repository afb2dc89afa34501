"""Brain-Score's assembly of Majaj, Hong et al. 2015: trials in place, images by file name, choices."""

import unicodedata

import h5py
import numpy as np
import pandas as pd
import pytest

from itcortex import store
from itcortex.data.published import majajhong
from itcortex.data.published.majajhong import read_majajhong
from itcortex.data.published.readers import read_published
from itcortex.errors import UserError
from made.majajhong import (
    FILES,
    OBJECTS,
    REPEATS,
    SHOWN,
    SITES,
    coordinates_of,
    response,
    values_of,
    write_assembly,
    write_table,
)


@pytest.fixture
def source(tmp_path):
    return write_assembly(tmp_path / "assy_dicarlo_MajajHong2015_public.nc")


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "image_dicarlo_hvm-public.csv")


def test_every_trial_is_at_its_image_site_and_repetition(source, table):
    recording = read_majajhong(source, {"area": "IT"}, table)
    assert recording.image_ids == tuple(FILES[h] for h in ("a1", "b7", "c9"))
    assert recording.site_ids == ("Chabo_L_M_5_9", "Tito_L_A_3_2", "Chabo_L_A_8_8")
    assert recording.trials.shape == (3, 1, 1, 1, 3, 3)
    assert recording.trials.dtype == np.float32
    for i, image in enumerate(("a1", "b7", "c9")):
        for j, site in enumerate((0, 2, 3)):
            for repeat in range(3):
                found = recording.trials[i, 0, 0, 0, j, repeat]
                if repeat in REPEATS[image]:
                    assert found == response(site, image, repeat)
                else:
                    assert np.isnan(found)
            mean = np.mean([response(site, image, repeat) for repeat in REPEATS[image]])
            assert recording.responses[i, 0, 0, 0, j] == np.float32(mean)


def test_what_is_known_of_images_and_time(source, table):
    recording = read_majajhong(source, {"area": "IT"}, table)
    assert recording.labels("object_name") == ("face0", "car_astra", "apple")
    assert recording.labels("variation") == (0, 3, 3)
    assert (recording.attributes["ms_start"], recording.attributes["ms_bin"]) == (70, 100)
    assert not recording.has_time
    assert not recording.has_grid


def test_the_recording_survives_its_file(source, table, tmp_path):
    recording = read_majajhong(source, {"area": "IT"}, table)
    store.write_recording(tmp_path / "r.h5", recording)
    stored = store.read_recording(tmp_path / "r.h5")
    np.testing.assert_array_equal(stored.trials, recording.trials)
    assert stored.image_ids == recording.image_ids
    assert stored.labels("object_name") == recording.labels("object_name")


@pytest.mark.parametrize(
    ("choice", "sites"),
    [
        ({"region": None}, (0, 1, 2, 3)),
        ({"region": "V4"}, (1,)),
        ({"animal": "Chabo"}, (0, 3)),
        ({"region": None, "animal": "Tito"}, (1, 2)),
    ],
)
def test_sites_of_a_region_and_an_animal(source, table, choice, sites):
    recording = read_majajhong(source, {}, table, **choice)
    assert recording.site_ids == tuple(SITES["neuroid_id"][site] for site in sites)
    expected = [response(site, "b7", 2) for site in sites]
    np.testing.assert_array_equal(recording.trials[1, 0, 0, 0, :, 2], expected)


def test_images_of_a_level_of_variation_have_their_own_repetitions_only(source, table):
    recording = read_majajhong(source, {}, table, variation=[0])
    assert recording.image_ids == (FILES["a1"],)
    assert recording.labels("object_name") == ("face0",)
    np.testing.assert_array_equal(
        recording.trials[0, 0, 0, 0, 0], [response(0, "a1", 0), response(0, "a1", 1)]
    )


def test_choices_that_are_not_there(source, table):
    with pytest.raises(UserError, match=r"public\.nc: no region 'TI'; did you mean 'IT'"):
        read_majajhong(source, {}, table, region="TI")
    with pytest.raises(UserError, match=r"no animal 'Chaba'; did you mean 'Chabo'"):
        read_majajhong(source, {}, table, animal="Chaba")
    with pytest.raises(UserError, match=r"animal 'Chabo' has no neuroid in region 'V4'"):
        read_majajhong(source, {}, table, region="V4", animal="Chabo")
    with pytest.raises(UserError, match=r"public\.csv: no variation 5; .*'0', '3', '6'"):
        read_majajhong(source, {}, table, variation=[3, 5])


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0), (0, 1)])
@pytest.mark.parametrize("storage", [{}, {"compression": "gzip", "shuffle": True}])
def test_any_order_of_dimensions_and_no_time_bin(tmp_path, source, table, order, storage):
    expected = read_majajhong(source, {}, table).trials
    values = values_of()
    values = values[:, :, 0] if len(order) == 2 else values.transpose(order)
    coordinates = coordinates_of()
    if len(order) == 2:
        del coordinates["time_bin"]
    dims = [("neuroid", "presentation", "time_bin")[axis] for axis in order]
    path = write_assembly(tmp_path / "other.nc", values, coordinates, dims, **storage)
    recording = read_majajhong(path, {}, table)
    np.testing.assert_array_equal(recording.trials, expected)
    assert ("ms_start" in recording.attributes) == (len(order) == 3)


def test_as_many_presentations_as_sites_are_not_mixed_up(tmp_path, table):
    """Dimensions are told apart by name, never by size."""
    shown = (("a1", 0), ("b7", 0), ("c9", 0), ("c9", 1))
    path = write_assembly(tmp_path / "square.nc", values_of(shown), coordinates_of(shown))
    recording = read_majajhong(path, {}, table, region=None)
    expected = [[response(site, image, 0) for site in range(4)] for image in ("a1", "b7", "c9")]
    np.testing.assert_array_equal(recording.trials[:, 0, 0, 0, :, 0], expected)


def test_newer_assemblies_bring_the_table_along(tmp_path, source, table):
    coordinates = coordinates_of()
    shown = coordinates["presentation"]
    shown["stimulus_id"] = shown.pop("image_id")
    shown |= {
        "filename": [f"folder/{FILES[image]}" for image in shown["stimulus_id"]],
        "object_name": [OBJECTS[image] for image in shown["stimulus_id"]],
    }
    recording = read_majajhong(write_assembly(tmp_path / "new.nc", None, coordinates), {})
    old = read_majajhong(source, {}, table)
    np.testing.assert_array_equal(recording.trials, old.trials)
    assert recording.image_ids == old.image_ids
    assert recording.labels("object_name") == old.labels("object_name")


def test_without_a_table_there_are_no_file_names(source):
    with pytest.raises(UserError, match=r"has no filename or image_file_name; .*CSV.*`table`"):
        read_majajhong(source, {})


def test_tables_that_do_not_fit(tmp_path, source):
    short = write_table(tmp_path / "short.csv", image_id=["a1", "c9", "e1", "d0"])
    with pytest.raises(UserError, match=r"short\.csv: 1 of 3 recorded images .*\['b7'\]"):
        read_majajhong(source, {}, short)
    twice = write_table(tmp_path / "twice.csv", image_id=["a1", "a1", "b7", "c9"])
    with pytest.raises(UserError, match=r"twice\.csv: gives image a1 more than once"):
        read_majajhong(source, {}, twice)
    same = write_table(tmp_path / "same.csv", filename="one.png")
    with pytest.raises(UserError, match=r"image ids must be unique.*one\.png"):
        read_majajhong(source, {}, same)
    (tmp_path / "none.csv").write_text("")
    with pytest.raises(UserError, match=r"none\.csv: not a readable table of images"):
        read_majajhong(source, {}, tmp_path / "none.csv")
    pd.DataFrame({"name": ["a1"]}).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(UserError, match=r"other\.csv: has no stimulus_id or image_id; it has name"):
        read_majajhong(source, {}, tmp_path / "other.csv")


def test_names_that_look_like_numbers_or_like_nothing_stay_names(tmp_path):
    names = ["0001", "1e5", "NA", "None", unicodedata.normalize("NFD", "é")]
    files = ["007", "NaN", "null", "1.0", "é.png"]
    columns = {
        "image_id": names,
        "filename": files,
        "object_name": files,
        "variation": [0, 3, 6, 0, 3],
    }
    pd.DataFrame(columns).to_csv(tmp_path / "t.csv", index=False)
    table = majajhong.read_image_table(tmp_path / "t.csv")
    wanted = np.array(["NA", "0001", "é", "1e5", "None"])
    found, labels = majajhong.describe_images(wanted, table, "t.csv")
    assert found == ("null", "007", "é.png", "NaN", "1.0")
    assert labels["object_name"] == list(found)
    assert labels["variation"] == [6, 0, 3, 3, 0]


def test_two_presentations_of_one_number(tmp_path, table):
    shown = (*SHOWN, ("b7", 1))
    path = write_assembly(tmp_path / "twice.nc", values_of(shown), coordinates_of(shown))
    with pytest.raises(UserError, match="image b7 has 2 presentations of repetition 1"):
        read_majajhong(path, {}, table)


def test_a_site_without_a_response_to_an_image(tmp_path, table):
    values = values_of()
    values[2, [2, 6]] = np.nan  # both presentations of a1
    values[0, 1] = np.nan  # one of three of b7
    path = write_assembly(tmp_path / "nan.nc", values)
    with pytest.raises(UserError, match=r"1 pairs.*: face_rx\+00\.000_a\.png at Tito_L_A_3_2"):
        read_majajhong(path, {}, table)
    recording = read_majajhong(path, {}, table, animal="Chabo")
    mean = (response(0, "b7", 0) + response(0, "b7", 1)) / 2
    assert recording.responses[1, 0, 0, 0, 0] == mean


def test_several_time_bins(tmp_path, table):
    coordinates = coordinates_of()
    coordinates["time_bin"] = {"time_bin_start": [70, 80], "time_bin_end": [80, 90]}
    values = np.repeat(values_of(), 2, axis=2)
    path = write_assembly(tmp_path / "temporal.nc", values, coordinates)
    with pytest.raises(UserError, match=r"has 2 time bins.*without `temporal`"):
        read_majajhong(path, {}, table)


def test_files_of_another_kind(tmp_path, source, table):
    whole = source.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"CDF\x01 netCDF-3"):
        (tmp_path / "bad.nc").write_bytes(content)
        with pytest.raises(UserError, match=r"bad\.nc: not a readable netCDF-4 file"):
            read_majajhong(tmp_path / "bad.nc", {}, table)
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        handle["values"] = np.zeros((3, 4))
    with pytest.raises(UserError, match="expected one variable of numbers with dimensions"):
        read_majajhong(tmp_path / "other.h5", {}, table)
    coordinates = coordinates_of()
    del coordinates["presentation"]["repetition"]
    path = write_assembly(tmp_path / "no_repetition.nc", None, coordinates)
    with pytest.raises(UserError, match="has no repetition; it has image_id"):
        read_majajhong(path, {}, table)


def test_by_the_format_s_name(source, table):
    options = {"table": str(table), "region": "V4"}
    recording = read_published(source, "majajhong2015", options, {"area": "V4"})
    assert recording.site_ids == ("Tito_L_P_0_1",)
    assert recording.attributes["area"] == "V4"
    with pytest.raises(UserError, match=r"options \['regions'\] do not fit .*'region'"):
        read_published(source, "majajhong2015", {"regions": "V4"}, {})


def test_presentations_as_the_file_has_them(source):
    found = majajhong.read_presentations(source)
    assert found.values.shape == (8, 4)
    assert found.values[1, 3] == response(3, "b7", 2)
    assert found.presentations["image_id"].tolist() == [image for image, _ in SHOWN]
    assert found.neuroids["x"].tolist() == [0.2, 0.6, 1.0, -1.4]
    assert found.window == (70, 170)
