"""Recordings of monkeys without a grid, options of formats, and windows of time."""

import unicodedata
import zipfile

import numpy as np
import pytest

import label_images
import prepare_recordings
from itcortex import store
from itcortex.data.published.cowley import read_cowley
from itcortex.data.published.readers import read_published
from itcortex.data.recordings import Recording, require_shown, trial_average, window_average
from itcortex.data.stimuli import Stimuli, join_images, read_images
from itcortex.errors import UserError


def test_formats_and_their_options():
    with pytest.raises(UserError, match=r"format 'arcaro2O20'.*'arcaro2020'"):
        read_published("x", "arcaro2O20", {}, {})
    with pytest.raises(UserError, match=r"needs \['mat', 'sites', 'images_folder'\]"):
        read_published("x", "arcaro2020", {"mat": "m", "site": [0, 1], "images_folder": "f"}, {})
    with pytest.raises(UserError, match=r"options \['mat'\] do not fit format 'cowley2023'"):
        read_published("x", "cowley2023", {"mat": "m"}, {})


def test_accents_taken_apart_match_those_that_are_whole():
    """macOS takes them apart in the names of files; tables hold them whole."""
    whole, apart = (unicodedata.normalize(form, "café.png") for form in ("NFC", "NFD"))
    shown = Stimuli(np.zeros((2, 16, 16, 3), np.uint8), (apart, "b.png"))
    recorded = Recording(np.zeros((2, 1, 1, 1, 1), np.float32), ("b.png", whole), ("s",))
    assert join_images(recorded.image_ids, shown.image_ids, "here") == [1, 0]
    require_shown(recorded, shown.image_ids, part=False, where="here")
    with pytest.raises(UserError, match="unique"):
        Stimuli(np.zeros((2, 16, 16, 3), np.uint8), (apart, whole))


def test_a_recording_without_time_has_no_window_whatever_is_asked_for():
    with_time = Recording(np.zeros((2, 1, 1, 3, 1), np.float32), ("a", "b"), ("s",))
    without = Recording(np.zeros((2, 1, 1, 1, 1), np.float32), ("a", "b"), ("s",))
    assert with_time.window_in([90, 130]) == (90.0, 130.0)
    assert without.window_in([90, 130]) is None and with_time.window_in(None) is None


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


def prepared(folder, responses, n_shown, **entry):
    """The recording that the rule makes of responses (site, image) to `n_shown` images."""
    np.save(folder / "c.npy", responses)
    names = tuple(f"image{k + 1:04d}.jpg" for k in range(n_shown))
    store.write_stimuli(folder / "s.h5", Stimuli(np.zeros((n_shown, 16, 16, 3), np.uint8), names))
    entry |= {"dataset": "d", "file": "c.npy", "format": "cowley2023", "attributes": {}}
    images = {"dataset": "d", "file": "images.zip", "folder": ""}
    source, shown, target = folder / "c.npy", folder / "s.parquet", folder / "r.h5"
    label_images.main(folder / "s.h5", [], shown, {})
    prepare_recordings.main(source, [], shown, target, entry, images)
    return store.read_recording(target)


def test_responses_with_swapped_axes_are_refused(tmp_path, rng):
    """Thirty sites and 120 images: read the other way round, 30 of the images would be scored."""
    responses = rng.random((30, 120))
    recording = prepared(tmp_path, responses, 120)
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], responses.T.astype(np.float32))
    with pytest.raises(UserError, match=r"d/c\.npy: the recording has 30 images, .* 120 .*swapped"):
        prepared(tmp_path, responses.T, 120)
    with pytest.raises(
        UserError, match=r"has 120 images, .* are 30 \(it has 30 sites.*90 recorded"
    ):
        prepared(tmp_path, responses, 30)


def test_a_site_in_another_unit_is_named(tmp_path, rng, caplog):
    responses = rng.random((5, 12)) * np.array([[1], [1], [2000], [1], [0]])
    prepared(tmp_path, responses, 12)
    assert (
        "1 of 5 sites vary more than 100 times as much as the median site (neuron-03" in caplog.text
    )
    caplog.clear()
    prepared(tmp_path, responses / [[1], [1], [50], [1], [1]], 12)
    assert "times as much" not in caplog.text


def test_a_part_of_the_stimuli_must_be_said_to_be_one(tmp_path, rng):
    responses = rng.random((5, 9))
    with pytest.raises(UserError, match=r"has 9 images, .* are 12; .*`part: true`"):
        prepared(tmp_path, responses, 12)
    assert len(prepared(tmp_path, responses, 12, part=True).image_ids) == 9
    with pytest.raises(UserError, match=r"2 recorded images are not among .*'image0008\.jpg'"):
        prepared(tmp_path, responses, 7, part=True)


@pytest.mark.long
def test_real_v4_neurons(tmp_path, shared):
    folder = shared / "data" / "v4_cowley2023"
    entry = {
        "dataset": "v4_cowley2023",
        "file": "responses_raw_210325.npy",
        "format": "cowley2023",
        "attributes": {"area": "V4", "simulated": False},
    }
    images = {"dataset": "v4_cowley2023", "file": "images_210325.zip", "folder": ""}
    store.write_stimuli(tmp_path / "s.h5", read_images(folder / images["file"]))
    label_images.main(tmp_path / "s.h5", [], tmp_path / "s.parquet", {})
    prepare_recordings.main(
        folder / entry["file"], [], tmp_path / "s.parquet", tmp_path / "v4.h5", entry, images
    )
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


def test_real_v4_neurons_that_are_averaged_already(tmp_path, shared):
    folder = shared / "data" / "v4_cowley2023"
    recording = read_cowley(folder / "responses_repeat_averaged_201025.npy", {"area": "V4"})
    published = np.load(folder / "responses_repeat_averaged_201025.npy")
    assert recording.responses.shape == (1200, 1, 1, 1, 89)
    assert recording.trials is None
    np.testing.assert_array_equal(recording.responses[:, 0, 0, 0], published.T.astype(np.float32))
    assert recording.attributes["constant_sites"] == []
    with zipfile.ZipFile(folder / "images_201025.zip") as handle:
        assert recording.image_ids == tuple(handle.namelist())


# --- labels of images -----------------------------------------------------------------------------


def test_labels_of_images_are_kept_in_the_file_however_many(tmp_path):
    """More than 64 KB of them, beyond which HDF5 does not hold attributes unless told to."""
    names = tuple(f"image-{n:05d}.png" for n in range(5760))
    labels = {"object_name": [f"an object with a long name {n % 64}" for n in range(5760)]}
    values = np.zeros((5760, 1, 1, 1, 1), np.float32)
    recording = Recording(values, names, ("a",), {"image_labels": labels})
    store.write_recording(tmp_path / "r.h5", recording)
    stored = store.read_recording(tmp_path / "r.h5")
    assert stored.labels("object_name") == tuple(labels["object_name"])
    with pytest.raises(UserError, match=r"no 'object' of its images; did you mean 'object_name'"):
        stored.labels("object")


def test_a_recording_without_labels_says_so():
    recording = Recording(np.zeros((1, 1, 1, 1, 1), np.float32), ("a",), ("1",))
    with pytest.raises(UserError, match="no 'object_name' of its images; it has no labels"):
        recording.labels("object_name")


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
    with pytest.raises(UserError, match=r"1 labels 'object_name' do not fit 2 images"):
        Recording(values, ("a", "b"), ("1", "2", "3"), {"image_labels": {"object_name": ["car"]}})
    with pytest.raises(UserError, match="trials"):
        Recording(values, ("a", "b"), ("1", "2", "3"), trials=np.zeros((2, 1, 1, 1, 4, 5)))


def test_trials_may_be_of_some_images_alone(rng):
    """Images that were shown once, beside two that were shown three times."""
    responses = rng.normal(size=(5, 1, 1, 1, 2)).astype("float32")
    trials = rng.normal(size=(2, 1, 1, 1, 2, 3)).astype("float32")
    names = tuple("abcde")
    one = Recording(responses, names, ("s", "t"), {}, trials, repeated=(1, 4))
    assert one.with_trials.tolist() == [1, 4]
    assert trial_average(one, None).shape == (2, 1, 1, 2, 3)
    with pytest.raises(UserError, match=r"trials \(2, .* do not fit responses \(5,"):
        Recording(responses, names, ("s", "t"), {}, trials)
    predicted = one.predicted(responses[:, :, :, 0], None, {})
    assert predicted.trials is None and predicted.repeated is None


def test_trials_of_some_images_are_kept_in_the_file(tmp_path, rng):
    responses = rng.normal(size=(4, 1, 1, 1, 2)).astype("float32")
    trials = rng.normal(size=(1, 1, 1, 1, 2, 3)).astype("float32")
    one = Recording(responses, tuple("abcd"), ("s", "t"), {"area": "IT"}, trials, repeated=(2,))
    store.write_recording(tmp_path / "r.h5", one)
    read = store.read_recording(tmp_path / "r.h5")
    assert read.repeated == (2,)
    np.testing.assert_array_equal(read.trials, trials)
