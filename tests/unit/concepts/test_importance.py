"""Total Sobol indices: known functions, and networks whose answer is additive in its concepts."""

import numpy as np
import pytest
import torch

from itcortex.concepts.activity import crop_activations
from itcortex.concepts.crops import Crops
from itcortex.concepts.factorization import find_concepts
from itcortex.concepts.importance import sobol_of, total_indices
from itcortex.errors import UserError
from itcortex.networks.layer_choice import named_layers
from made import concepts as made

pytestmark = pytest.mark.network

BASIS = made.PARTS / np.linalg.norm(made.PARTS, axis=1, keepdims=True)


@pytest.fixture
def network(tmp_path):
    """Network, preprocessing and the layer whose parts are known."""
    described = made.network(tmp_path)
    model = described.build()
    preprocessing = described.preprocessing_of(model)
    (layer,) = named_layers(described.skeleton(), preprocessing.input_size, ["act"])
    return model, preprocessing, layer


def test_indices_of_a_sum_of_a_product_and_of_a_constant():
    weights = np.array([3.0, -2.0, 1.0, 0.0])
    additive = sobol_of(lambda masks: (weights @ masks)[None], 4, 1024, 0)
    np.testing.assert_allclose(additive, weights**2 / 14, atol=0.01)  # 1024 masks
    # of the product of two: 1 - (1/48) / (7/144), each
    product = sobol_of(lambda masks: (masks[0] * masks[1])[None], 3, 1024, 0)
    np.testing.assert_allclose(product, [4 / 7, 4 / 7, 0], atol=0.02)
    constant = sobol_of(lambda masks: np.ones((1, masks.shape[1])), 2, 8, 0)
    np.testing.assert_array_equal(constant, [0, 0])


def test_few_masks_may_estimate_more_than_one():
    """One concept is all of the score: its index is 1, and estimates lie on both sides of it."""
    found = [sobol_of(lambda masks: masks[:1] ** 2, 2, 4, seed)[0] for seed in range(20)]
    assert min(found) < 1 < max(found)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_have_no_importance(value):
    """SciPy would say 0, as of a concept that does not matter."""

    def score(masks):
        return np.where(masks[:1] > 0.9, value, masks[:1])

    with pytest.raises(UserError, match=r"importance: \d+ of 16 class scores .* not finite"):
        sobol_of(score, 2, 16, 0)


def test_scores_that_are_not_finite_are_refused_with_layer_and_image(network, rng):
    model, preprocessing, layer = network
    images, _ = made.photographs(3, rng)
    images[0] = 0  # its scores are 0, and those of the others too large for float32
    with torch.no_grad():
        model.filters.weight *= 1e30
        model.head.weight *= 1e30
    with pytest.raises(UserError, match=r"layer 'act', image 2 of 3: 8 of 8 .*`concepts: models`"):
        total_indices(model, preprocessing, images, layer, BASIS, 8, 16, 0, "cpu")


def test_importance_equals_the_closed_form_where_the_head_is_additive(network, rng):
    """With c_k what concept k adds to the score, S_k = c_k^2 / sum c^2."""
    model, preprocessing, layer = network
    images, amounts = made.photographs(5, rng)
    found, classes = total_indices(
        model, preprocessing, images, layer, BASIS, 256, 16, 0, "cpu"
    )  # fmt: skip
    scores = amounts @ made.PARTS @ made.HEAD.T
    np.testing.assert_array_equal(classes, scores.argmax(1))
    added = amounts * (made.PARTS @ made.HEAD[classes].T).T
    np.testing.assert_allclose(found, added**2 / (added**2).sum(1)[:, None], atol=0.03)  # 256 masks


def test_every_image_has_masks_of_its_own(network):
    """Of one image shown twice, few masks give two estimates: their error is not that of all images."""
    model, preprocessing, layer = network
    image = np.zeros((made.SIDE, made.SIDE, 3), np.uint8)
    image[: made.SIDE // 2, :, 0] = 200  # a red half, and a green one
    image[made.SIDE // 2 :, :, 1] = 150
    twice = [image, image]
    found, _ = total_indices(model, preprocessing, twice, layer, BASIS, 8, 16, 0, "cpu")
    again, _ = total_indices(model, preprocessing, twice, layer, BASIS, 8, 16, 0, "cpu")
    np.testing.assert_array_equal(found, again)
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_parts_of_photographs_are_recovered_by_crops(network, rng):
    model, preprocessing, layer = network
    images, _ = made.photographs(60, rng)
    crops = Crops.draw(images, 0.5, 240, rng)
    activations, positive = crop_activations(model, preprocessing, crops, layer, 16)
    assert positive == 1  # after a ReLU
    expected = np.stack([crop.mean((0, 1)) for crop in crops[:]]) / 255 @ made.PARTS
    np.testing.assert_allclose(activations, expected, atol=0.03)  # resizing rounds to whole colours
    found = find_concepts(activations, 3, 0, "layer")
    order = made.matched(found.basis)
    np.testing.assert_allclose(found.basis[order], BASIS, atol=0.05)


def test_half_of_a_layer_that_is_symmetric_about_zero_is_above_it(network, rng):
    model, preprocessing, _ = network
    with torch.no_grad():  # three channels, and their negatives
        model.filters.weight[3:] = -model.filters.weight[:3]
    (layer,) = named_layers(model, preprocessing.input_size, ["filters"])
    crops = Crops.draw(made.photographs(6, rng)[0], 0.5, 12, rng)
    activations, positive = crop_activations(model, preprocessing, crops, layer, 4)
    assert positive == pytest.approx(0.5) and (activations >= 0).all()
