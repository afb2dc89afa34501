"""A kept mapping predicts what the cross-validated fit would for images that it never saw."""

import numpy as np
import pytest

from itcortex.errors import UserError
from itcortex.mappings import pls, ridge
from itcortex.mappings.kept import fit_kept


@pytest.mark.parametrize("grid", [(1, 1), (4, 5)])
@pytest.mark.parametrize("channels", [3, 60])
def test_new_images_are_predicted_as_held_out_ones(rng, grid, channels):
    """One fold held out: its predictions are those of a mapping kept from all other images."""
    maps = rng.standard_normal((20, 3, 3, channels))
    responses = rng.standard_normal((20, *grid, 2))
    fold_of = np.repeat([0, 1, 2, 3], 5)
    expected = pls.fit_layer(maps, responses[None], fold_of, 6, nested=False).predictions[:5]
    kept, facts = fit_kept(maps[5:], responses[5:], fold_of[5:] - 1, "pls", 6)
    np.testing.assert_allclose(kept.predict(maps[:5]), expected, atol=1e-5)  # kept in float32
    assert facts["n_components"] <= 6


@pytest.mark.parametrize("grid", [(1, 1), (4, 5)])
def test_ridge_takes_the_penalties_of_the_held_out_fit(rng, grid):
    """The penalty of an outer fold is chosen on the other folds: those that the kept mapping has."""
    maps = rng.standard_normal((20, 3, 3, 8))
    responses = rng.standard_normal((20, *grid, 2))
    fold_of = np.repeat([0, 1, 2, 3], 5)
    expected = ridge.fit_layer(maps, responses[None], fold_of).predictions[:5]
    kept, facts = fit_kept(maps[5:], responses[5:], fold_of[5:] - 1, "ridge", 6)
    # The unit of penalties is the layer's mean eigenvalue, there over all images, here over 15.
    assert np.corrcoef(kept.predict(maps[:5]).ravel(), expected.ravel())[0, 1] > 0.95
    assert len(facts["penalties"]) == 2


def test_maps_of_another_layer_are_refused(rng):
    kept, _ = fit_kept(
        rng.standard_normal((9, 6)), rng.standard_normal((9, 1, 1, 2)), np.arange(9) % 3, "pls", 2
    )
    with pytest.raises(UserError, match=r"fitted to 6 features .* have 7"):
        kept.predict(rng.standard_normal((2, 7)))
    with pytest.raises(UserError, match="'rsa' predicts no sites"):
        fit_kept(np.ones((9, 6)), np.ones((9, 1, 1, 2)), np.arange(9) % 3, "rsa", 2)
