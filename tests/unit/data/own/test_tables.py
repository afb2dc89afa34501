"""Names stay as tables write them, damaged numbers are named, and only sites are taken for sites."""

import numpy as np
import pandas as pd
import pytest

from itcortex.data.own.forms import read_own
from itcortex.data.own.storage import as_float32
from itcortex.errors import UserError

NAMES = [f"im{k}.png" for k in range(6)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "r.csv"


def read(path, pictures=NAMES, **entry):
    return read_own(path, entry, pictures, {})


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("1e5", "2e5", "100000"),
        ("NA", "1", "2"),
        ("NA", "None", "-"),
        ("1.1", "1.10", "1.2"),
        ("1", "1.0", "01"),
        ("inf", "1", "+1"),
        ("10000000000000000001", "10000000000000000002", "10000000000000000003"),
        ("1.5", "1.50", "True"),
    ],
)
def test_names_of_images_that_are_numbers_stay_as_they_are(path, names):
    """With `repeats: true` two names of one number would be averaged without a word."""
    path.write_text("image,a,b\n" + "".join(f"{n},{k}.5,{9 - k}.5\n" for k, n in enumerate(names)))
    recording = read(path, [f"{name}.png" for name in names], repeats=True)
    found = dict(zip(recording.image_ids, recording.responses[:, 0, 0, 0, 0], strict=True))
    assert found == {f"{name}.png": k + 0.5 for k, name in enumerate(names)}
    assert recording.trials is None


def test_names_of_sites_and_of_tables_stay_as_they_are(tmp_path, path):
    sites = ("1.1", "1.10")
    rows = [f"{n},{s},{k + j}.5\n" for k, n in enumerate(NAMES) for j, s in enumerate(sites)]
    path.write_text("image,site,response\n" + "".join(rows))
    (tmp_path / "s.csv").write_text("site,depth\n1.10,2\n1.1,1\n")
    table = str(tmp_path / "s.csv")
    assert read(path).site_ids == sites
    assert read(path, site_table=table, sites={"depth": 2}).site_ids == ("1.10",)
    (tmp_path / "i.csv").write_text(
        "image,filename\n" + "".join(f"im{k}.png,{k}e5\n" for k in range(6))
    )
    named = read(path, [f"{k}e5.png" for k in range(6)], image_table=str(tmp_path / "i.csv"))
    assert named.image_ids == tuple(f"{k}e5.png" for k in range(6))


def test_whole_numbers_with_decimals_are_found_and_said(path, caplog):
    path.write_text("image,a\n1.0,1.5\n2.0,2.5\n3.50,0.5\n")
    recording = read(path, ["1.png", "2.png", "3.50.png"])
    assert recording.responses[:, 0, 0, 0, 0].tolist() == [1.5, 2.5, 0.5]
    assert "2 images were found among the pictures when the decimals of whole" in caplog.text
    path.write_text("image,a\n1.0,1.5\n1,2.5\n")
    with pytest.raises(UserError, match="1 pictures have images of two names"):
        read(path, ["1.png"])


def test_labels_of_one_number_in_two_spellings_are_refused(tmp_path, path):
    table = "".join(
        f"{n},{s},{k}.5\n" for k, (n, s) in enumerate(zip(NAMES, "112233", strict=True))
    )
    path.write_text("image,scene,a\n" + table.replace(",1,", ",1.1,").replace(",2,", ",1.10,"))
    with pytest.raises(UserError, match=r"'scene': '1\.1' and '1\.10' may be one label or two"):
        read(path, labels=["scene"])
    (tmp_path / "i.csv").write_text(path.read_text())
    path.write_text("image,a\n" + "".join(f"{name},{k}.5\n" for k, name in enumerate(NAMES)))
    with pytest.raises(UserError, match=r"i\.csv: column 'scene'"):
        read(path, labels=["scene"], image_table=str(tmp_path / "i.csv"))


def test_sites_are_not_selected_by_a_number_in_two_spellings(tmp_path, path):
    wide().to_csv(path, index=False)
    (tmp_path / "s.csv").write_text("site,array,r\nu1,1.1,0.5\nu2,1.10,0.50\n")
    table = str(tmp_path / "s.csv")
    with pytest.raises(UserError, match=r"s\.csv: column 'array': '1\.1' and '1\.10' may be one"):
        read(path, site_table=table, sites={"array": "1.1"})
    assert read(path, site_table=table, sites={"r": ">0.3"}).site_ids == ("u1", "u2")
    rows = [f"{n},u{a},{a},{k}.5\n" for k, n in enumerate(NAMES) for a in ("1e3", "1000")]
    path.write_text("image,site,array,response\n" + "".join(rows))
    with pytest.raises(UserError, match="column 'array': '1e3' and '1000' may be one"):
        read(path, sites={"array": 1000})


@pytest.mark.parametrize("column", ["image", "site", "repeat", "time"])
def test_an_empty_cell_of_a_long_table_is_named(path, column):
    cells = {"image": NAMES[1], "site": "s", "repeat": "2", "time": "10", "response": "1"} | {
        column: ""
    }
    rows = [f"{n},s,{r},{t},1.5" for n in NAMES for r in (1, 2) for t in (0, 10)]
    path.write_text("\n".join([",".join(cells), rows[0], ",".join(cells.values()), *rows[2:]]))
    with pytest.raises(UserError, match=f"column '{column}', row 3: the cell is empty; fill it"):
        read(path)


def test_repeat_numbers_are_the_responses_own(tmp_path, path, caplog):
    """A table of images may count their repeats in a column of that name."""
    rows = "".join(f"{n},{r},{k + r}.5\n" for k, n in enumerate(NAMES) for r in (1, 2))
    path.write_text("image,repeat,a\n" + rows)
    (tmp_path / "i.csv").write_text(
        "image,repeat,scene\n" + "".join(f"{n},2,x{n}\n" for n in NAMES)
    )
    recording = read(path, image_table=str(tmp_path / "i.csv"), labels=["scene"])
    assert recording.trials[:, 0, 0, 0, 0].tolist() == [[k + 1.5, k + 2.5] for k in range(6)]
    assert recording.labels("scene")[0] == "xim0.png"
    assert "['repeat']: known of presentations, not of images: left out" in caplog.text


# --- damaged numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "because"),
    [
        ("bad", ""),
        ("1D234,5", " where numbers have the decimal sign"),
        ("02,25", r" \(it begins with a zero, as names do\)"),
        ("1 234,5", ""),
        ("2,25*", ""),
        ("2D25", " where numbers have the decimal sign"),
        ("inf", ""),
        ("1_0", ""),
    ],
)
@pytest.mark.parametrize("decimal", [",", "."])
def test_a_damaged_cell_is_named_whatever_the_decimal_sign(path, cell, because, decimal):
    """With decimal commas the whole site was left out without a word."""
    swap = str.maketrans({",": decimal, "D": "." if decimal == "," else ","})
    cells = [f"{k},25" for k in range(6)]
    cells[2] = cell
    rows = [f"{n};{k},5;{c}" for k, (n, c) in enumerate(zip(NAMES, cells, strict=True))]
    path.write_text("image;a;b\n" + "\n".join(rows).translate(swap))
    shown = cell.translate(swap).replace("*", r"\*")
    with pytest.raises(
        UserError, match=f"column 'b', row 4: '{shown}' is no number{because}.*mend that"
    ):
        read(path, decimal=decimal)


def test_a_mostly_empty_site_with_a_damaged_cell_is_named(path):
    path.write_text("image,a,b\n" + "".join(f"{n},{k}.5,\n" for k, n in enumerate(NAMES[:4])))
    path.write_text(path.read_text() + "im4.png,4.5,2.5\nim5.png,5.5,1.5x\nim6.png,2.5,1.5\n")
    with pytest.raises(UserError, match=r"column 'b', row 7: '1\.5x' is no number"):
        read(path, [*NAMES, "im6.png"], incomplete="leave out sites")


# --- sites ----------------------------------------------------------------------------------------


def wide(**columns) -> pd.DataFrame:
    return pd.DataFrame(
        {"image": NAMES, "u1": np.arange(6) + 0.25, "u2": 6.5 - np.arange(6), **columns}
    )


@pytest.mark.parametrize(
    "name", ["category_id", "trial_number", "Time", "time_ms", "x", "y", "row", "unit", "electrode"]
)
def test_columns_that_count_or_name_something_are_no_sites(path, name):
    wide(**{name: range(6)}).to_csv(path, index=False)
    assert read(path).site_ids == ("u1", "u2")
    assert read(path, columns={"sites": "*"}).site_ids == ("u1", "u2", name)


def test_truth_is_no_response(tmp_path):
    path = tmp_path / "r.parquet"
    wide(ok=[True, False] * 3).to_parquet(path)
    assert read(path).site_ids == ("u1", "u2")
    with pytest.raises(UserError, match=r"column 'ok' is not stored as numbers \(bool\)"):
        read(path, columns={"sites": "*"})


def test_the_log_says_which_columns_are_sites(path, caplog):
    caplog.set_level("INFO")
    wide(contrast=[1, 2, 3, 1, 2, 3]).to_csv(path, index=False)
    assert read(path).site_ids == ("u1", "u2", "contrast")
    assert "3 columns are sites: u1, u2, contrast" in caplog.text
    assert "contrast (1 columns of 3) hold whole numbers, and the others do not" in caplog.text
    caplog.clear()
    wide().round().to_csv(path, index=False)  # spike counts, all of them
    read(path)
    assert "hold whole numbers" not in caplog.text


def test_bins_of_time_in_a_wide_table_are_no_repeats(path):
    rows = [wide().assign(time=time) for time in (0, 10)]
    pd.concat(rows).to_csv(path, index=False)
    for entry in ({}, {"repeats": True}):
        with pytest.raises(
            UserError, match="differ in 'time', and a wide table has neither time nor"
        ):
            read(path, **entry)
    began = read(path, repeats=True, columns={"started": "time"})  # as the message says
    assert began.trials.shape == (6, 1, 1, 1, 2, 2)
    assert began.started.tolist() == [[0, 10]] * 6


# --- precision ------------------------------------------------------------------------------------


def test_differences_that_float32_would_lose_are_refused(path):
    wide(far=1e6 + np.arange(6) * 0.01).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"site 'far': its responses differ by 0\.0171.*subtract"):
        read(path)
    wide(far=np.arange(6) * 0.01).to_csv(path, index=False)
    assert read(path).responses[:, 0, 0, 0, 2] == pytest.approx(np.arange(6) * 0.01)


def test_what_float32_holds_is_kept(rng):
    values = rng.normal(1000, 1, (50, 3))  # an error of 2e-5 standard deviations
    values[:, 1], values[3, 2] = 0.1, np.nan  # constant, and missing
    values[:, 1] += np.resize([0, 1e-17], 50)
    stored = as_float32(values, "abc", "x")
    np.testing.assert_array_equal(stored, values.astype(np.float32))
    with pytest.raises(UserError, match="site 'b'"):
        as_float32(np.stack([values[:, 0], values[:, 0] + 3e6], 1), "ab", "x")
    with pytest.raises(UserError, match="site 'a'"):
        as_float32(np.array([[2**30], [2**30 + 1]]), "a", "x")
