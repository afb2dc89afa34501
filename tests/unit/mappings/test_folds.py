"""Folds that do not depend on file order, and layers chosen without the test images."""

import numpy as np
import pytest

from itcortex.errors import UserError
from itcortex.mappings.folds import Division, Split, assign_folds, choose_layers, pair_problems
from itcortex.numerics.metrics import pearson

IDS = tuple(f"image{k:02d}.png" for k in range(14))


def test_leave_one_image_out_gives_every_image_its_own_fold(rng):
    np.testing.assert_array_equal(assign_folds(IDS, "image", rng), np.arange(14))
    assert Division.into_folds(np.arange(14), IDS).names == IDS


def test_folds_are_balanced_and_follow_the_image_not_its_place_in_the_file():
    first = assign_folds(IDS, 4, np.random.default_rng(1))
    assert sorted(np.bincount(first)) == [3, 3, 4, 4]
    shuffled = np.random.default_rng(2).permutation(14)
    again = assign_folds(tuple(np.array(IDS)[shuffled]), 4, np.random.default_rng(1))
    np.testing.assert_array_equal(again, first[shuffled])
    names = Division.into_folds(first, IDS).names
    assert names == ("fold-00", "fold-01", "fold-02", "fold-03")


def test_folds_and_repeated_splits_are_one_type():
    fold_of = np.array([2, 0, 1, 0, 2, 1])
    folds = Division.into_folds(fold_of)
    assert len(folds) == 3
    np.testing.assert_array_equal(folds.fold_of, fold_of)
    for fold, split in enumerate(folds.splits):
        assert split.test.tolist() == np.flatnonzero(fold_of == fold).tolist()
        assert sorted([*split.train, *split.test]) == list(range(6))
        assert not len(split.validation)
    tests = [[0, 1], [1, 2]]
    splits = tuple(Split(np.array([3, 4]), np.array(test), np.array([4])) for test in tests)
    with pytest.raises(ValueError, match="repeated splits are no folds"):
        _ = Division(("split-00", "split-01"), splits, 5).fold_of
    with pytest.raises(ValueError, match="tested several times"):
        _ = Division(("split-00", "split-01"), splits, 5).tested_in


def test_images_that_only_train_are_tested_in_no_split():
    split = Split(np.array([0, 2, 4]), np.array([3, 1]), np.empty(0, int))
    assert Division(("test",), (split,), 5).tested_in.tolist() == [-1, 0, -1, 0, -1]


def test_a_single_split_chooses_by_its_only_inner_score():
    np.testing.assert_array_equal(choose_layers(np.array([[[0.1]], [[0.4]], [[0.3]]])), [1])


@pytest.mark.parametrize(("ids", "folds"), [(IDS, 15), (IDS[:2], "image"), (IDS, 2)])
def test_too_few_images_are_refused_with_the_numbers(rng, ids, folds):
    with pytest.raises(UserError, match=rf"{folds}.*at least 3 folds.*\({len(ids)}\)"):
        assign_folds(ids, folds, rng)


@pytest.mark.parametrize(
    ("n_images", "folds", "positions", "most"),
    [(20, 10, 1, 4), (20, 5, 1, 4), (14, "image", 4, 7), (40, 9, 1, 8)],
)
def test_folds_of_too_few_samples_are_refused_with_the_largest_number(
    rng, n_images, folds, positions, most
):
    ids = tuple(f"i{k:02d}" for k in range(n_images))
    with pytest.raises(UserError, match=rf"folds: {folds!r} leaves .*choose at most {most} folds"):
        assign_folds(ids, folds, rng, positions)
    allowed = assign_folds(ids, most, rng, positions)
    assert np.bincount(allowed).min() * positions >= 5


def test_too_few_images_for_any_folds_are_refused(rng):
    with pytest.raises(UserError, match=r"leaves 4 samples .*record more images"):
        assign_folds(IDS, 3, rng, 1)


def test_correlations_of_noise_are_near_zero_most_often_from_five_samples_on(rng):
    """Why five: the share of |r| > 3/4 among unrelated numbers, against its density."""
    for n, share in ((3, 0.460), (4, 0.25), (5, 0.144)):
        a, b = rng.standard_normal((2, n, 20_000))
        r = np.array(pearson(a, b))
        # share of a Bernoulli variable in 20,000 draws: .0035 standard error
        assert np.mean(np.abs(r) > 0.75) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("folds", [3, 7, "image"])
def test_twins_are_in_one_fold_and_folds_stay_nearly_equal(folds):
    """40 images, 12 of them shown under two names more."""
    pictures = tuple(f"p{k:02d}" for k in range(28)) + tuple(f"p{k:02d}" for k in range(12))
    fold_of = assign_folds(pictures, folds, np.random.default_rng(2))
    for picture in set(pictures):
        assert len({f for f, p in zip(fold_of, pictures, strict=True) if p == picture}) == 1
    sizes = np.bincount(fold_of)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 2
    division = Division.into_folds(fold_of, pictures)
    assert len(division) == (28 if folds == "image" else folds)
    assert division.names[0] == ("p00" if folds == "image" else "fold-00")


def test_every_pair_of_folds_is_one_problem():
    pairs = {problem.held_out for problem in pair_problems(5, 0)}
    assert len(pairs) == 10
    assert all(i < j for i, j in pairs)


def test_layer_is_chosen_by_inner_scores_of_other_folds_only():
    inner = np.zeros((3, 4, 4))
    inner[1] = 0.5
    inner[2] = 0.4
    inner[2, 0] = 0.9  # best for outer fold 0
    inner[0][np.eye(4, dtype=bool)] = 100.0  # scores on a fold itself must not count
    np.testing.assert_array_equal(choose_layers(inner), [2, 1, 1, 1])


def test_a_test_set_has_no_say_in_its_layer_where_other_groups_only_train():
    inner = np.full((2, 1, 4), 0.2)
    inner[1, 0, 1:] = 0.3
    inner[0, 0, 0] = 100.0  # of the test set itself
    np.testing.assert_array_equal(choose_layers(inner), [1])


def test_undefined_inner_scores_are_left_out_but_one_is_needed():
    inner = np.full((2, 3, 3), 0.2)
    inner[1, 0, 1] = np.nan
    inner[1, 0, 2] = 0.3
    assert choose_layers(inner)[0] == 1
    inner[:, 2] = np.nan
    with pytest.raises(UserError, match=r"no layer has a defined inner score for 1 of 3 .* 0: 2\)"):
        choose_layers(inner)
