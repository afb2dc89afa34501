"""Simulated digits: the shortcut is what it is said to be, sets share nothing, sites read the object."""

import io

import numpy as np
import pytest
from PIL import Image

import estimate_ceiling
import simulate_digits
from itcortex import store
from itcortex.data.published.readers import read_published
from itcortex.data.stimuli import read_images
from itcortex.errors import UserError
from itcortex.simulation import digit_sites, digits
from itcortex.training.images.sources import open_samples

SETTINGS = {"side": 32, "digit": [14, 18], "patch": 7, "share": 0.9}
COUNTS = {"train": 60, "validation": 20, "test": 40, "recorded": 60}
FILES = ("train", "validation", "intact", "broken")


def arrange(count=40, part="test", seed=3, **changes):
    """Scenes of a few small images."""
    settings = digits.Settings.of(SETTINGS | changes)
    return digits.arrange(part, count, settings, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the rule makes, small: folder of its files."""
    folder = tmp_path_factory.mktemp("digits")
    run(folder)
    return folder


def run(folder, seed=1):
    """The rule's script."""
    tables = [folder / f"{name}.parquet" for name in FILES]
    simulate_digits.main(
        *tables, folder / "responses.npy", folder / "images.zip", folder / "truth.h5",
        SETTINGS, COUNTS, 12, 20, "sites", seed,
    )  # fmt: skip


@pytest.mark.parametrize("kind", digits.KINDS)
def test_a_shortcut_changes_its_patch_and_nothing_else(kind):
    scenes = arrange(kind=kind)
    a, b = (scenes.images(np.full(40, shown)) for shown in (2, 7))
    changed = (a != b).any(3)
    where = np.zeros_like(changed)
    for mask, (row, column) in zip(where, scenes.patches, strict=True):
        mask[row : row + 7, column : column + 7] = True
    if kind == "tint":  # of the background: full ink is the same whatever is behind it
        assert not changed[scenes.ink == 1].any() and changed[scenes.ink == 0].mean() > 0.9
    else:
        assert not changed[~where].any() and changed[where].mean() > 0.3


def test_patches_lie_beside_the_object_and_inside_the_image():
    scenes = arrange(300)
    for (row, column, side), (top, left) in zip(scenes.boxes, scenes.patches, strict=True):
        assert min(row, column, top, left) >= 0
        assert max(row + side, column + side, top + 7, left + 7) <= 32
        assert top + 7 <= row or top >= row + side or left + 7 <= column or left >= column + side


@pytest.mark.parametrize("kind", digits.KINDS)
def test_every_class_has_a_shortcut_of_its_own(kind):
    scenes = arrange(1, kind=kind)
    looks = [scenes.images(np.array([shown]))[0].astype(float) for shown in range(10)]
    apart = [np.abs(a - b).max() for i, a in enumerate(looks) for b in looks[:i]]
    assert min(apart) > 20


def test_the_shortcut_has_the_label_in_its_share_and_any_class_at_chance():
    labels = np.arange(40_000) % 10
    rng = np.random.default_rng(5)
    for share in (0.95, digits.CHANCE):
        shown = digits.draw_shortcuts(labels, share, rng)
        assert (shown == labels).mean() == pytest.approx(share, abs=0.01)  # 6 standard errors
        others = np.bincount(((shown - labels) % 10)[shown != labels], minlength=10)
        assert others[1:].std() < 0.1 * others[1:].mean() + 10
    table = np.zeros((10, 10))
    np.add.at(table, (labels, digits.draw_shortcuts(labels, digits.CHANCE, rng)), 1)
    assert np.abs(table / 400 - 1).max() < 0.25  # independent: 400 a cell, 5 standard errors


def test_maps_are_largest_on_the_object_and_vanish_far_from_it():
    scenes = arrange()
    maps = scenes.maps
    assert maps.shape == (40, 32, 32) and maps.max((1, 2)) == pytest.approx(1)
    for one, (row, column, side) in zip(maps, scenes.boxes, strict=True):
        peak = np.unravel_index(one.argmax(), one.shape)
        assert row <= peak[0] < row + side and column <= peak[1] < column + side
        inside = one[row : row + side, column : column + side].sum()
        assert inside > 0.75 * one.sum()  # the blob spreads a little beyond the ink


def test_maps_of_others_are_a_control_in_the_training_set_only():
    """Every map is another image's, each used once; pictures, labels and shortcuts are the same."""
    own, others = (arrange(part="train", maps=maps) for maps in digits.MAPS)
    shown = np.arange(40) % 10
    tables = [scenes.table("train", shown) for scenes in (own, others)]
    assert tables[0].drop(columns="map").equals(tables[1].drop(columns="map"))
    assert not (tables[0]["map"] == tables[1]["map"]).any()
    assert sorted(tables[0]["map"]) == sorted(tables[1]["map"])
    assert own.table("intact", shown).equals(others.table("intact", shown))


def test_sets_share_neither_digits_nor_photographs():
    parts = [set(digits.handwritten(part)[2].tolist()) for part in digits.DIGITS]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 1797
    shown = [digits.backgrounds(part) for part in digits.DIGITS]
    contents = [{image.tobytes() for image in images} for images in shown]
    assert sum(map(len, contents)) == len(set().union(*contents)) == 14
    assert min(map(len, contents)) >= 2


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes(made, tmp_path):
    run(tmp_path)
    names = [*(f"{name}.parquet" for name in FILES), "responses.npy", "images.zip"]
    assert all((tmp_path / n).read_bytes() == (made / n).read_bytes() for n in names)
    run(tmp_path, seed=2)
    assert not any((tmp_path / n).read_bytes() == (made / n).read_bytes() for n in names)


def test_intact_and_broken_images_differ_in_the_shortcut_only(made):
    intact, broken = (store.read_table(made / f"{name}.parquet") for name in ("intact", "broken"))
    assert (intact["label"] == broken["label"]).all()
    assert (intact["map"] == broken["map"]).all()
    same = intact["shortcut"] == broken["shortcut"]
    assert ((intact["image"] == broken["image"]) == same).all() and 0 < same.sum() < len(same)
    assert (intact["shortcut"] == intact["label"]).mean() > 0.7
    assert (broken["shortcut"] == broken["label"]).mean() < 0.4


def test_training_reads_the_shards(made, tmp_path):
    samples = open_samples([made / "train.parquet"], tmp_path)
    table = store.read_table(made / "train.parquet")
    assert samples.mapped.all() and (samples.labels == table["label"]).all()
    sample = samples.read(7)
    image = np.asarray(Image.open(io.BytesIO(table["image"][7])))
    np.testing.assert_array_equal(np.asarray(sample.image), image)
    assert sample.human_map.shape == (32, 32) and sample.human_map.max() == 255


# --- the simulated array --------------------------------------------------------------------------


def test_sites_read_the_object_and_not_the_background():
    """The same objects on other photographs: features, and so all rates, are the same."""
    scenes = arrange()
    others = digits.Scenes(**vars(scenes) | {"grounds": scenes.grounds[::-1].copy()})
    shown = np.zeros(40, int)
    assert (scenes.images(shown) != others.images(shown)).mean() > 0.5
    a, b = (digit_sites.plant(some, 8, np.random.default_rng(0)) for some in (scenes, others))
    np.testing.assert_array_equal(a.rate, b.rate)


def test_sites_tell_shapes_and_places_apart():
    scenes = arrange(400, part="train")
    found = digit_sites.plant(scenes, 30, np.random.default_rng(0)).rate
    means = np.stack([found[scenes.labels == label].mean(0) for label in range(10)])
    share = means.var(0) / found.var(0)
    assert np.median(share) > 0.1  # of the variance by the class alone; .01 by chance (9 of 400)
    assert found.min() >= 0 and found.mean() == pytest.approx(10, rel=0.05)


def test_strokes_do_not_depend_on_the_place():
    scenes = arrange()
    boxes = scenes.boxes.copy()
    moved = np.zeros_like(scenes.ink)
    for k, (row, column, side) in enumerate(boxes):
        moved[k, 5 : 5 + side, 6 : 6 + side] = scenes.ink[
            k, row : row + side, column : column + side
        ]
        boxes[k, :2] = 5, 6
    shifted = digits.Scenes(**vars(scenes) | {"ink": moved, "boxes": boxes})
    np.testing.assert_allclose(digit_sites.strokes(shifted), digit_sites.strokes(scenes), rtol=1e-6)


def test_the_recording_is_read_as_a_published_one(made, tmp_path):
    attributes = {"monkey": "simulated", "area": "digits", "unit": "spike count", "simulated": True}
    recorded = read_published(
        made / "responses.npy", "cowley2023", {"image_name": digit_sites.IMAGE_NAME}, attributes
    )
    shown = read_images(made / "images.zip", "")
    assert recorded.trials.shape == (60, 1, 1, 1, 12, 20) and shown.image_ids == recorded.image_ids
    planted, about = store.read_arrays(made / "truth.h5")
    assert about["simulated"] and tuple(about["image_ids"]) == recorded.image_ids
    rate = planted["sites/rate"]
    error = (recorded.responses[:, :, :, 0] - rate) / np.sqrt(rate / 20 + 1e-9)
    assert error[rate > 0.5].std() == pytest.approx(1, abs=0.15)  # Poisson, mean of 20 trials

    store.write_recording(tmp_path / "recording.h5", recorded)
    estimate_ceiling.main(
        tmp_path / "recording.h5", [made / "truth.h5"], [], [], tmp_path / "ceilings.parquet", "sites",
        "corrected", 5, None, None, "split_half_bound", ["pls"], 20, 2, 0,
    )  # fmt: skip
    found = store.read_table(tmp_path / "ceilings.parquet")
    found = found.groupby("ceiling_name", observed=True)["value"].mean()
    assert found["split_half_bound"] == pytest.approx(found["truth"], abs=0.02)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "color"}, "colour"),
        ({"share": 0.05}, "0.05"),
        ({"digit": [26, 30]}, "do not fit beside each other"),
        ({"crop": [20, 30]}, "crop"),
        ({"opacity": 1.5}, "1.5"),
        ({"patches": 7}, "patch"),
        ({"maps": "other"}, "of_others"),
    ],
)
def test_settings_that_cannot_be_drawn_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        arrange(**changes)
