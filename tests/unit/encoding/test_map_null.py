"""Null of map alignment: right about unrelated smooth maps, sure of planted matches."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from itcortex.encoding import map_alignment, map_null

N_CASES = 200
METHODS = ["shift", "phase"]
#: 99.9 % of rates of 200 fair tests at .05 lie in between.
FAIR = (0.005, 0.11)


def smooth_maps(rng, side, width, periodic=False, n_images=N_CASES):
    """Unrelated maps (image, side, side, 1) of white noise blurred by `width` cells."""
    margin = 0 if periodic else int(4 * width) + 1
    size = side + 2 * margin
    noise = rng.standard_normal((n_images, size, size))
    mode = "wrap" if periodic else "nearest"
    blurred = gaussian_filter(noise, (0, width, width), mode=mode)
    return blurred[:, margin : margin + side, margin : margin + side, None]


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("side", "width"), [(17, 2.0), (9, 1.5)])
def test_unrelated_smooth_maps_have_uniform_p(rng, method, side, width):
    recorded, predicted = (smooth_maps(rng, side, width) for _ in range(2))
    p = map_null.alignment_null(recorded, predicted, 1, 199, rng, method).p
    assert FAIR[0] <= (p <= 0.05).mean() <= FAIR[1]
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
def test_unrelated_periodic_maps_have_uniform_p_without_mirrors(rng, method):
    recorded, predicted = (smooth_maps(rng, 12, 2.0, periodic=True) for _ in range(2))
    p = map_null.alignment_null(recorded, predicted, 1, 199, rng, method, mirrored=False).p
    assert FAIR[0] <= (p <= 0.05).mean() <= FAIR[1]
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.long
def test_shuffled_positions_are_far_too_liberal_on_the_same_maps(rng):
    recorded, predicted = (smooth_maps(rng, 17, 2.0).reshape(N_CASES, -1) for _ in range(2))
    p = []
    for a, b in zip(recorded, predicted, strict=True):
        observed = stats.spearmanr(a, b)[0]
        ranks = stats.rankdata(a), stats.rankdata(b)  # shuffled values have shuffled ranks
        shuffled = np.array([rng.permutation(ranks[1]) for _ in range(199)])
        null = stats.pearsonr(ranks[0], shuffled, axis=1)[0]
        p.append((1 + (null >= observed).sum()) / 200)
    assert (np.array(p) <= 0.05).mean() > 0.3


@pytest.mark.long
def test_seam_of_a_torus_makes_unmirrored_shifts_liberal(rng):
    """Why maps are mirrored: very smooth ones, cut out of a larger scene."""
    recorded, predicted = (smooth_maps(rng, 9, 4.0) for _ in range(2))
    rates = [
        (map_null.alignment_null(recorded, predicted, 1, 199, rng, mirrored=m).p <= 0.05).mean()
        for m in (True, False)
    ]
    assert rates[0] <= FAIR[1] < rates[1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_planted_match_has_the_smallest_p(rng, method, scale):
    recorded = smooth_maps(rng, 17, 1.5, n_images=4) + rng.standard_normal((4, 1, 1, 3))
    found = map_null.alignment_null(recorded, 2 * recorded + 1, scale, 99, rng, method)
    np.testing.assert_allclose(found.observed, 1, atol=1e-12)
    np.testing.assert_array_equal(found.p, 0.01)


def test_all_shifts_once_where_there_are_few(rng):
    values = rng.standard_normal((3, 4))
    found = map_null.shifted_maps(values, 1000, rng)
    assert found.shape == (11, 3, 4)
    expected = {
        np.roll(values, (y, x), (0, 1)).tobytes() for y in range(3) for x in range(4) if y or x
    }
    assert {shifted.tobytes() for shifted in found} == expected
    some = map_null.shifted_maps(values, 5, rng)
    assert len({shifted.tobytes() for shifted in some} & expected) == 5
    recorded = rng.standard_normal((2, 3, 4, 1))
    assert map_null.alignment_null(recorded, recorded, 1, 1000, rng).null.shape == (2, 47)
    assert map_null.alignment_null(recorded, recorded, 1, 1000, rng, mirrored=False).p == (
        pytest.approx([1 / 12, 1 / 12])
    )


@pytest.mark.parametrize("shape", [(8, 8), (9, 7)])
def test_random_phases_keep_mean_and_amplitudes(rng, shape):
    values = rng.standard_normal(shape) + 3
    found = map_null.phase_randomised_maps(values, 20, rng)
    amplitudes = np.abs(np.fft.fft2(values))
    np.testing.assert_allclose(np.abs(np.fft.fft2(found)), [amplitudes] * 20, atol=1e-9)
    np.testing.assert_allclose(found.mean((1, 2)), values.mean(), atol=1e-12)
    assert np.abs(np.corrcoef(found.reshape(20, -1))[~np.eye(20, dtype=bool)]).mean() < 0.3


def test_mirrored_surrogates_are_windows_of_the_mirrored_map(rng):
    values = rng.standard_normal((3, 4))
    whole = np.pad(values, ((0, 9), (0, 12)), mode="symmetric")  # two periods each way
    windows = {whole[y : y + 3, x : x + 4].tobytes() for y in range(6) for x in range(8) if y or x}
    found = map_null.surrogate_maps(values, 1000, rng, "shift", True)
    assert {window.tobytes() for window in found} == windows


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_observed_is_what_map_alignment_reports(rng, scale):
    recorded, predicted = rng.standard_normal((2, 5, 16, 13, 4)) * [1, 5, 2, 9]
    found = map_null.alignment_null(recorded, predicted, scale, 10, rng)
    expected = map_alignment.map_alignment(recorded, predicted, scale)[1]
    np.testing.assert_allclose(found.observed, expected, atol=1e-12)
    rank = (found.null >= found.observed[:, None]).sum(1)
    np.testing.assert_allclose(found.p, (1 + rank) / 11)


@pytest.mark.parametrize("method", METHODS)
def test_constant_maps_have_no_alignment(rng, method):
    recorded, predicted = rng.standard_normal((2, 3, 8, 8, 2))
    recorded[0], predicted[1] = 0.1, 0.3
    found = map_null.alignment_null(recorded, predicted, 1, 20, rng, method)
    assert np.isnan(found.p).tolist() == [True, True, False]
    assert np.isnan(found.observed).tolist() == [True, True, False]
    assert np.isnan(found.null).all(1).tolist() == [True, True, False]


def test_same_seed_same_null_and_no_draws_is_an_error(rng):
    recorded, predicted = rng.standard_normal((2, 2, 8, 8, 2))
    twice = [
        map_null.alignment_null(recorded, predicted, 1, 9, np.random.default_rng(5)).null
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*twice)
    with pytest.raises(ValueError, match="at least 1"):
        map_null.alignment_null(recorded, predicted, 1, 0, rng)
