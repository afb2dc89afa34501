"""OSIE's files become maps of attention; people's agreement with each other is measured right."""

import io
import logging
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

import prepare_osie
from itcortex import store
from itcortex.data.published import osie, osie_ceilings
from itcortex.errors import UserError
from itcortex.numerics import ranks
from made.osie import fixations, mouse

SIZE = (80, 60)  # width and height in pixels of made photographs
SIGMA = 2.4  # pixels: the same share of the width as 24 of 800


def jpeg(size=SIZE, grey=100) -> bytes:
    """A plain photograph."""
    content = io.BytesIO()
    Image.new("RGB", size, (grey, grey, 50)).save(content, format="JPEG")
    return content.getvalue()


# --- reading --------------------------------------------------------------------------------------


def test_fixations_are_read_by_photograph_and_viewer():
    content = fixations(
        {"1.jpg": [[(10, 20), (30.5, 41)], [(5, 6)]], "2.jpg": [[(1, 1)], [(2, 2)]]}
    )
    found = osie.read_fixations(content, "f.mat")
    assert list(found) == ["1.jpg", "2.jpg"]
    # MATLAB's pixel 1 has its centre half a pixel from the border
    np.testing.assert_array_equal(found["1.jpg"].xy, [[9.5, 19.5], [30, 40.5], [4.5, 5.5]])
    assert found["1.jpg"].viewers.tolist() == [0, 0, 1]


def test_mouse_positions_are_row_and_column_without_the_first_of_every_trial():
    found = osie.read_mouse(mouse([[(30, 40), (10, 70)], [(30, 40), (11, 71), (12, 72)]]), "1.mat")
    np.testing.assert_array_equal(found.xy, [[69.5, 9.5], [70.5, 10.5], [71.5, 11.5]])
    assert found.viewers.tolist() == [1, 2, 2]


@pytest.mark.parametrize("reader", [osie.read_fixations, osie.read_mouse])
@pytest.mark.parametrize("content", [b"", b"not a MATLAB file", mouse([[(1, 1)]])[:150]])
def test_a_file_that_is_no_matlab_file_is_an_error_that_names_it(reader, content):
    with pytest.raises(UserError, match=r"data/x\.mat: not a readable MATLAB file"):
        reader(content, "data/x.mat")


def test_one_kind_of_file_is_not_taken_for_the_other():
    with pytest.raises(
        UserError, match=r"x\.mat: not a readable MATLAB file with img and subjects"
    ):
        osie.read_fixations(mouse([[(1, 1), (2, 2)]]), "x.mat")
    with pytest.raises(UserError, match=r"x\.mat: not a readable MATLAB file with subj, coord"):
        osie.read_mouse(fixations({"1.jpg": [[(1, 1)]]}), "x.mat")


# --- maps -----------------------------------------------------------------------------------------


def test_map_is_the_blurred_image_of_counts(rng):
    """Against the published way: counts in pixels, then a Gaussian filter; on a 224 x 224 photograph."""
    points = osie.Points(rng.integers(30, 190, (40, 2)) + 0.5, np.arange(40) % 3)
    found = osie.viewer_maps(points, (224, 224), sigma_px=6.1)
    counts = np.zeros((3, 224, 224))
    for (x, y), k in zip(points.xy.astype(int), points.viewers, strict=True):
        counts[k, y, x] += 1
    expected = gaussian_filter(counts, (0, 6.1, 6.1), truncate=3.5, mode="constant")
    scale = found.sum() / expected.sum()  # the filter's weights sum to 1, a bump's height is 1
    np.testing.assert_allclose(found, scale * expected, atol=1e-6 * found.max())


def test_a_point_is_where_it_was_in_a_photograph_of_another_shape():
    points = osie.Points(np.array([[600.0, 150.0]]), np.zeros(1, int))
    found = osie.viewer_maps(points, (800, 600))[0]
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs((column + 0.5) / 224 - 600 / 800) < 0.51 / 224
    assert abs((row + 0.5) / 224 - 150 / 600) < 0.51 / 224
    # 24 pixels are a larger share of 600 than of 800
    assert (found > 0).any(1).sum() / (found > 0).any(0).sum() == pytest.approx(8 / 6, rel=0.05)
    assert (found[:, 0] == 0).all()  # beyond the window nobody was there


# --- ceilings -------------------------------------------------------------------------------------


def test_people_who_agree_and_people_who_do_not(rng):
    same = np.tile(rng.random((1, 224, 224)), (6, 1, 1))
    assert osie_ceilings.half_half(same, None, 5, rng)[0] == pytest.approx(1, abs=1e-6)
    assert osie_ceilings.one_viewer(same) == pytest.approx(1, abs=1e-6)
    unrelated = rng.random((6, 224, 224))
    assert (
        abs(osie_ceilings.half_half(unrelated, None, 5, rng)[0]) < 0.02
    )  # sd .0045 over 224^2 pixels
    assert abs(osie_ceilings.one_viewer(unrelated)) < 0.02


def test_ceilings_of_planted_noise(rng):
    """Viewers with a shared map and noise of known size: rho follows, for Gaussian values, from r."""
    shared, noise = rng.normal(size=(1, 224, 224)), rng.normal(size=(8, 224, 224))
    maps = shared + 2 * noise  # r of two halves of 4: 1 / (1 + 4 / 4) = .5
    rows = osie_ceilings.agreement({"eye": maps}, {"eye": None}, 20, rng)
    found = {row["ceiling_name"]: row["value"] for row in rows}

    def to_rho(r):
        return 6 / np.pi * np.arcsin(r / 2)

    assert found["half_half"] == pytest.approx(to_rho(0.5), abs=0.01)
    full = 2 * found["half_half"] / (1 + found["half_half"])
    assert found["split_half"] == pytest.approx(full)
    assert found["split_half"] == pytest.approx(to_rho(1 / (1 + 4 / 8)), abs=0.02)
    # a model that knew the shared map would reach the bound with the map of all
    reached = spearmanr(shared.ravel(), maps.sum(0).ravel()).statistic
    assert found["split_half_bound"] == pytest.approx(reached, abs=0.015)
    one = to_rho(1 / np.sqrt(5 * (1 + 4 / 7)))  # own: variance 1 + 4; mean of 7: 1 + 4 / 7
    assert found["one_viewer"] == pytest.approx(one, abs=0.01)
    assert {row["n_viewers"] for row in rows} == {8}


def test_partial_ceiling_leaves_out_what_is_usual(rng):
    """Viewers who share a usual map only agree by nothing once it is regressed out."""
    usual = rng.normal(size=(224, 224))
    maps = usual + rng.normal(size=(8, 224, 224))
    whole, rest = osie_ceilings.half_half(maps, ranks.unit_ranks(usual), 10, rng)
    assert whole > 0.75 and abs(rest) < 0.02


def test_one_viewer_has_no_ceiling(rng):
    rows = osie_ceilings.agreement({"eye": rng.random((1, 224, 224))}, {"eye": None}, 3, rng)
    assert all(np.isnan(row["value"]) for row in rows) and len(rows) == 5


def test_whole_maps_of_two_kinds_are_compared(rng):
    eye = rng.random((4, 224, 224))
    hand = eye + 0.2 * rng.random((4, 224, 224))
    rows = osie_ceilings.agreement(
        {"eye": eye, "mouse": hand}, {"eye": None, "mouse": None}, 2, rng
    )
    found = [row["value"] for row in rows if row["ceiling_name"] == "other_map"]
    expected = spearmanr(eye.sum(0).ravel(), hand.sum(0).ravel()).statistic
    assert found == pytest.approx([expected] * 2, abs=1e-5)


# --- the whole set --------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path, rng):
    """A made set of four photographs: paths of stimuli, fixations and mouse positions."""
    names = [f"{1001 + k}.jpg" for k in range(4)]
    with zipfile.ZipFile(tmp_path / "stimuli.zip", "w") as archive:
        for k, name in enumerate(names):
            archive.writestr(f"stimuli/{name}", jpeg(grey=50 * k))
    looks = {n: [rng.uniform((5, 5), (75, 55), (6, 2)) for _ in range(5)] for n in names}
    looks["1700.jpg"] = [[(1, 1)]]  # a photograph that is not in the set
    (tmp_path / "fixations.mat").write_bytes(fixations(looks))
    with zipfile.ZipFile(tmp_path / "mouse_lab.zip", "w") as archive:
        for name in names:
            trials = [rng.integers((1, 1), (60, 80), (9, 2)) for _ in range(3)]
            archive.writestr(f"mouse_lab/{name[:4]}.mat", mouse(trials))
    return [tmp_path / name for name in ("stimuli.zip", "fixations.mat", "mouse_lab.zip")]


def test_script_joins_photographs_and_points_and_measures_agreement(files, tmp_path):
    out = tmp_path / "osie.parquet", tmp_path / "osie.ceilings.parquet"
    prepare_osie.main(*files, *out, "osie", SIGMA, 3, 0)
    found, ceilings = store.read_photographs(out[0]), store.read_table(out[1])
    assert found.image_ids == ("1001.jpg", "1002.jpg", "1003.jpg", "1004.jpg")
    assert found.jpegs[2] == jpeg(grey=100) and found.labels is None
    assert list(found.maps) == ["eye", "mouse"] and not found.reference_resize
    eye = osie.read_fixations(files[1].read_bytes(), "")["1003.jpg"]
    expected = osie.viewer_maps(eye, SIZE, SIGMA).sum(0)
    np.testing.assert_allclose(found.maps["eye"][2], expected, rtol=1e-6)  # kept in float32
    assert len(ceilings) == 4 * 2 * 6 and set(ceilings["attention"]) == {"osie"}
    counts = ceilings.groupby("map_kind")["n_viewers"].unique()
    assert counts["eye"].tolist() == [5] and counts["mouse"].tolist() == [3]
    halves = ceilings[ceilings["ceiling_name"] == "half_half"]["value"]
    assert np.isfinite(halves).all()


@pytest.mark.long
def test_same_seed_same_bytes(files, tmp_path):
    for k in range(2):
        out = tmp_path / f"{k}.parquet", tmp_path / f"{k}.ceilings.parquet"
        prepare_osie.main(*files, *out, "osie", SIGMA, 3, 0)
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()
    first, second = (tmp_path / f"{k}.ceilings.parquet" for k in range(2))
    assert first.read_bytes() == second.read_bytes()


def test_points_of_another_photograph_are_noticed(rng):
    points = {"1.jpg": osie.Points(np.array([[79.0, 10.0], [20.0, 70.0]]), np.zeros(2, int))}
    with pytest.raises(
        UserError, match=r"1\.jpg: 1 mouse points lie outside of its 80 x 60 pixels"
    ):
        osie.prepare({"1.jpg": jpeg()}, {"mouse": points}, SIGMA, 2, rng)


def test_a_photograph_without_points_is_an_error(rng):
    with pytest.raises(
        UserError, match=r"attention: own: 1\.jpg: nobody attended to it \(eye; 1 such"
    ):
        osie.prepare({"1.jpg": jpeg()}, {"eye": {}}, SIGMA, 2, rng, "own")


def test_photographs_that_nobody_looked_at_are_left_out_as_the_message_says(files, tmp_path):
    """The message's own words are what the setting takes."""
    looks = {f"{n}.jpg": [[(20, 20), (30, 30)]] * 3 for n in (1001, 1003)}
    files[1].write_bytes(fixations(looks))
    out = tmp_path / "own.parquet", tmp_path / "own.ceilings.parquet"
    with pytest.raises(UserError, match=r"attention: own: 1002\.jpg: nobody attended") as error:
        prepare_osie.main(*files, *out, "own", SIGMA, 3, 0)
    named = str(error.value).partition("leave_out: [")[2].partition("]")[0].split(", ")
    prepare_osie.main(*files, *out, "own", SIGMA, 3, 0, leave_out=named)
    assert store.read_photographs(out[0]).image_ids == ("1001.jpg", "1003.jpg")
    assert set(store.read_table(out[1])["image"]) == {"1001.jpg", "1003.jpg"}
    with pytest.raises(
        UserError, match=r"attention: own: leave_out .*'1002.jpeg' does not exist; did"
    ):
        prepare_osie.main(*files, *out, "own", SIGMA, 3, 0, leave_out=["1002.jpeg"])
    everything = [f"{n}.jpg" for n in range(1001, 1005)]
    with pytest.raises(UserError, match="no photograph is left"):
        prepare_osie.main(*files, *out, "own", SIGMA, 3, 0, leave_out=everything)


def test_missing_samples_are_no_looks_and_are_counted(rng, caplog):
    """Identity: the map is that of the other points; eye trackers write NaN for a blink."""
    jpegs, nan = {"1.jpg": jpeg(), "2.jpg": jpeg(grey=5)}, np.nan
    looks = [[(40, 30), (20, nan), (nan, nan)], [(30, 20)], [(nan, 5)]]
    told = {"1.jpg": looks, "2.jpg": [[(9, 9)]]}
    there = {"1.jpg": [[(40, 30)], [(30, 20)]], "2.jpg": [[(9, 9)]]}
    results = []
    for one in (told, there):
        with caplog.at_level(logging.WARNING):
            eye = osie.read_fixations(fixations(one), "f.mat")
            results.append(osie.prepare(jpegs, {"eye": eye}, SIGMA, 2, np.random.default_rng(0)))
    (found, ceilings), (expected, same) = results
    assert found.maps["eye"].max() > 0.9
    np.testing.assert_array_equal(found.maps["eye"], expected.maps["eye"])
    pd.testing.assert_frame_equal(ceilings, same)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("eye: 3 of 6 points are missing (NaN) and left out, in 1 photographs")
    told["2.jpg"] = [[(nan, nan)]]
    eye = osie.read_fixations(fixations(told), "f.mat")
    with pytest.raises(UserError, match=r"attention: osie: 2\.jpg: nobody attended to it \(eye; 1"):
        osie.prepare(jpegs, {"eye": eye}, SIGMA, 2, rng)


def test_endings_in_any_case_are_of_one_photograph(tmp_path):
    for ending in (".JPG", ".jpeg", ".JPEG"):
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            archive.writestr(f"stimuli/1001{ending}", jpeg())
        assert list(osie.read_jpegs(tmp_path / "s.zip")) == ["1001.jpg"]
        assert list(osie.read_fixations(fixations({f"1001{ending}": [[(1, 1)]]}), "")) == [
            "1001.jpg"
        ]


def test_two_members_of_one_photograph_are_refused(tmp_path):
    names = ("other/1001.JPG", "stimuli/1001.jpg", "a/7.mat", "b/7.mat")
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for name in names:
            archive.writestr(name, jpeg())
    for read, *both in ((osie.read_jpegs, *names[:2]), (osie.read_mouse_archive, *names[2:])):
        with pytest.raises(UserError, match=rf"s\.zip: {both[0]} and {both[1]} are both of"):
            read(tmp_path / "s.zip")


def test_a_damaged_photograph_is_an_error(rng):
    points = {"1.jpg": osie.Points(np.array([[1.0, 1.0]]), np.zeros(1, int))}
    with pytest.raises(UserError, match=r"1\.jpg: not a readable photograph"):
        osie.prepare({"1.jpg": b"no picture"}, {"eye": points}, SIGMA, 2, rng)


def test_an_archive_without_photographs_is_an_error(files):
    with pytest.raises(UserError, match=r"mouse_lab\.zip: holds no \.jpg"):
        osie.read_jpegs(files[2])


@pytest.mark.long
@pytest.mark.shared
def test_the_published_files_are_read_as_they_are(shared, rng):
    folder = shared / "data" / "osie"
    eye = osie.read_fixations((folder / "fixations.mat").read_bytes(), "fixations.mat")
    assert len(eye) == 700 and {len(np.unique(p.viewers)) for p in eye.values()} == {15}
    assert sum(len(points.xy) for points in eye.values()) == 98321
    names = ["1001", "1040", "1080"]
    hand = {
        f"{n}.jpg": osie.read_mouse((folder / "mouse_lab" / f"{n}.mat").read_bytes(), n)
        for n in names
    }
    jpegs = {f"{n}.jpg": (folder / "stimuli" / f"{n}.jpg").read_bytes() for n in names}
    photographs, ceilings = osie.prepare(jpegs, {"eye": eye, "mouse": hand}, osie.SIGMA_PX, 3, rng)
    mean = ceilings.groupby(["map_kind", "ceiling_name"])["value"].mean()
    # over all 120: .79, .76 and, eye with mouse, .74; swapped axes of the mouse would give far less
    assert mean["eye", "half_half"] == pytest.approx(0.79, abs=0.1)
    assert mean["mouse", "half_half"] == pytest.approx(0.76, abs=0.1)
    assert mean["eye", "other_map"] == pytest.approx(0.74, abs=0.12)
    assert photographs.maps["eye"].shape == (3, 224, 224)
