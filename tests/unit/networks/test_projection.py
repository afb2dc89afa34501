"""Random projections of layers: scikit-learn's, on every device, keeping distances."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.random_projection import SparseRandomProjection
from torch import nn

from itcortex.networks.activations import extract
from itcortex.networks.batches import prepared_batches
from itcortex.networks.layer_choice import choose_layers
from itcortex.networks.preprocessing import Preprocessing
from itcortex.networks.projection import Projection

pytestmark = pytest.mark.network
PLAIN = Preprocessing((3, 12, 12), (0.0,) * 3, (1.0,) * 3, "bilinear")


def test_a_projection_is_scikit_learns(rng):
    units = rng.standard_normal((5, 400)).astype(np.float32)
    expected = SparseRandomProjection(60, random_state=3).fit_transform(units)
    found = Projection(60, seed=3)(torch.from_numpy(units.reshape(5, 10, 10, 4)))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)  # float32 sums


def test_another_device_has_the_same_projection(rng, monkeypatch):
    """What a GPU does, on this processor: torch's sparse product."""
    units = torch.from_numpy(rng.standard_normal((3, 500)).astype(np.float32))
    drawn = Projection.components
    monkeypatch.setattr(
        Projection, "components", lambda self, n, device: as_torch(drawn(self, n, device))
    )
    there = Projection(50, seed=1)(units)
    monkeypatch.setattr(Projection, "components", drawn)
    torch.testing.assert_close(there, Projection(50, seed=1)(units), rtol=1e-5, atol=1e-5)


def as_torch(rows):
    """A sparse matrix of scipy as torch's."""
    rows = rows.tocsr()
    parts = map(torch.from_numpy, (rows.indptr, rows.indices, rows.data))
    return torch.sparse_csr_tensor(*parts, rows.shape)


def test_distances_between_images_are_kept(rng):
    """20 images at eps .1, but in 1,500 dimensions: chi-squared deviations of some 4 %, at most 15 %."""
    units = rng.standard_normal((20, 8000)).astype(np.float32)
    ratio = pdist(Projection(1500, 0)(torch.from_numpy(units)).numpy()) / pdist(units)
    assert 0.85 < ratio.min() < ratio.max() < 1.15


def test_auto_is_the_lemmas_number_and_small_layers_stay_as_they_are():
    lemmas = Projection.for_images(22_348, "auto", 0)
    assert lemmas.dimensions == 8583  # 4 ln(n) / (eps^2 / 2 - eps^3 / 3), eps = .1
    assert Projection.for_images(22_348, 500, 0).dimensions == 500
    maps = torch.arange(24.0).reshape(2, 2, 2, 3)
    assert torch.equal(Projection(12, 0)(maps), maps.reshape(2, 12))
    assert Projection(11, 0)(maps).shape == (2, 11)


def test_layers_are_projected_while_they_are_put_out(rng):
    """After the maps are averaged, before they are rounded; batches do not matter."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 20, 1), nn.ReLU(), nn.Conv2d(20, 6, 4))
    images = rng.integers(0, 256, (5, 12, 12, 3), dtype=np.uint8)
    layers = choose_layers(model, PLAIN.input_size)

    def collect(batch, **options):
        parts = [arrays for _, arrays in extract(model, PLAIN, images, layers, batch, **options)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    maps = collect(5, side=6)
    found = collect(2, side=6, projection=Projection(100, 7), dtype="float16")
    assert {values.ndim for values in found.values()} == {2}
    for name, values in maps.items():
        flat = values.reshape(5, -1)
        if flat.shape[1] > 100:
            flat = SparseRandomProjection(100, random_state=7).fit_transform(flat)
        assert found[name].dtype == np.float16
        # float16 has 11 bits; convolutions of two and of five images round differently
        np.testing.assert_allclose(found[name], flat, rtol=2**-10, atol=2**-10)


# --- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 4, 9, 20])
def test_batches_are_prepared_in_order_by_any_number_of_threads(rng, threads, size):
    images = rng.integers(0, 256, (9, 7, 5, 3), dtype=np.uint8)
    found = list(prepared_batches(PLAIN, images, size, torch.device("cpu"), threads))
    assert [start for start, _ in found] == list(range(0, 9, size))
    assert torch.equal(torch.cat([batch for _, batch in found]), PLAIN(images))


def test_maps_that_are_fetched_later_are_the_same(rng, monkeypatch):
    """On a GPU a batch's maps are on their way while the next batch is in the network."""
    from itcortex.networks import activations

    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
    images = rng.integers(0, 256, (7, 12, 12, 3), dtype=np.uint8)
    layers = choose_layers(model, PLAIN.input_size)
    now = list(extract(model, PLAIN, images, layers, 3))
    monkeypatch.setattr(activations, "BEHIND", {False: 2})
    later = list(extract(model, PLAIN, images, layers, 3, threads=2))
    assert [start for start, _ in later] == [start for start, _ in now] == [0, 3, 6]
    for (_, one), (_, other) in zip(now, later, strict=True):
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])


def test_a_batch_that_is_auto(rng):
    from itcortex.networks.batches import fitting, images_a_batch

    one = np.zeros((4, 4, 3), np.uint8)
    cpu = torch.device("cpu")
    assert images_a_batch("auto", None, one, cpu) == 16
    assert images_a_batch(5, None, one, cpu) == 5
    gb, mb = 1e9, 1e6
    assert fitting(taken=10 * mb, kept=0.5 * mb, free=20 * gb) == 256  # at most
    assert (
        fitting(taken=100 * mb, kept=0.5 * mb, free=10 * gb) == 64
    )  # 70 fit into .7 of the memory
    assert fitting(taken=10 * mb, kept=20 * mb, free=20 * gb) == 8  # 13 batches' maps are .27 GB
    assert fitting(taken=30 * gb, kept=1, free=10 * gb) == 1  # and then torch says what it lacks
