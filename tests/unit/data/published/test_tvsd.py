"""TVSD's files: names, regions, repeats of the test images alone, and what is refused."""

import h5py
import numpy as np
import pytest

from itcortex.data.published import tvsd
from itcortex.data.published.readers import read_published
from itcortex.encoding.ceilings import split_half
from itcortex.errors import UserError
from made.tvsd import image_names, write_images, write_responses

N_TRAIN, N_TEST, N_REPEATS, N_SITES = 12, 6, 4, 1024
ABOUT = {"monkey": "F", "area": "IT", "unit": "a.u.", "simulated": False, "protocol": "p"}
STORED = 1e-6  # responses are kept as float32


@pytest.fixture
def monkey(tmp_path, rng):
    """Both files, and what is in them; electrode k responds about k."""
    train = np.arange(N_SITES) + np.arange(N_TRAIN)[:, None] / 1000
    repeats = np.arange(N_SITES) + 10 * rng.normal(size=(N_TEST, N_SITES))
    repeats = repeats[:, :, None] + rng.normal(size=(N_TEST, N_SITES, N_REPEATS))
    reliability = np.linspace(0, 1, N_SITES)
    names = image_names(N_TRAIN, N_TEST)
    images = write_images(tmp_path / "things_imgs.mat", *names)
    source = write_responses(tmp_path / "THINGS_normMUA.mat", train, repeats, reliability)
    return source, images, names, train, repeats


def read(files, **options):
    """The recording, through the table of readers."""
    return read_published(files[0], "tvsd", {"table": files[1]} | options, ABOUT)


def test_names_are_paths_with_their_split_and_object(monkey):
    shown = tvsd.read_images(monkey[1])
    assert shown.paths[0] == "aardvark/aardvark_00000.jpg"
    assert shown.paths[-1] == "zucchini/zucchini_00017.jpg"
    assert shown.split == ("train",) * N_TRAIN + ("test",) * N_TEST
    assert shown.objects[:4] == ("aardvark", "abacus", "zucchini", "aardvark")


def test_names_of_what_references_give_are_not_asked_for(monkey, monkeypatch):
    """HDF5 finds them by a search through the whole file: 22,000 images would take many minutes."""
    monkeypatch.setattr(h5py.h5i, "get_name", lambda _: pytest.fail("a name was asked for"))
    assert len(tvsd.read_images(monkey[1]).paths) == N_TRAIN + N_TEST


@pytest.mark.parametrize(
    ("name", "region", "first", "stop"),
    [("N", "V1", 0, 512), ("N", "V4", 512, 768), ("N", "IT", 768, 1024),
     ("F", "V1", 0, 512), ("F", "V4", 832, 1024), ("F", "IT", 512, 832)],
)  # fmt: skip
def test_a_region_is_its_electrodes_which_differ_between_the_monkeys(
    monkey, name, region, first, stop
):
    recording = read(monkey, monkey=name, select_sites={"region": region})
    assert recording.site_ids[0] == f"{name}-{first + 1:04d}"
    assert len(recording.site_ids) == stop - first
    train = recording.responses[:N_TRAIN, 0, 0, 0]
    np.testing.assert_allclose(train, monkey[3][:, first:stop], rtol=STORED)
    assert recording.attributes["left_out"] == {"sites": N_SITES - stop + first}


def test_trials_are_of_the_test_images_and_responses_their_mean(monkey):
    recording = read(monkey, monkey="N", select_sites={"region": "IT", "reliability": ">0.9"})
    chosen = np.flatnonzero(np.linspace(0, 1, N_SITES) > 0.9)
    repeats = monkey[4][:, chosen]
    assert recording.trials.shape == (N_TEST, 1, 1, 1, len(chosen), N_REPEATS)
    assert recording.repeated == tuple(range(N_TRAIN, N_TRAIN + N_TEST))
    np.testing.assert_allclose(recording.trials[:, 0, 0, 0], repeats, rtol=STORED)
    test = recording.responses[N_TRAIN:, 0, 0, 0]
    np.testing.assert_allclose(test, repeats.mean(2), rtol=10 * STORED)
    assert recording.labels("split") == ("train",) * N_TRAIN + ("test",) * N_TEST
    assert recording.labels("object_name")[1] == "abacus"
    trials = recording.trials[:, 0, 0, 0].astype(float)
    reliability = split_half(trials, 20, np.random.default_rng(0))
    assert np.median(reliability) > 0.95  # the signal has ten times the noise's standard deviation


def emptied(path, sites, names=("train_MUA", "test_MUA", "test_MUA_reps", "reliab"), at=None):
    """The file with NaN for some electrodes, at some images."""
    with h5py.File(path, "r+") as handle:
        for name in names:
            values = handle[name][...]
            values[(..., sites) if at is None else (..., at, sites)] = np.nan
            handle[name][...] = values


def test_a_broken_electrode_is_left_out_and_counted_beside_those_not_selected(monkey, caplog):
    emptied(monkey[0], 800)
    recording = read(monkey, monkey="N", select_sites={"region": "IT", "reliability": ">0.3"})
    assert "N-0801" not in recording.site_ids and len(recording.site_ids) == 255
    assert recording.attributes["left_out"] == {"sites": N_SITES - 255} and not caplog.records
    recording = read(monkey, monkey="N", select_sites={"region": "IT"})
    assert "N-0801" not in recording.site_ids and len(recording.site_ids) == 255
    assert recording.attributes["left_out"] == {"sites": 768, "incomplete_sites": 1}
    assert "1 of 256 selected sites have no response" in caplog.text and "N-0801" in caplog.text


def test_a_site_without_a_repeat_of_one_test_image_stops_no_recording(monkey, caplog):
    """Other repeats of it may be missing: what counts is that none is left for an image."""
    emptied(monkey[0], 900, ("test_MUA_reps",), at=2)  # all repeats of the third test image
    emptied(monkey[0], 901, ("train_MUA",), at=5)
    with h5py.File(monkey[0], "r+") as handle:
        handle["test_MUA_reps"][1, 4, 902] = np.nan  # one repeat of another
    recording = read(monkey, monkey="N", select_sites={"region": "IT"})
    assert {"N-0901", "N-0902"}.isdisjoint(recording.site_ids) and "N-0903" in recording.site_ids
    assert recording.attributes["left_out"] == {"sites": 768, "incomplete_sites": 2}
    assert np.isfinite(recording.responses).all() and recording.trials.shape[4] == 254
    repeats = monkey[4][:, 902].copy()
    repeats[4, 1] = np.nan
    found = recording.responses[N_TRAIN:, 0, 0, 0, recording.site_ids.index("N-0903")]
    np.testing.assert_allclose(found, np.nanmean(repeats, axis=1), rtol=10 * STORED)
    assert "the first: N-0902 to zucchini/zucchini_00005.jpg" in caplog.text


def test_a_recording_of_which_no_site_is_complete_is_refused_with_what_to_do(monkey):
    emptied(monkey[0], slice(768, 1024), ("test_MUA_reps",), at=3)
    with pytest.raises(UserError, match=r"none of the 256 selected sites .*N-0769 to .*`sites` of"):
        read(monkey, monkey="N", select_sites={"region": "IT"})


def test_what_is_refused(monkey, tmp_path):
    with pytest.raises(
        UserError, match=r"none of 1024 sites fulfils region: V1, reliability: >0.6"
    ):
        read(monkey, monkey="N", select_sites={"region": "V1", "reliability": ">0.6"})
    with pytest.raises(UserError, match="no site has 'V2'"):
        read(monkey, monkey="N", select_sites={"region": "V2"})
    with pytest.raises(UserError, match="options: monkey: 'G' does not exist"):
        read(monkey, monkey="G")
    other = write_images(tmp_path / "other.mat", *image_names(N_TRAIN - 1, N_TEST))
    with pytest.raises(UserError, match=r"train_MUA has the shape \(12, 1024\).*expected \(11, "):
        read_published(monkey[0], "tvsd", {"table": other, "monkey": "N"}, ABOUT)
    train, test = image_names(2, 1)
    twice = write_images(tmp_path / "twice.mat", train, [*test, train[0]])
    with pytest.raises(UserError, match=r"names images twice.*aardvark_00000.jpg"):
        tvsd.read_images(twice)
    with pytest.raises(UserError, match="has no 'train_imgs'; it holds"):
        tvsd.read_images(monkey[0])
    (tmp_path / "text.mat").write_text("no HDF5")
    with pytest.raises(UserError, match="not a readable MATLAB"):
        tvsd.read_images(tmp_path / "text.mat")


def test_repeats_of_other_images_are_refused(monkey):
    with h5py.File(monkey[0], "r+") as handle:
        handle["test_MUA_reps"][...] = handle["test_MUA_reps"][...][:, ::-1]
    with pytest.raises(UserError, match="the repeats are of other images"):
        read(monkey, monkey="N")


def test_a_list_that_points_into_another_file_is_refused(monkey, tmp_path):
    with h5py.File(tmp_path / "linked.mat", "w") as handle:
        handle["train_imgs"] = h5py.ExternalLink(str(monkey[1]), "/train_imgs")
    with pytest.raises(UserError, match="is a link to"):
        tvsd.read_images(tmp_path / "linked.mat")
