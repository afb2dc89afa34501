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


def test_a_broken_electrode_is_no_matter_if_it_is_not_selected(monkey):
    with h5py.File(monkey[0], "r+") as handle:
        for name in ("train_MUA", "test_MUA", "test_MUA_reps", "reliab"):
            values = handle[name][...]
            values[..., 800] = np.nan
            handle[name][...] = values
    recording = read(monkey, monkey="N", select_sites={"region": "IT", "reliability": ">0.3"})
    assert "N-0801" not in recording.site_ids and len(recording.site_ids) == 255
    with pytest.raises(UserError, match=r"NaN or infinite responses for 18 pairs .* at N-0801"):
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
