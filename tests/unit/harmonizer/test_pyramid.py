"""Standardising, matching and pyramids, against numpy written out; faults of known ports by name."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from itcortex.errors import UserError
from itcortex.harmonizer.pyramid import match_maximum, pyramid, pyramidal_mse, standardize_cut

pytestmark = pytest.mark.network


def maps_of(rng, *shape, scale=1.0):
    """Random maps (image, row, column) in float64."""
    return torch.from_numpy(rng.standard_normal(shape) * scale)


# --- standardise and cut --------------------------------------------------------------------------


def test_std_is_the_populations(rng):
    """Known port's fault: torch's default divides by the number of pixels less one."""
    maps = maps_of(rng, 3, 4, 5)
    mean, std = (f(maps.numpy(), axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    expected = np.maximum((maps.numpy() - mean) / (std + 1e-5), 0)
    np.testing.assert_allclose(standardize_cut(maps), expected, rtol=1e-12)
    unbiased = np.std(maps.numpy(), axis=(1, 2), keepdims=True, ddof=1)
    assert np.abs(np.maximum((maps.numpy() - mean) / unbiased, 0) - expected).max() > 0.01


@pytest.mark.parametrize("epsilon", ["reference", "relative"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, -1e-20])
def test_maps_of_one_value_give_zeros_and_zero_gradients(epsilon, dtype, value):
    """Also .1, whose mean is not .1 in floating point: no rounding is blown up to a map."""
    maps = torch.full((2, 7, 9), value, dtype=dtype, requires_grad=True)
    cut = standardize_cut(maps, epsilon)
    (gradient,) = torch.autograd.grad(cut.square().sum() + cut.sum(), maps)
    assert not cut.any() and not gradient.any()


def test_constant_and_varying_maps_in_one_batch(rng):
    """One does not touch the other."""
    both = maps_of(rng, 2, 6, 6)
    both[1] = 2.0
    both.requires_grad_()
    cut = standardize_cut(both)
    (gradient,) = torch.autograd.grad(cut.square().sum(), both)
    torch.testing.assert_close(cut[:1], standardize_cut(both[:1]))
    assert gradient[0].any() and gradient.isfinite().all() and not gradient[1].any()


@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1.0, 1e9])
def test_relative_epsilon_ignores_the_scale(rng, scale):
    """Also where float32 squares vanish. Tolerance: a few roundings of float32."""
    maps = maps_of(rng, 2, 8, 8).float()
    scaled = (maps * scale).requires_grad_()
    cut = standardize_cut(scaled, "relative")
    torch.testing.assert_close(cut, standardize_cut(maps, "relative"), rtol=1e-5, atol=1e-5)
    (gradient,) = torch.autograd.grad(cut.sum(), scaled)
    assert gradient.isfinite().all()


def test_reference_epsilon_flattens_small_gradients(rng):
    """Some networks start with gradients of 1e-9: std 1e-9 over 1e-5 leaves a map of 1e-4."""
    maps = maps_of(rng, 1, 16, 16)
    ordinary, small = standardize_cut(maps), standardize_cut(maps * 1e-9)
    np.testing.assert_allclose(small.max() / ordinary.max(), 1e-4, rtol=0.1)
    relative = standardize_cut(maps * 1e-9, "relative")
    torch.testing.assert_close(relative, ordinary, rtol=2e-5, atol=0)


@pytest.mark.parametrize("epsilon", ["reference", "relative"])
def test_gradient_is_that_of_finite_differences(rng, epsilon):
    """torch's own check, in float64; the cut's kinks lie at no value of these maps."""
    maps = maps_of(rng, 2, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: standardize_cut(m, epsilon), maps)


def test_an_unknown_epsilon_is_refused(rng):
    with pytest.raises(UserError, match=r"epsilon: 'relate' .* did you mean 'relative'"):
        standardize_cut(maps_of(rng, 1, 2, 2), "relate")


# --- matching of maxima ---------------------------------------------------------------------------


def test_human_maps_get_the_models_maximum_as_a_constant(rng):
    """Known port's fault: with the maximum in the graph a network would flatten its own peak."""
    human, model = (maps_of(rng, 3, 5, 5).abs() for _ in range(2))
    model.requires_grad_()
    matched = match_maximum(human, model)
    torch.testing.assert_close(
        matched.amax((1, 2)), model.detach().amax((1, 2)), rtol=1e-5, atol=1e-5
    )
    assert not matched.requires_grad
    (gradient,) = torch.autograd.grad((model - match_maximum(human, model)).square().sum(), model)
    torch.testing.assert_close(gradient, 2 * (model.detach() - matched))


def test_empty_human_maps_stay_empty(rng):
    """No division of zero by zero."""
    matched = match_maximum(torch.zeros(1, 4, 4), maps_of(rng, 1, 4, 4).float().abs())
    assert not matched.any()


# --- pyramid --------------------------------------------------------------------------------------


def halved(image: np.ndarray) -> np.ndarray:
    """Oracle: TensorFlow's definition of 'SAME' with stride 2, pixel by pixel."""
    weights = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256
    out = [-(-n // 2) for n in image.shape]
    before = [max((o - 1) * 2 + 5 - n, 0) // 2 for o, n in zip(out, image.shape, strict=True)]
    result = np.zeros(out)
    for row in range(out[0]):
        for column in range(out[1]):
            for i in range(5):
                for j in range(5):
                    y, x = 2 * row + i - before[0], 2 * column + j - before[1]
                    if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                        result[row, column] += weights[i, j] * image[y, x]
    return result


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (8, 9), (7, 4), (1, 2), (1, 1)])
def test_levels_are_those_of_tensorflow(rng, shape):
    """Known ports' faults: no stride, and two zeros on both sides of an even size."""
    maps = maps_of(rng, 2, *shape)
    levels = pyramid(maps, 3)
    assert len(levels) == 3
    torch.testing.assert_close(levels[0], maps, rtol=0, atol=0)
    for before, after in pairwise(levels):
        expected = [halved(image) for image in before.numpy()]
        np.testing.assert_allclose(after, expected, rtol=1e-12, atol=1e-15)


def test_an_even_size_is_padded_by_one_and_two():
    """Pixel 0 is seen by the kernel's second weight, 4/16; with two zeros before it, by the third."""
    maps = torch.zeros(1, 8, 8)
    maps[0, 0, 0] = 1
    assert pyramid(maps, 2)[1][0, 0, 0] == pytest.approx((4 / 16) ** 2)


def test_mean_squared_error_over_levels_images_and_tokens(rng):
    """Each level counts the same, however few pixels it has; images without a map count in the mean."""
    a, b = maps_of(rng, 3, 12, 10), maps_of(rng, 3, 12, 10)
    tokens = torch.tensor([1.0, 0.0, 1.0])
    levels = zip(pyramid(a, 4), pyramid(b, 4), strict=True)
    expected = np.mean(
        [((x - y).square() * tokens[:, None, None]).mean().item() for x, y in levels]
    )
    assert pyramidal_mse(a, b, tokens, 4).item() == pytest.approx(expected, rel=1e-12)
    one = pyramidal_mse(a, b, torch.tensor([1.0, 0.0, 0.0]), 4)
    assert one.item() == pytest.approx(pyramidal_mse(a[:1], b[:1], torch.ones(1), 4).item() / 3)


def test_one_level_is_the_plain_mean_squared_error(rng):
    a, b = maps_of(rng, 2, 6, 6), maps_of(rng, 2, 6, 6)
    found = pyramidal_mse(a, b, torch.ones(2), levels=1).item()
    assert found == pytest.approx((a - b).square().mean().item(), rel=1e-12)
