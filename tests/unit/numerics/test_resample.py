"""Resampling against torch's bilinear and area interpolation, and its identities."""

import numpy as np
import pytest

from itcortex.numerics.resample import axis_matrix, bilinear, pooling, resize_maps

SIZES = [(7, 17), (14, 17), (14, 9), (28, 17), (9, 9), (1, 5), (5, 1), (17, 4)]


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_rows_sum_to_one_so_constant_maps_stay_constant(n_in, n_out):
    matrix = axis_matrix(n_in, n_out)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-14)
    assert matrix.min() >= 0


@pytest.mark.parametrize(("n_in", "n_out"), [(14, 9), (28, 17), (17, 4)])
def test_means_down_weigh_every_pixel_alike(n_in, n_out):
    np.testing.assert_allclose(axis_matrix(n_in, n_out).sum(0), n_out / n_in, atol=1e-14)


@pytest.mark.network
def test_up_equals_torch_bilinear(rng):
    import torch

    maps = rng.standard_normal((3, 7, 5, 4))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps).permute(0, 3, 1, 2), (17, 9), mode="bilinear", align_corners=False
    ).permute(0, 2, 3, 1)
    np.testing.assert_allclose(resize_maps(maps, (17, 9)), expected.numpy(), atol=1e-12)


def test_down_by_whole_factors_equals_block_means(rng):
    maps = rng.standard_normal((2, 8, 6, 3))
    expected = maps.reshape(2, 4, 2, 2, 3, 3).mean((2, 4))
    np.testing.assert_allclose(resize_maps(maps, (4, 2)), expected, atol=1e-12)


def test_resampling_is_one_matrix_on_the_flattened_map(rng):
    maps = rng.standard_normal((2, 7, 14, 3))
    matrix = np.kron(axis_matrix(7, 17), axis_matrix(14, 9))
    flat = np.einsum("gp,ipc->igc", matrix, maps.reshape(2, 98, 3))
    np.testing.assert_allclose(flat, resize_maps(maps, (17, 9)).reshape(2, -1, 3), atol=1e-12)


@pytest.mark.network
@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_bilinear_reads_between_the_two_nearest_cells_in_both_directions(rng, n_in, n_out):
    import torch

    values = rng.standard_normal(n_in)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], n_out, mode="linear", align_corners=False
    )[0, 0]
    found = bilinear(n_in, n_out) @ values
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-12)  # rounding of one sum


def test_maps_are_averaged_for_a_recording_without_a_grid_alone(rng):
    maps = rng.normal(size=(2, 4, 4, 3))
    assert pooling(True, 2) is pooling(False, None) is None
    means = maps.reshape(2, 2, 2, 2, 2, 3).mean((2, 4))
    np.testing.assert_allclose(pooling(False, 2)(maps), means, atol=1e-6)  # float32


def test_no_size_is_refused():
    with pytest.raises(ValueError, match="cannot resample 0 to 3"):
        axis_matrix(0, 3)
