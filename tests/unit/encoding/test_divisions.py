"""Images that are divided by what a column says of them: nothing is learned from what is tested."""

import numpy as np
import pytest

from itcortex.data.recordings import Recording
from itcortex.encoding import ceilings
from itcortex.encoding.divisions import INNER_FOLDS, divide_into_folds
from itcortex.encoding.protocol_ceilings import CEILINGS
from itcortex.encoding.protocols import PROTOCOLS, nested_choice
from itcortex.encoding.targets import Target, shuffled_targets, stack_targets
from itcortex.errors import UserError
from itcortex.mappings.folds import Division

SPLIT = {"kind": "split", "name": "split"}
OBJECT = {"kind": "column", "name": "object_name"}
N, N_TEST, N_SITES = 60, 12, 6


@pytest.fixture
def parts():
    return ["test" if k % 5 == 0 else "train" for k in range(N)]


@pytest.fixture
def layers(rng):
    return [rng.standard_normal((N, 20)) for _ in range(2)]


@pytest.fixture
def sites(rng, layers):
    noise = rng.standard_normal((N, N_SITES))
    return layers[1] @ rng.standard_normal((20, N_SITES)) + noise


def recording(sites, pictures=None, trials=None, **labels):
    ids = tuple(f"i{k:03d}" for k in range(len(sites)))
    responses = np.asarray(sites, "float32")[:, None, None, None]
    made = Recording(responses, ids, tuple("abcdef"), {"image_labels": labels}, trials)
    return made.with_pictures(dict(zip(ids, pictures, strict=True))) if pictures else made


def scored(maps, sites, division, mapping="pls", nested=True):
    fit = PROTOCOLS["corrected"].fitter(mapping, 5, "exact", 0, nested)
    return fit(maps, sites[None, :, None, None], division)


# --- one test set ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mapping", ["pls", "ridge", "reverse", "rsa", "cka"])
def test_a_test_set_has_the_scores_of_a_fold_whose_layer_the_training_images_chose(
    parts, layers, sites, mapping
):
    """Against the same groups as folds, all of which are tested: fold 0 is the test set."""
    division = divide_into_folds(recording(sites, split=parts), SPLIT, 3)
    assert division.names == ("test",)
    assert division.tested_in.tolist() == [0 if part == "test" else -1 for part in parts]
    assert len(np.unique(division.group_of)) == 1 + INNER_FOLDS
    folds = Division.into_folds(division.group_of)
    ours, theirs = (
        [scored(maps, sites, one, mapping) for maps in layers] for one in (division, folds)
    )
    for one, other in zip(ours, theirs, strict=True):
        for name, values in one.metrics.items():
            np.testing.assert_allclose(values, other.metrics[name][:, :1], atol=1e-12)
        np.testing.assert_allclose(one.inner, other.inner[:1], atol=1e-12)
    assert nested_choice(ours).tolist() == nested_choice(theirs)[:1].tolist() == [1]


def test_training_images_are_never_scored_and_test_images_never_learned_from(parts, layers, sites):
    division = divide_into_folds(recording(sites, split=parts), SPLIT, 0)
    test, poisoned = division.tested, sites.copy()
    poisoned[test] += 1e6 * (1 + np.arange(N_TEST))[:, None]
    for mapping in ("pls", "ridge"):
        before, after = (scored(layers[1], y, division, mapping) for y in (sites, poisoned))
        assert before.metrics["r"].shape == (1, 1, N_SITES)
        assert np.isnan(before.predictions[~test]).all()
        np.testing.assert_array_equal(before.predictions[test], after.predictions[test])
        np.testing.assert_array_equal(before.inner, after.inner)
        held_out = PROTOCOLS["corrected"].held_out([before], np.array([0]), division)
        np.testing.assert_array_equal(held_out, before.predictions)


def test_training_images_with_the_pixels_of_a_test_image_are_left_out_and_named(
    parts, layers, sites, caplog
):
    """Image 5 is tested, image 6 its twin: its response moves nothing, image 7's moves predictions."""
    names = [f"i{k:03d}" for k in range(N)]
    pictures = [*names[:6], names[5], *names[7:]]
    made = recording(sites, pictures, split=parts)
    division = divide_into_folds(made, SPLIT, 0)
    assert division.group_of[6] == -1
    assert "1 training images have the pixels of a test image and are left out: i006" in caplog.text
    for image, moves in ((6, False), (7, True)):
        other = sites.copy()
        other[image] += 100
        one, two = (scored(layers[0], y, division).predictions for y in (sites, other))
        assert np.array_equal(one, two, equal_nan=True) != moves
        assert np.isnan(one[6]).all()
        assert np.isfinite(one[5]).all()


def test_labels_may_be_written_in_capitals_but_nothing_else(parts, sites):
    written = [" Test" if part == "test" else "TRAIN" for part in parts]
    one, two = (divide_into_folds(recording(sites, split=x), SPLIT, 1) for x in (parts, written))
    np.testing.assert_array_equal(one.group_of, two.group_of)
    with pytest.raises(UserError, match="column 'split': 'validation' is neither 'train' nor 'tes"):
        divide_into_folds(recording(sites, split=[*parts[:-1], "validation"]), SPLIT, 0)


@pytest.mark.parametrize(
    ("n_test", "message"),
    [
        (0, "test images of .* 0 images"),
        (1, "test images of .* 1 image \\("),
        (4, r"4 images \(4 samples.* at least 2 images and 5 samples"),
        (N, r"0 training images; at least 15 are needed"),
        (N - 14, r"14 training images; at least 15 are needed"),
    ],
)
def test_test_sets_that_leave_too_few_images_are_refused(sites, n_test, message):
    parts = ["test"] * n_test + ["train"] * (N - n_test)
    with pytest.raises(UserError, match=message):
        divide_into_folds(recording(sites, split=parts), SPLIT, 0)


def test_fifteen_training_images_choose_a_layer_on_three_parts(sites):
    parts = ["test"] * (N - 15) + ["train"] * 15
    division = divide_into_folds(recording(sites, split=parts), SPLIT, 0)
    assert np.bincount(division.group_of).tolist() == [N - 15, 5, 5, 5]


def test_some_images_of_a_division_keep_their_groups(parts, sites):
    division = divide_into_folds(recording(sites, split=parts), SPLIT, 0)
    kept = np.flatnonzero(division.group_of != 2)
    some = division.restricted(kept[::-1])
    assert some.names == ("test",)
    renumbered = np.array([0, 1, -1, 2, 3, 4])[division.group_of[kept[::-1]]]
    np.testing.assert_array_equal(some.group_of, renumbered)
    assert not division.tests_once


# --- values of a column ---------------------------------------------------------------------------


def test_every_value_of_a_column_is_held_out_in_turn(layers, sites):
    objects = [("car", "face", "dog", "tree")[k % 4] for k in range(N)]
    division = divide_into_folds(recording(sites, object_name=objects), OBJECT, 0)
    assert division.names == ("car", "dog", "face", "tree")
    for name, split in zip(division.names, division.splits, strict=True):
        assert {objects[k] for k in split.test} == {name}
        assert {objects[k] for k in split.train} == {*objects} - {name}
    assert np.isfinite(scored(layers[1], sites, division).predictions).all()


def test_a_feature_that_a_value_alone_has_does_not_generalise_to_it(rng):
    """Sites follow one feature in half of the objects and another one in the others."""
    kind = np.arange(120) % 3
    maps = rng.standard_normal((120, 3))
    sites = maps[np.arange(120), kind][:, None] + 0.1 * rng.standard_normal((120, N_SITES))
    maps *= np.eye(3)[kind]  # each kind drives features of its own
    made = recording(sites, object_name=[f"k{k}" for k in kind])
    within, across = (divide_into_folds(made, folds, 0) for folds in (5, OBJECT))
    r = [np.median(scored(maps, sites, one, "ridge").metrics["r"][0]) for one in (within, across)]
    assert r[0] > 0.9
    assert abs(r[1]) < 0.2


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (["a", "b"] * 30, "has 2 values .'a', 'b'., and at least 3 are needed.*kind: split"),
        (["a", "b", "c"] * 19 + ["d", "a", "b"], r"'d': 1 image \(1 samples"),
        (["a", "b", "c"] * 18 + ["d"] * 4 + ["a"] * 2, r"'d': 4 images \(4 samples"),
    ],
)
def test_values_that_cannot_be_held_out_are_refused_by_name(sites, objects, message):
    with pytest.raises(UserError, match=message):
        divide_into_folds(recording(sites, object_name=objects), OBJECT, 0)


def test_twins_with_two_values_and_columns_that_are_not_there_are_refused(sites):
    names = [f"i{k:03d}" for k in range(N)]
    objects = ["a", "b", "c"] * 20
    made = recording(sites, [names[0], names[0], *names[2:]], object_name=objects)
    with pytest.raises(
        UserError, match=r"image 'i001' \('b'\) has the pixels of an image with 'a'"
    ):
        divide_into_folds(made, OBJECT, 0)
    with pytest.raises(
        UserError, match=r"folds: name: .* no 'objects' .* did you mean 'object_name'"
    ):
        divide_into_folds(recording(sites, object_name=objects), OBJECT | {"name": "objects"}, 0)


# --- controls and ceilings ------------------------------------------------------------------------


def test_the_control_shuffles_test_images_among_themselves(parts, sites):
    made = recording(np.arange(N)[:, None] + np.zeros((1, N_SITES)), split=parts)
    tested = divide_into_folds(made, SPLIT, 0).tested
    targets = shuffled_targets(Target(None, main=True), 3)
    stacked = stack_targets(made, targets, np.random.default_rng(0), tested)[:, :, 0, 0, 0]
    for moved in stacked.astype(int):
        assert sorted(moved) == list(range(N))
        assert set(moved[tested]) == set(np.flatnonzero(tested))
        assert (moved != np.arange(N)).all()
    everything = stack_targets(made, targets, np.random.default_rng(0))
    same = stack_targets(made, targets, np.random.default_rng(0), np.ones(N, bool))
    np.testing.assert_array_equal(everything, same)


def test_ceilings_of_trials_are_those_of_the_test_images(rng, parts, sites):
    """Training images were shown once; the test images' ceilings are those of their recording alone."""
    test = np.array(parts) == "test"
    trials = sites[:, None, None, None, :, None] + rng.standard_normal((N, 1, 1, 1, N_SITES, 4))
    trials[~test, ..., 1:] = np.nan
    made = recording(
        np.nanmean(trials, -1)[:, 0, 0, 0], trials=trials.astype("float32"), split=parts
    )
    division = divide_into_folds(made, SPLIT, 0)
    found = CEILINGS["corrected"](made, None, division, 5, np.random.default_rng(1), None)
    of_test = made.trials[test].reshape(-1, N_SITES, 4)
    alone = np.median(ceilings.split_half(of_test, 5, np.random.default_rng(1)))
    assert found["split_half"].shape == found["population"].shape == (1,)
    assert found["split_half"][0] == pytest.approx(alone, abs=1e-12)
    assert 0.7 < found["split_half"][0] < 1
    chance = ceilings.shuffled(made, np.random.default_rng(0), division.tested)
    np.testing.assert_array_equal(np.isnan(chance.trials), np.isnan(made.trials))
    by_chance = CEILINGS["corrected"](chance, None, division, 5, np.random.default_rng(1), None)
    assert by_chance["split_half"][0] < found["split_half"][0] - 0.3
