"""Simulated arrays: what was planted is what is recorded, up to Poisson noise of a known size."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import loadmat
from skimage import data

from itcortex import store
from itcortex.data.published.arcaro import read_arcaro
from itcortex.data.recordings import Recording, window_average
from itcortex.data.stimuli import Stimuli, read_images
from itcortex.encoding.ceilings import truth as truth_ceiling
from itcortex.errors import UserError
from itcortex.numerics.metrics import predictivity
from itcortex.numerics.resample import resize_maps
from itcortex.simulation.archive import Session, plan_sessions, write_arcaro_archive
from itcortex.simulation.arrays import SimulatedArray, record, simulate_array, time_course
from itcortex.simulation.scenes import photographs

MAT, FOLDER = "George/george_060118_data.mat", "George/natural_test"
TIMES = {"ms_start": 0, "ms_bin": 1}


@pytest.fixture
def features(rng):
    """Made activations (image, h, w, channel), smooth in space; two channels never change."""
    maps = resize_maps(rng.standard_normal((6, 5, 5, 20)), (14, 14))
    maps[..., 3] = 0
    maps[..., 7] = 2.5
    return maps


def steady(rate, n_sites=4, n_ms=50, shape=(2, 5, 6)):
    """An array that fires at a constant rate."""
    return SimulatedArray(
        weights=np.zeros((1, n_sites)),
        drive=np.zeros((*shape, n_sites)),
        amplitude=np.full((*shape, n_sites), rate),
        time_course=np.ones((n_ms, n_sites)),
        latency=np.zeros(n_sites),
        baseline=0.0,
    )


# --- photographs ----------------------------------------------------------------------------------


def test_photographs_ship_with_installed_packages():
    stimuli = photographs(size_px=64)
    assert stimuli.images.shape == (14, 64, 64, 3)
    assert {"astronaut.png", "chelsea.png", "rocket.png", "china.png"} < set(stimuli.image_ids)
    assert stimuli.image_ids != tuple(sorted(stimuli.image_ids))  # joined by id, not by position
    assert (stimuli.images.std(axis=(1, 2, 3)) > 5).all()
    colour = dict(zip(stimuli.image_ids, stimuli.images.std(axis=3).mean(axis=(1, 2)), strict=True))
    assert colour["camera.png"] == 0
    assert colour["coffee.png"] > 10


def test_photographs_are_cut_to_their_centre():
    stimuli = photographs(300)
    whole = data.chelsea()  # 300 x 451
    chelsea = stimuli.images[stimuli.image_ids.index("chelsea.png")]
    np.testing.assert_array_equal(chelsea, whole[:, 75:375])


# --- planted truth --------------------------------------------------------------------------------


def test_sites_read_the_stated_channels_with_the_stated_weights(features, rng):
    array = simulate_array(features, (9, 7), 10, rng, rf_sigma=0)
    assert array.weights.shape == (20, 10)
    read = np.flatnonzero(array.weights.any(axis=1))
    assert len(read) == 12
    assert not {3, 7} & set(read)  # channels that never change tell nothing
    assert (array.weights[read] != 0).all()
    maps = resize_maps(features, (9, 7))
    z = (maps - maps.mean((0, 1, 2))) / np.where(maps.std((0, 1, 2)) > 0, maps.std((0, 1, 2)), 1)
    # What all images share at a position is not compared: the border's effect is taken out of it.
    expected = z @ array.weights
    of_images = [values - values.mean(axis=0) for values in (array.drive, expected)]
    found, expected = (values / values.std((0, 1, 2)) for values in of_images)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_sites_do_not_see_the_border_of_the_images(features, rng):
    """Zero padding marks the border in every map, alike on all four sides and in all images."""
    features[:, [0, -1]] += 5
    features[:, :, [0, -1]] += 5
    shared = simulate_array(features, (14, 14), 10, rng).drive.mean(axis=0)
    alike = sum(shared[::up, ::left] for up in (1, -1) for left in (1, -1)) / 4
    np.testing.assert_allclose(alike, 0, atol=1e-12)
    assert shared.std() > 0.1  # where things happen to be in six images is left in


def test_drive_is_standardised_and_the_rate_rectified(features, rng):
    array = simulate_array(features, (9, 7), 10, rng, mean=30, gain=60)
    np.testing.assert_allclose(array.drive.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(array.drive.std((0, 1, 2)), 1, rtol=1e-12)
    np.testing.assert_allclose(array.amplitude, np.maximum(0, 30 + 60 * array.drive))
    assert 0.1 < (array.amplitude == 0).mean() < 0.5
    assert array.rate(0, 40).min() == array.rate(0, 40).max() == 5  # before any latency
    np.testing.assert_allclose(
        array.rate(130, 170), 5 + array.amplitude * array.time_course[130:170].mean(0)
    )


def test_receptive_fields_blur_over_the_grid(rng):
    impulse = np.zeros((2, 9, 9, 1))
    impulse[0, 4, 4] = 1  # the second image is empty
    array = simulate_array(impulse, (9, 9), 1, rng, rf_sigma=1.0, n_channels=1)
    row = (array.drive[0] - array.drive[1])[4, :, 0]
    fall = np.exp(-0.5 * np.arange(5) ** 2)  # a Gaussian of one step of the grid
    np.testing.assert_allclose(row[4:] / row[4], fall, atol=1e-12)
    np.testing.assert_allclose(row, row[::-1], atol=1e-12)


def test_sites_of_an_array_share_their_tuning(features, rng):
    drive = simulate_array(features, (9, 9), 30, rng).drive.reshape(-1, 30)
    assert np.linalg.matrix_rank(drive - drive.mean(0), tol=1e-8) == 12


def test_too_few_channels_that_vary(features, rng):
    with pytest.raises(UserError, match=r"18 channels that vary.*sites read 19"):
        simulate_array(features, (9, 9), 3, rng, n_channels=19)


def test_time_course_is_like_it():
    course = time_course(np.array([100.0, 80.0]), 300)
    assert course.shape == (300, 2)
    assert (course[:100, 0] == 0).all()
    assert (course[100:, 0] > 0).all()
    assert course.max() == pytest.approx(1, abs=1e-3)  # bins of 1 ms straddle the peak
    assert 15 <= course[:, 0].argmax() - 100 <= 35  # a transient of some tens of ms
    assert 0.5 < course[250:, 0].mean() < 0.62  # sustained: .4 of what the onset alone would reach
    np.testing.assert_allclose(course[20:, 0], course[:-20, 1], atol=1e-12)


def test_latencies_scatter_around_100_ms(features, rng):
    latency = simulate_array(features, (2, 2), 2000, rng).latency
    assert latency.mean() == pytest.approx(100, abs=0.8)  # standard error .18
    assert latency.std() == pytest.approx(8, abs=0.6)


def test_truth_survives_its_file(tmp_path, features, rng):
    array = simulate_array(features, (3, 4), 5, rng)
    store.write_arrays(tmp_path / "truth.h5", array.named("sim_m1_pl"), {"simulated": True})
    arrays, attributes = store.read_arrays(tmp_path / "truth.h5")
    found = SimulatedArray.from_named(arrays, "sim_m1_pl")
    assert attributes == {"simulated": True}
    for name, value in vars(array).items():
        np.testing.assert_array_equal(getattr(found, name), value)
    np.testing.assert_array_equal(found.rate(90, 130), array.rate(90, 130))
    whole, window = arrays["sim_m1_pl/rate"], array.rate(90, 130)
    for site in range(5):
        r = np.corrcoef(whole[..., site].ravel(), window[..., site].ravel())[0, 1]
        assert r == pytest.approx(1, abs=1e-12)


# --- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "repeats"), [(40, 1), (40, 10), (3, 30)])
def test_counts_are_poisson(rng, rate, repeats):
    responses = record([steady(rate)], repeats, rng)
    assert responses.dtype == np.float32
    counts = responses.astype(np.float64) * repeats / 1000
    np.testing.assert_allclose(counts, counts.round(), atol=1e-3)  # float32 of rates up to 1e4
    expected, n = rate * repeats / 1000, counts.size
    assert counts.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / n))
    spread = np.sqrt((expected + 2 * expected**2) / n)  # of a Poisson's variance
    assert counts.var() == pytest.approx(expected, abs=4 * spread)


def test_noise_is_independent_between_bins_sites_and_images(rng):
    responses = record([steady(40, n_sites=6)], 20, rng)
    for axis, size in ((0, 2), (3, 50), (4, 6)):
        columns = np.moveaxis(responses, axis, -1).reshape(-1, size)
        r = np.corrcoef(columns.T)[np.triu_indices(size, 1)]
        assert np.abs(r).max() < 5 / np.sqrt(len(columns))


def test_responses_follow_the_planted_rate(features, rng):
    array = simulate_array(features, (5, 7), 4, rng)
    averaged = record([array], 100_000, rng)  # noise sd: at most .03 spikes/s a bin of 1 ms ...
    expected = np.stack([array.rate(ms, ms + 1) for ms in range(300)], axis=3)
    error = averaged - expected
    assert np.abs(error).max() < 6 * np.sqrt(expected.max() * 1000 / 100_000)
    np.testing.assert_allclose(averaged[:, :, :, :50], 5, atol=2)  # baseline before the response


def test_arrays_lie_side_by_side(rng):
    responses = record([steady(10, n_sites=3), steady(90, n_sites=2)], 50, rng)
    np.testing.assert_allclose(responses.mean((0, 1, 2, 3)), [10, 10, 10, 90, 90], rtol=0.1)


def test_arrays_of_different_grids_cannot_share_a_recording(rng):
    with pytest.raises(UserError, match=r"one grid.*\(2, 5, 6, 50\), \(2, 6, 5, 50\)"):
        record([steady(10), steady(10, shape=(2, 6, 5))], 1, rng)


def as_recording(responses, ids):
    """A recording of simulated responses."""
    sites = tuple(f"channel-{s + 1:02d}" for s in range(responses.shape[-1]))
    return Recording(responses, ids, sites, TIMES)


def measured_ceiling(array, repeats, rng, window=(130, 170)):
    """Score of the truth on a recording of it."""
    n_images = len(array.drive)
    recorded = as_recording(record([array], repeats, rng), tuple(map(str, range(n_images))))
    flat = [
        x.reshape(n_images, -1, x.shape[3])
        for x in (window_average(recorded, window), array.rate(*window))
    ]
    return float(predictivity(truth_ceiling(*flat, np.arange(n_images))))


def expected_ceiling(array, repeats, window=(130, 170)):
    """The same from the formula r = sqrt(S / (S + N)) with N = rate / (seconds * repeats)."""
    rate = array.rate(*window)
    signal = rate.var(axis=(1, 2))
    noise = rate.mean(axis=(1, 2)) / ((window[1] - window[0]) / 1000 * repeats)
    return float(predictivity(np.sqrt(signal / (signal + noise))))


@pytest.mark.long
def test_the_ceiling_is_the_one_that_poisson_noise_allows(features):
    array = simulate_array(features, (17, 17), 32, np.random.default_rng(0))
    previous = 0.0
    for repeats in (1, 10, 100, 2000):
        measured = measured_ceiling(array, repeats, np.random.default_rng(1))
        assert measured == pytest.approx(expected_ceiling(array, repeats), abs=0.02)
        assert measured > previous + 0.005  # scores approach 1 as noise falls
        previous = measured
    assert previous > 0.99


@pytest.mark.long
def test_defaults_give_the_rate_and_ceiling_of_a_real_array(rng):
    """On natural photographs, whose maps vary less within an image than made ones do."""
    patches = photographs(112).images.reshape(14, 14, 8, 14, 8, 3).swapaxes(2, 3)
    filters = rng.standard_normal((192, 40))
    filters -= filters.mean(axis=0)  # contrast within a patch, not brightness
    filtered = patches.reshape(14, 14, 14, 192) / 255 @ filters
    array = simulate_array(np.maximum(filtered, 0), (17, 17), 16, np.random.default_rng(0))
    evoked = array.rate(130, 170).mean() - array.baseline
    assert evoked == pytest.approx(40, abs=2)
    # Between .76 and .81 for layers of the networks that the demo uses; single filters see less.
    assert 0.70 < measured_ceiling(array, 10, np.random.default_rng(1)) < 0.85


def test_the_same_seed_gives_the_same_spikes(features):
    def run(seed):
        rng = np.random.default_rng(seed)
        return record([simulate_array(features, (3, 4), 5, rng)], 10, rng)

    np.testing.assert_array_equal(run(1), run(1))
    assert (run(1) != run(2)).mean() > 0.2


# --- archive --------------------------------------------------------------------------------------


@pytest.fixture
def session(rng):
    """A session on a grid that is not square, images not in alphabetical order."""
    ids = ("b.png", "a.png", "c.png")
    images = Stimuli(rng.integers(0, 256, (3, 20, 20, 3), dtype=np.uint8), ids)
    responses = rng.random((3, 5, 9, 4, 2)).astype(np.float32)
    return Session(MAT, FOLDER, as_recording(responses, ids), images)


def planned(name, sites, mat=MAT, folder=FOLDER):
    """What the registry says of a simulated array."""
    return {"name": name, "mat": mat, "folder": folder, "sites": sites}


def test_arrays_of_one_mat_follow_each_other_by_channel():
    red = planned("red", [0, 5], "Red/r.mat", "Red/faces")
    arrays = [planned("ml", [32, 63]), red, planned("pl", [0, 32])]
    assert plan_sessions(arrays) == {
        (MAT, FOLDER): ["pl", "ml"],
        ("Red/r.mat", "Red/faces"): ["red"],
    }


@pytest.mark.parametrize(("mat", "folder"), [(MAT, "Red/faces"), ("Red/r.mat", FOLDER)])
def test_a_mat_and_a_folder_belong_together(mat, folder):
    with pytest.raises(UserError, match=r"one (mat|folder) in several sessions.*own folder"):
        plan_sessions([planned("pl", [0, 32]), planned("red", [0, 5], mat, folder)])


@pytest.mark.parametrize("sites", [[33, 63], [31, 63], [32, 32]])
def test_channels_with_a_gap_or_an_overlap(sites):
    with pytest.raises(UserError, match=r"'ml': sites .* follow the 32 channels"):
        plan_sessions([planned("pl", [0, 32]), planned("ml", sites)])


def test_archive_is_read_back_by_the_loader_of_published_ones(tmp_path, session):
    path = tmp_path / "sim.zip"
    write_arcaro_archive(path, [session])
    found = read_arcaro(path, {}, mat=MAT, sites=[0, 2], images_folder=FOLDER)
    assert found.image_ids == session.recording.image_ids
    assert found.site_ids == session.recording.site_ids
    np.testing.assert_array_equal(found.responses, session.recording.responses)
    stimuli = read_images(path, FOLDER)
    assert stimuli.image_ids == ("a.png", "b.png", "c.png")
    np.testing.assert_array_equal(stimuli.images, session.stimuli.images[[1, 0, 2]])


def test_archive_has_the_published_layout(tmp_path, session):
    red = replace(session, mat="Red/red_062419_data.mat", folder="Red/red_naturalface")
    write_arcaro_archive(tmp_path / "sim.zip", [session, red])
    with zipfile.ZipFile(tmp_path / "sim.zip") as handle:
        names = handle.namelist()
        content = handle.read(MAT)
    assert set(names) == {MAT, "Red/red_062419_data.mat"} | {
        f"{folder}/{name}.png" for folder in (FOLDER, "Red/red_naturalface") for name in "abc"
    }
    mat = loadmat(io.BytesIO(content))
    assert mat["imageRF"].dtype == np.float32
    assert mat["imageRF"].shape == (5, 9, 4, 2, 3)  # x, y, ms, channel, image
    assert mat["UniqueNames"].shape == (1, 3)
    assert mat["UniqueNames"][0, 0][0] == r"C:\Stimuli\natural_test\b.png"


def test_a_spot_at_the_top_left_stays_there(tmp_path):
    image = np.zeros((1, 45, 45, 3), np.uint8)
    image[:, :9, :5] = 255  # top left: the first row and the first column of a 5 x 9 grid
    brightness = image.mean(axis=3, keepdims=True)
    array = simulate_array(
        brightness, (5, 9), 6, np.random.default_rng(0), rf_sigma=0.3, n_channels=1
    )
    responses = record([array], 200, np.random.default_rng(1))
    spot = Session(
        MAT, FOLDER, as_recording(responses, ("spot.png",)), Stimuli(image, ("spot.png",))
    )
    write_arcaro_archive(tmp_path / "sim.zip", [spot])

    with zipfile.ZipFile(tmp_path / "sim.zip") as handle:
        stored = loadmat(io.BytesIO(handle.read(MAT)))["imageRF"].reshape(5, 9, 300, 6)
    recorded = read_arcaro(tmp_path / "sim.zip", {}, MAT, [0, 6], FOLDER)
    shown = read_images(tmp_path / "sim.zip", FOLDER).images[0, ..., 0]
    assert np.argwhere(shown == 255).max(axis=0).tolist() == [8, 4]
    for site in range(6):
        sign = np.sign(array.weights[0, site])  # some sites are silenced by light
        in_file = sign * stored[:, :, 130:170, site].mean(2)
        in_recording = sign * window_average(recorded, (130, 170))[0, :, :, site]
        assert np.unravel_index(in_file.argmax(), (5, 9)) == (4, 8)  # both axes reversed
        assert np.unravel_index(in_recording.argmax(), (5, 9)) == (0, 0)


def test_the_same_input_gives_the_same_bytes(tmp_path, session):
    for name in ("a", "b"):
        write_arcaro_archive(tmp_path / name / "sim.zip", [session])
    content = (tmp_path / "a" / "sim.zip").read_bytes()
    assert content == (tmp_path / "b" / "sim.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "sim.zip") as handle:
        header = handle.read(MAT)[:116]
        assert {member.date_time for member in handle.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert header == b"MATLAB 5.0 MAT-file, written by itcortex".ljust(116)  # no date


def test_a_failed_write_leaves_nothing(tmp_path, session):
    broken = replace(session, recording=object())
    with pytest.raises(AttributeError):
        write_arcaro_archive(tmp_path / "out" / "sim.zip", [session, broken])
    assert list((tmp_path / "out").iterdir()) == []


# --- the script -----------------------------------------------------------------------------------
