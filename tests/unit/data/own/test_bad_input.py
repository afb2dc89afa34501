"""Files as people have them: what can be understood is read, all else is refused with a remedy."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from itcortex.data.own.forms import read_own
from itcortex.errors import UserError
from made.own import laboratory

TOLERANCE = 1e-5  # responses are kept as float32


@pytest.fixture
def lab(tmp_path):
    return laboratory(tmp_path / "pictures")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r.csv"


def read(path, pictures, **entry):
    return read_own(path, entry, pictures, {})


def wide_as(lab, **options):
    return lab.wide().to_csv(index=False, **options)


@pytest.mark.parametrize(
    "content",
    [
        lambda lab: wide_as(lab).encode("utf-8-sig"),
        lambda lab: wide_as(lab).encode("utf-16"),
        lambda lab: wide_as(lab, sep=";").encode(),
        lambda lab: wide_as(lab, sep=";", decimal=",").encode(),
        lambda lab: wide_as(lab, sep="\t", decimal=",").encode(),
        lambda lab: wide_as(lab, decimal=",").encode(),  # cells are quoted then
        lambda lab: wide_as(lab, lineterminator="\r\n").encode(),
        lambda lab: ("sep=;\n" + wide_as(lab, sep=";")).encode(),
    ],
)
def test_a_csv_however_it_is_written(lab, path, content):
    path.write_bytes(content(lab))
    recording = read(path, lab.names)
    assert (recording.image_ids, recording.site_ids) == (lab.names, lab.sites)
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], lab.mean, rtol=TOLERANCE)


def test_a_number_that_may_be_two_is_asked_for(lab, path):
    path.write_text("image;a;b\n" + "".join(f"{n};1,234;2,345\n" for n in lab.names))
    with pytest.raises(UserError, match=r"'1,234' may be .* write `decimal: \",\"` into"):
        read(path, lab.names)
    assert read(path, lab.names, decimal=",").responses[0, 0, 0, 0].tolist() == pytest.approx(
        [1.234, 2.345]
    )


def test_names_of_images_are_found_although_they_are_written_otherwise(path, caplog):
    pictures = ["Gesicht 1.png", "Bäume.JPG", "c/d.png", "e.tif"]
    apart = unicodedata.normalize("NFD", "bäume.jpg")
    path.write_text(f"image,s1,s2\ngesicht 1,1,4\n{apart},2,3\nc\\d.PNG,3,2\nE,4,1\n")
    recording = read(path, pictures)
    assert dict(zip(recording.image_ids, recording.responses[:, 0, 0, 0, 0], strict=True)) == {
        "Bäume.JPG": 2, "Gesicht 1.png": 1, "c/d.png": 3, "e.tif": 4,
    }  # fmt: skip
    assert "2 images were found among the pictures when endings were overlooked" in caplog.text
    with pytest.raises(
        UserError, match=r"image 'E' may be any of the pictures \['e\.tif', 'e\.png'\]"
    ):
        read(path, [*pictures, "e.png"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: "IM01.PNG"}, r"1 pictures have images of two names, as \['im01\.png', 'IM01\.PNG'\]"),
        ({0: "nopic.png"}, r"1 of 8 images have no picture: 'nopic\.png'; add their pictures"),
        ({0: "im01.png"}, r"1 images have several rows: \['im01\.png'\]; delete those"),
    ],
)
def test_names_that_do_not_fit(lab, path, change, message):
    names = [change.get(k, name) for k, name in enumerate(lab.names)]
    lab.wide().assign(image=names).to_csv(path, index=False)
    with pytest.raises(UserError, match=message):
        read(path, lab.names)


def test_pictures_without_responses_are_counted(lab, path):
    lab.wide()[2:].to_csv(path, index=False)
    recording = read(path, lab.names)
    assert recording.image_ids == lab.names[2:]
    assert recording.attributes["left_out"] == {"pictures": 2}


def test_trials_that_were_lost_are_left_out_of_the_mean(lab, path):
    long = lab.long()
    lost = (long.image == "im03.png") & (long.site == "unit_1") & (long["repeat"] == 2)
    long.loc[lost, "response"] = np.nan
    long.to_csv(path, index=False)
    recording = read(path, lab.names)
    assert np.isnan(recording.trials[3, 0, 0, 0, 1, 2])
    left = np.delete(lab.trials[3, 1], 2).mean()
    assert recording.responses[3, 0, 0, 0, 1] == pytest.approx(left, rel=TOLERANCE)
    all_lost = (long.image == "im03.png") & (long.site == "unit_1")
    long.loc[all_lost, "response"] = np.nan
    long.to_csv(path, index=False)
    with pytest.raises(
        UserError, match=r"'im03\.png' at 'unit_1'. Leave out the 1 sites or the 1 images"
    ):
        read(path, lab.names)


def test_one_site_and_one_image(lab, path):
    lab.wide()[["image", "unit_0"]].to_csv(path, index=False)
    assert read(path, lab.names).site_ids == ("unit_0",)
    lab.wide()[:1].to_csv(path, index=False)
    one = read(path, lab.names)
    assert (one.image_ids, one.attributes["constant_sites"]) == (("im00.png",), list(lab.sites))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"image,a,b\n", "has a first line and no rows"),
        (b"image,a,b\nim00.png,1\n", "its rows have different lengths"),
        (b"image,a,a\nim00.png,1,2\n", r"several columns are called \['a'\]"),
        ("imäge,a\nä,1\n".encode("latin-1"), "is not written in UTF-8 .* save it as 'CSV UTF-8'"),
        (
            b"image,a,b\nim00.png,1,2\nim01.png,x,4\nim02.png,1,2\n",
            "column 'a', row 3: 'x' is no number",
        ),
        (b"image,a\nim00.png,\nim01.png,NaN\n", "holds no number at all"),
    ],
)
def test_no_table(lab, path, content, message):
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(path, lab.names)


@pytest.mark.parametrize("ending", ["h5", "nc", "npz", "npy", "parquet"])
def test_a_damaged_file(lab, tmp_path, ending):
    path = tmp_path / f"r.{ending}"
    path.write_bytes(b"PK no")
    with pytest.raises(UserError, match="not a readable"):
        read(path, lab.names, axes=["image", "site"])


def test_no_file(lab, tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        read(tmp_path / "r.csv", lab.names)


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        ({"area": "IT"}, "no column 'area' of the sites; did you mean 'area_name'"),
        ({"area_name": "it"}, "no site has 'it'; did you mean 'IT'"),
        ({"reliability": ">2"}, "none of 3 sites fulfils reliability: >2"),
        ({"reliability": ">high"}, "'>high' compares with no number"),
    ],
)
def test_sites_that_cannot_be_selected(lab, tmp_path, path, sites, message):
    lab.wide().to_csv(path, index=False)
    about = {"site": lab.sites, "area_name": ["IT", "V4", "IT"], "reliability": [0.9, 0.1, 0.2]}
    pd.DataFrame(about).to_csv(tmp_path / "s.csv", index=False)
    table = str(tmp_path / "s.csv")
    with pytest.raises(UserError, match=message):
        read(path, lab.names, site_table=table, sites=sites)
    chosen = read(
        path, lab.names, site_table=table, sites={"area_name": ["IT", "V4"], "reliability": ">=.2"}
    )
    assert chosen.site_ids == ("unit_0", "unit_2")


def test_a_split_is_of_every_image(lab, path):
    table = lab.wide().assign(split=["train"] * 6 + ["test"] * 2)
    table.to_csv(path, index=False)
    assert read(path, lab.names, split="split").labels("split") == ("train",) * 6 + ("test",) * 2
    table.assign(split=["train"] * 7 + [""]).to_csv(path, index=False)
    with pytest.raises(UserError, match="split: some images have none"):
        read(path, lab.names, split="split")
    long = lab.long()
    long.assign(split=long["repeat"]).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"split: image 'im00\.png' has several"):
        read(path, lab.names, split="split")


@pytest.mark.parametrize(
    ("code", "count"), [(-9999, 1), (-999, 3), (99999, 1), (1e20, 1), (9.969209968386869e36, 2)]
)
def test_a_number_that_stands_for_none_is_refused(lab, path, code, count):
    """No attribute says so, in a CSV least of all."""
    table = lab.wide()
    column = table.select_dtypes("number").columns[0]
    table[column] = table[column].astype(float)
    table.loc[range(count), column] = code
    path.write_text(table.to_csv(index=False))
    with pytest.raises(UserError, match=f"stands at {count} pairs .* looks like a code"):
        read(path, lab.names)


@pytest.mark.parametrize(("values", "code"), [((-1200, 800), -999), ((0, 5000), 999)])
def test_a_number_among_others_of_its_size_is_a_response(lab, path, rng, values, code):
    table = lab.wide()
    sites = table.select_dtypes("number").columns
    for column in sites:
        table[column] = rng.uniform(*values, size=len(table))
    table.loc[0, sites[0]] = code
    path.write_text(table.to_csv(index=False))
    assert code in read(path, lab.names).responses
