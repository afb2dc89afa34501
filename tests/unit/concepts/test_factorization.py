"""Planted parts are found up to their order, by any amount of them, and what has no parts is refused."""

import numpy as np
import pytest

from itcortex.concepts.factorization import find_concepts, take_apart
from itcortex.errors import UserError
from made.concepts import PARTS, matched


@pytest.fixture
def mixed(rng):
    """Amounts (crop, part), some crops with one part alone, and their activations (crop, channel)."""
    amounts = rng.uniform(0, 3, (200, 3)) * (rng.random((200, 3)) < 0.5)
    return amounts, amounts @ PARTS


def test_planted_parts_are_found_up_to_their_order(mixed):
    amounts, activations = mixed
    found = find_concepts(activations.astype(np.float32), 3, 0, "layer")
    order = matched(found.basis)
    lengths = np.linalg.norm(PARTS, axis=1)
    # the descent ends at a relative change of 1e-4
    np.testing.assert_allclose(found.basis[order], PARTS / lengths[:, None], atol=0.02)
    np.testing.assert_allclose(found.strengths[:, order], amounts * lengths, atol=0.1)
    assert found.explained > 0.9999
    turned = found.ordered(order)
    np.testing.assert_array_equal(turned.basis, found.basis[order])
    np.testing.assert_array_equal(turned.strengths, found.strengths[:, order])


def test_the_same_seed_gives_the_same_and_the_size_of_activations_is_no_matter(mixed):
    first, second = (find_concepts(mixed[1], 3, 7, "layer") for _ in range(2))
    np.testing.assert_array_equal(first.basis, second.basis)
    scaled = find_concepts(mixed[1] * 1e4, 3, 7, "layer")
    np.testing.assert_allclose(scaled.basis, first.basis, atol=1e-6)  # rounding in another order
    np.testing.assert_allclose(scaled.strengths / 1e4, first.strengths, atol=1e-5)


def test_known_parts_are_taken_out_of_maps_exactly_and_below_zero_counts_as_zero(rng):
    basis = PARTS / np.linalg.norm(PARTS, axis=1, keepdims=True)
    amounts = rng.uniform(0, 2, (7, 3, 5, 3))
    maps = amounts @ basis
    np.testing.assert_allclose(take_apart(maps, basis), amounts, atol=1e-4)  # tolerance of the fit
    below = maps - 5 * (maps == 0)
    np.testing.assert_allclose(take_apart(below, basis), amounts, atol=1e-4)
    assert not take_apart(np.zeros((2, 6)), basis).any()


def test_amounts_are_those_of_non_negative_least_squares(rng):
    """SciPy's solver, row by row, on activations that no amounts rebuild."""
    from scipy.optimize import nnls

    basis = rng.random((4, 9))
    values = rng.random((30, 9)) + rng.standard_normal((30, 9)).clip(0)
    expected = [nnls(basis.T, row)[0] for row in values]
    np.testing.assert_allclose(take_apart(values, basis), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("activations", "number", "message"),
    [
        (np.zeros((20, 6)), 3, "no activation of any crop is above zero, so that it has no parts"),
        (np.tile(PARTS[:1], (20, 1)), 2, "all crops have the same activations"),
        (np.full((20, 6), np.nan), 2, "activations of crops are not finite"),
        (np.ones((20, 6)) * np.arange(20)[:, None], 7, r"7 concepts are more .* channels \(6\)"),
        (np.eye(3, 6), 4, r"or there are crops \(3\); ask for fewer"),
    ],
)
def test_what_has_no_parts_is_refused_by_the_layers_name(activations, number, message):
    with pytest.raises(UserError, match=message) as error:
        find_concepts(activations, number, 0, "layer 'act'")
    assert "layer 'act'" in str(error.value)
