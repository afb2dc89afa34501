"""Recordings in published formats: axes, orientation, names, and everything that can be wrong."""

import io
import logging
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

import prepare_recordings
from itcortex import store
from itcortex.errors import UserError
from itcortex.recordings import (
    Recording,
    read_arcaro,
    read_cowley,
    read_published,
    window_average,
)

MAT, FOLDER = "George/george_060118_data.mat", "George/natural_test"
PNG = io.BytesIO()
Image.new("RGB", (16, 16)).save(PNG, format="png")


def as_v5(image_rf, names, **options):
    """Bytes of a version 5 .mat with a 1 x n cell array of names."""
    cell = np.empty((1, len(names)), dtype=object)
    cell[0] = names
    stream = io.BytesIO()
    savemat(stream, {"imageRF": image_rf, "UniqueNames": cell}, **options)
    return stream.getvalue()


def as_v73(image_rf, names):
    """Bytes of a version 7.3 .mat as MATLAB lays it out: HDF5 behind a header of 512 bytes."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=512) as handle:
        handle["imageRF"] = image_rf.T
        cells = np.empty((len(names), 1), dtype=h5py.ref_dtype)
        for index, name in enumerate(names):
            codes = np.array([[ord(letter)] for letter in name], dtype=np.uint16)
            cells[index, 0] = handle.create_dataset(f"#refs#/{index}", data=codes).ref
        handle.create_dataset("UniqueNames", data=cells, dtype=h5py.ref_dtype)
    content = bytearray(stream.getvalue())
    header = b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM"
    content[: len(header)] = header
    return bytes(content)


def archive_of(path, mat, files):
    """A published archive of one .mat, with image files of those names."""
    with zipfile.ZipFile(path, "w") as handle:
        handle.writestr(MAT, mat)
        for name in files:
            handle.writestr(f"{FOLDER}/{name}", PNG.getvalue())
    return path


def read(path, sites=(0, 2), **attributes):
    """Read an archive of `archive_of`."""
    return read_arcaro(path, attributes, mat=MAT, sites=sites, images_folder=FOLDER)


@pytest.fixture
def image_rf(rng):
    """Responses (x, y, ms, channel, image) on a grid that is not square."""
    return rng.random((5, 9, 4, 3, 2)).astype(np.float32)


NAMES = ("cat.png", "dog.png")


@pytest.mark.parametrize("encode", [as_v5, as_v73])
def test_axes_and_names_of_a_published_archive(tmp_path, image_rf, encode):
    mat = encode(image_rf, [rf"C:\Users\me\natural test\{name}" for name in NAMES])
    recording = read(archive_of(tmp_path / "a.zip", mat, ("dog.png", "cat.png")), (1, 3), area="PL")
    assert recording.image_ids == NAMES
    assert recording.site_ids == ("channel-02", "channel-03")
    assert recording.responses.shape == (2, 5, 9, 4, 2)
    assert recording.responses.dtype == np.float32
    for y, x, ms, site, image in ((0, 0, 0, 0, 0), (4, 1, 3, 1, 1), (2, 8, 1, 0, 1)):
        expected = image_rf[4 - y, 8 - x, ms, 1 + site, image]
        assert recording.responses[image, y, x, ms, site] == expected
    assert recording.attributes == {"ms_start": 0, "ms_bin": 1, "area": "PL", "constant_sites": []}


def test_same_as_the_authors_loader(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    images_first = image_rf.transpose(-1, 0, 1, 2, 3)
    np.testing.assert_array_equal(read(path).responses, images_first[:, ::-1, ::-1][..., :2])


@settings(max_examples=20, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 5),
    dtype=st.sampled_from([np.float32, np.float64, np.uint8, np.int16]),
    drop=st.booleans(),
)
def test_any_shape_survives_also_without_trailing_axes(tmp_path_factory, shape, dtype, drop):
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    names = [f"{n}.png" for n in range(shape[4])]
    stored = values
    while drop and stored.ndim > 2 and stored.shape[-1] == 1:  # as MATLAB does
        stored = stored[..., 0]
    path = archive_of(tmp_path_factory.mktemp("a") / "a.zip", as_v5(stored, names), names)
    recording = read(path, (0, shape[3]))
    expected = values[::-1, ::-1].transpose(4, 0, 1, 2, 3)
    np.testing.assert_array_equal(recording.responses, expected)
    assert recording.has_grid == (shape[0] * shape[1] > 1)
    assert recording.has_time == (shape[2] > 1)


def test_names_differ_from_files_in_case_only(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, ["D:/x/CAT.PNG", "dog.png"]), NAMES)
    assert read(path).image_ids == NAMES


def test_names_that_match_no_file_are_listed(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, [r"C:\i\cats.png", "bird.png"]), NAMES)
    with pytest.raises(UserError, match=r"2 of 2 image names.*cats\.png, bird\.png.*'cat\.png'"):
        read(path)


def test_a_name_given_twice(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, ["cat.png", "cat.png"]), NAMES)
    with pytest.raises(UserError, match=r"image ids must be unique.*cat\.png"):
        read(path)


def test_a_mat_without_image_rf_lists_what_it_holds(tmp_path):
    stream = io.BytesIO()
    savemat(stream, {"imageRf": np.zeros(3), "UniqueNames": np.zeros(3)})
    path = archive_of(tmp_path / "a.zip", stream.getvalue(), NAMES)
    with pytest.raises(UserError, match=r"george_060118_data\.mat: no variable 'imageRF'.*imageRf"):
        read(path)


def test_a_v73_mat_without_image_rf_lists_what_it_holds(tmp_path, image_rf):
    mat = as_v73(image_rf, NAMES).replace(b"imageRF\0", b"imageXX\0")
    with pytest.raises(UserError, match=r"no variable 'imageRF'; it holds UniqueNames, imageXX"):
        read(archive_of(tmp_path / "a.zip", mat, NAMES))


@pytest.mark.parametrize("encode", [as_v5, as_v73])
@pytest.mark.parametrize("size", [0, 60, 200, 1500])
def test_a_damaged_mat(tmp_path, image_rf, encode, size):
    path = archive_of(tmp_path / "a.zip", encode(image_rf, NAMES)[:size], NAMES)
    with pytest.raises(UserError, match=r"a\.zip: George/george_060118_data\.mat: not a readable"):
        read(path)


@pytest.mark.parametrize("shape", [(5, 9, 4, 2), (5, 9, 4, 3, 3), (5, 9, 4, 3, 2, 1), (5, 9)])
def test_axes_that_do_not_fit_the_names(tmp_path, shape):
    path = archive_of(tmp_path / "a.zip", as_v5(np.ones(shape), NAMES), NAMES)
    with pytest.raises(
        UserError, match=r"imageRF is float64 \(5, 9.*5 axes|as long as the 2 names"
    ):
        read(path)


def test_image_rf_that_is_no_number(tmp_path):
    path = archive_of(tmp_path / "a.zip", as_v5(np.array(["text"]), NAMES), NAMES)
    with pytest.raises(UserError, match="imageRF is <U4"):
        read(path)


@pytest.mark.parametrize("sites", [(0, 4), (2, 2), (-1, 2), (3, 1)])
def test_channels_that_are_not_there(tmp_path, image_rf, sites):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    with pytest.raises(UserError, match=rf"sites \[{sites[0]}, {sites[1]}\] .* 0\.\.3 channels"):
        read(path, sites)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_names_image_and_site(tmp_path, image_rf, value):
    image_rf[2, 3, 1, 1, 1] = value
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    with pytest.raises(UserError, match=r"for 1 pairs of image and site: dog\.png at channel-02"):
        read(path)
    assert read(path, (0, 1)).responses.shape[-1] == 1  # the array without that channel is whole


def test_constant_sites_are_kept_and_reported(tmp_path, image_rf, caplog):
    image_rf[..., 1, :] = 7
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    with caplog.at_level(logging.WARNING):
        recording = read(path, (0, 3))
    assert recording.attributes["constant_sites"] == ["channel-02"]
    assert recording.responses.shape[-1] == 3
    assert "1 of 3 sites never change" in caplog.text


def test_formats_and_their_options():
    with pytest.raises(UserError, match=r"format 'arcaro2O20'.*'arcaro2020'"):
        read_published("x", "arcaro2O20", {}, {})
    with pytest.raises(UserError, match=r"needs \['mat', 'sites', 'images_folder'\]"):
        read_published("x", "arcaro2020", {"mat": "m", "site": [0, 1], "images_folder": "f"}, {})
    with pytest.raises(UserError, match=r"options \['mat'\] do not fit format 'cowley2023'"):
        read_published("x", "cowley2023", {"mat": "m"}, {})


def test_the_script_checks_names_on_the_images_of_the_same_archive(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    images = {"dataset": "arcaro", "file": "a.zip", "folder": FOLDER}
    entry = {
        "dataset": "arcaro",
        "file": "a.zip",
        "format": "arcaro2020",
        "options": {"mat": MAT, "sites": [2, 3]},
        "attributes": {"monkey": "George", "simulated": False},
    }
    prepare_recordings.main(path, tmp_path / "r.h5", entry, images)
    stored = store.read_recording(tmp_path / "r.h5")
    np.testing.assert_array_equal(stored.responses, read(path, (2, 3)).responses)
    assert stored.attributes["source"] == "arcaro/a.zip"
    assert stored.attributes["monkey"] == "George"
    assert stored.site_ids == ("channel-03",)


# --- single trials without grid and time ----------------------------------------------------------


@pytest.fixture
def counts(rng):
    """Spike counts (neuron, image, repeat), some repeats missing."""
    values = rng.poisson(3.0, (4, 6, 5)).astype(float)
    values[:, 2, 3:] = np.nan
    values[1, 0, 0] = np.nan
    return values


def save(path, values):
    np.save(path, values)
    return path


def test_trials_are_kept_and_averaged_over_the_repeats_there_are(tmp_path, counts):
    recording = read_cowley(save(tmp_path / "c.npy", counts), {"area": "V4"})
    assert recording.trials.shape == (6, 1, 1, 1, 4, 5)
    np.testing.assert_array_equal(recording.trials[:, 0, 0, 0], counts.transpose(1, 0, 2))
    mean = recording.responses[:, 0, 0, 0]
    assert mean[2, 1] == np.float32(counts[1, 2, :3].mean())
    np.testing.assert_array_equal(mean, np.nanmean(counts, axis=2).T.astype(np.float32))
    assert recording.image_ids[:2] == ("image0001.jpg", "image0002.jpg")
    assert recording.site_ids == ("neuron-01", "neuron-02", "neuron-03", "neuron-04")
    assert not recording.has_grid
    assert not recording.has_time


def test_a_file_that_is_averaged_already_has_no_trials(tmp_path, counts):
    mean = np.nanmean(counts, axis=2)
    recording = read_cowley(save(tmp_path / "c.npy", mean), {}, image_name="{}.png")
    assert recording.trials is None
    np.testing.assert_array_equal(recording.responses[:, 0, 0, 0], mean.T.astype(np.float32))
    assert recording.image_ids[-1] == "6.png"


def test_an_image_without_any_repeat_is_named(tmp_path, counts):
    counts[3, 4] = np.nan
    with pytest.raises(UserError, match=r"1 pairs.*: image0005\.jpg at neuron-04"):
        read_cowley(save(tmp_path / "c.npy", counts), {})


def test_a_constant_neuron_is_reported(tmp_path, counts):
    counts[2] = 0
    recording = read_cowley(save(tmp_path / "c.npy", counts), {})
    assert recording.attributes["constant_sites"] == ["neuron-03"]


def test_files_of_another_kind(tmp_path, counts):
    with pytest.raises(UserError, match=r"\(4,\); expected numbers"):
        read_cowley(save(tmp_path / "c.npy", counts[:, 0, 0]), {})
    np.savez(tmp_path / "c.npz", counts)
    with pytest.raises(UserError, match="several arrays; expected numbers"):
        read_cowley(tmp_path / "c.npz", {})
    whole = save(tmp_path / "c.npy", counts).read_bytes()
    for content in (whole[:200], b"", b"text"):
        (tmp_path / "c.npy").write_bytes(content)
        with pytest.raises(UserError, match=r"c\.npy: not a readable \.npy"):
            read_cowley(tmp_path / "c.npy", {})
    with pytest.raises(UserError, match=r"none\.npy: not a readable"):
        read_cowley(tmp_path / "none.npy", {})


def test_real_v4_neurons(tmp_path, shared):
    folder = shared / "data" / "v4_cowley2023"
    entry = {
        "dataset": "v4_cowley2023",
        "file": "responses_raw_210325.npy",
        "format": "cowley2023",
        "attributes": {"area": "V4", "simulated": False},
    }
    images = {"dataset": "v4_cowley2023", "file": "images_210325.zip", "folder": ""}
    prepare_recordings.main(folder / entry["file"], tmp_path / "v4.h5", entry, images)
    recording = store.read_recording(tmp_path / "v4.h5")
    assert recording.responses.shape == (640, 1, 1, 1, 50)
    assert recording.trials.shape == (640, 1, 1, 1, 50, 10)
    assert recording.attributes["constant_sites"] == []
    with zipfile.ZipFile(folder / "images_210325.zip") as handle:
        assert recording.image_ids == tuple(handle.namelist())
    published = np.load(folder / "responses_repeat_averaged_210325.npy")
    averaged = window_average(recording, None)[:, 0, 0]
    np.testing.assert_allclose(averaged, published.T, rtol=1e-6)  # float32
    halves = [np.nanmean(recording.trials[:, 0, 0, 0, :, half::2], axis=2) for half in (0, 1)]
    r = np.array([np.corrcoef(halves[0][:, s], halves[1][:, s])[0, 1] for s in range(50)])
    # The issue expects about .76 in the median, over many random splits; this is a single one.
    assert np.median(2 * r / (1 + r)) == pytest.approx(0.76, abs=0.04)


# --- time -----------------------------------------------------------------------------------------


def recorded(n_ms=10, **attributes):
    """A recording of n_ms bins whose response is the bin's number."""
    values = np.zeros((2, 3, 4, n_ms, 5), np.float32) + np.arange(n_ms)[:, None]
    return Recording(values, ("a", "b"), tuple("12345"), attributes)


@pytest.mark.parametrize(
    ("start", "width", "window", "mean"),
    [
        (0, 1, (2, 6), 3.5),
        (-50, 10, (-30, 0), 3.0),
        (0, 1, (0, 10), 4.5),
        (0.5, 0.1, (0.7, 0.8), 2),
    ],
)
def test_window_average_is_the_mean_of_its_bins(start, width, window, mean):
    average = window_average(recorded(ms_start=start, ms_bin=width), window)
    assert average.shape == (2, 3, 4, 5)
    assert average.dtype == np.float64
    np.testing.assert_allclose(average, mean, rtol=1e-12)


@pytest.mark.parametrize("window", [(-10, 20), (80, 110), (5, 25), (20, 20), (30, 20), (0, 101)])
def test_a_window_that_does_not_fit_is_named_with_the_range(window):
    message = rf"window {window[0]}-{window[1]} ms does not fit.*0-100 ms in bins of 10 ms"
    with pytest.raises(UserError, match=message):
        window_average(recorded(ms_start=0, ms_bin=10), window)


def test_windows_and_recordings_without_time():
    with pytest.raises(UserError, match=r"window .* is needed to average 10 time bins"):
        window_average(recorded(ms_start=0, ms_bin=10), None)
    np.testing.assert_array_equal(window_average(recorded(1), None), 0)
    with pytest.raises(UserError, match="window 50-90 ms: the recording has no ms_start"):
        window_average(recorded(1), (50, 90))


def test_recordings_refuse_axes_that_do_not_fit():
    values = np.zeros((2, 1, 1, 1, 3), np.float32)
    with pytest.raises(UserError, match="expected"):
        Recording(values[0], ("a", "b"), ("1", "2", "3"))
    with pytest.raises(UserError, match="2 site ids"):
        Recording(values, ("a", "b"), ("1", "2"))
    with pytest.raises(UserError, match="trials"):
        Recording(values, ("a", "b"), ("1", "2", "3"), trials=np.zeros((2, 1, 1, 1, 4, 5)))
