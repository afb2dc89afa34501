"""Parts of images by a network's features: planted clusters, and test sets against all others."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from itcortex.encoding.image_parts import clusters, far, pooled
from itcortex.errors import UserError


def names(n):
    return tuple(f"i{k:03d}" for k in range(n))


@pytest.fixture
def planted(rng):
    """Three groups of 30, 20 and 10 images, far apart; and the group of every image."""
    group = np.repeat([0, 1, 2], [30, 20, 10])
    centres = 20 * np.eye(3, 8)
    order = rng.permutation(60)
    return (centres[group] + rng.standard_normal((60, 8)))[order], group[order]


def test_planted_clusters_are_found_and_numbered_by_size(planted):
    features, group = planted
    found = clusters(features, names(60), 3, 0)
    assert found["part"].tolist() == [f"cluster-{k + 1}" for k in group]
    means = np.array([features[group == k].mean(0) for k in range(3)])
    np.testing.assert_allclose(found["distance"], np.linalg.norm(features - means[group], axis=1))


def test_neither_order_nor_twins_move_an_image_to_another_part(planted, rng):
    features, _ = planted
    order = rng.permutation(60)
    for part in (lambda x, p: clusters(x, p, 4, 3), lambda x, p: far(x, p, 0.2)):
        first = part(features, names(60))
        again = part(features[order], tuple(np.array(names(60))[order]))
        assert again["part"].tolist() == first["part"].to_numpy()[order].tolist()
        np.testing.assert_allclose(again["distance"], first["distance"].to_numpy()[order])
        twice = part(np.concatenate([features, features]), names(60) * 2)
        assert twice["part"].tolist() == first["part"].tolist() * 2


def test_more_clusters_than_pictures_are_refused(planted):
    with pytest.raises(UserError, match="61 clusters of 60 pictures"):
        clusters(planted[0], names(60), 61, 0)


@pytest.mark.parametrize(("n", "n_test"), [(9, 2), (10, 3), (11, 5), (12, 4)])
def test_no_test_set_of_that_size_is_farther_from_its_nearest_training_image(rng, n, n_test):
    """Against all sets, in two dimensions, ten times each."""
    for _ in range(10):
        points = rng.standard_normal((n, 2))
        distances = cdist(points, points)

        def margin(test, distances=distances, n=n):
            train = [k for k in range(n) if k not in test]
            return distances[np.ix_(test, train)].min()

        best = max(margin(list(test)) for test in combinations(range(n), n_test))
        found = far(points, names(n), n_test / n)
        test = np.flatnonzero(found["part"] == "test").tolist()
        assert len(test) == n_test
        assert margin(test) == pytest.approx(best, rel=1e-9)
        assert found["distance"][test].min() == pytest.approx(best, rel=1e-9)


def test_a_group_of_the_wanted_size_that_lies_apart_is_tested_whole(planted):
    features, group = planted
    for share, tested in ((1 / 6, [2]), (1 / 3, [1]), (1 / 2, [0])):
        found = far(features, names(60), share)["part"].to_numpy()
        sides = {tuple(sorted(set(found[group == k]))) for k in range(3)}
        assert sides == {("test",), ("train",)}
        assert (found == "test").sum() == round(share * 60)
        if share < 1 / 2:  # a half is the largest group, or the two others
            assert set(group[found == "test"]) == set(tested)


def test_shares_that_leave_one_side_empty_are_refused(planted):
    for share in (0.001, 0.999):
        with pytest.raises(UserError, match=f"share: {share} of 60 pictures"):
            far(planted[0], names(60), share)


def test_pooled_features_are_means_over_positions(rng):
    maps = rng.standard_normal((4, 3, 5, 7)).astype("float16")
    np.testing.assert_allclose(pooled(maps), maps.astype(float).mean((1, 2)))
    tokens = rng.standard_normal((4, 7))
    np.testing.assert_array_equal(pooled(tokens), tokens)
