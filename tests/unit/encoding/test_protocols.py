"""The table of protocols: divisions that can give a score, and mappings that a protocol has."""

import numpy as np
import pytest

from itcortex.data.recordings import Recording
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.protocol_ceilings import CEILINGS
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.errors import UserError
from itcortex.mappings.folds import Division
from itcortex.numerics.metrics import predictivity


def recording(n_images, grid=(1, 1), labels=None):
    responses = np.random.default_rng(0).standard_normal((n_images, *grid, 1, 3))
    attributes = {"image_labels": {"object_name": labels}} if labels else {}
    ids = tuple(f"i{k:03d}" for k in range(n_images))
    return Recording(responses.astype("float32"), ids, ("a", "b", "c"), attributes)


@pytest.mark.parametrize("name", ["corrected", "reference"])
def test_folds_with_two_images_of_a_recording_without_a_grid_are_refused(name):
    """Two samples correlate with 1 or -1: pure noise scored .40 so."""
    divide = DIVISIONS[name]
    with pytest.raises(UserError, match=r"folds: 10 leaves 2 samples .* at most 4 folds"):
        divide(recording(20), 10, 0)
    with pytest.raises(UserError, match=r"folds: 'image' leaves 1 samples .* at most 4 folds"):
        divide(recording(20), "image", 0)
    assert len(divide(recording(20), 4, 0)) == 4
    assert len(divide(recording(20, (3, 3)), "image", 0)) == 20


def test_brainscore_draws_its_own_splits_whatever_folds_say():
    labels = [f"object{k % 4}" for k in range(80)]
    division = DIVISIONS["brainscore"](recording(80, labels=labels), "image", 0)
    assert division.names == tuple(f"split-{k:02d}" for k in range(10))
    assert division.n_images == 80


def test_a_mapping_that_a_protocol_lacks_is_named():
    with pytest.raises(UserError, match="protocol brainscore has pls only, not 'ridge'"):
        PROTOCOLS["brainscore"].fitter("ridge", 5, "exact", 0)


def test_the_unit_of_one_site_changes_no_score_of_ridge_and_reverse(rng):
    """PLS is not scaled, as in the paper: what it does with a loud site is scikit-learn's."""
    maps = rng.standard_normal((120, 40))
    sites = maps @ rng.standard_normal((40, 6)) + 3 * rng.standard_normal((120, 6))
    loud = sites * 10.0 ** np.array([0, 0, 4, 0, 0, 0])
    division = Division.into_folds(np.arange(120) % 4)
    for name in ("ridge", "reverse"):
        fit = PROTOCOLS["corrected"].fitter(name, 10, "exact", 0)
        plain, other = (
            fit(maps, y[None, :, None, None], division).metrics["r"] for y in (sites, loud)
        )
        np.testing.assert_allclose(plain, other, atol=1e-8)
        assert plain.mean() > 0.2


@pytest.mark.parametrize("name", ["corrected", "brainscore"])
def test_twin_pictures_do_not_make_a_score_of_unrelated_responses(rng, name):
    """80 pictures, each under two names: .8 where twins are in different folds, else about 0."""
    features, answers = rng.standard_normal((80, 200)), rng.standard_normal((80, 8))
    maps = np.concatenate([features, features])
    sites = np.concatenate([answers, answers]) + 0.3 * rng.standard_normal((160, 8))
    labels = {"object_name": [f"o{k % 4}" for k in range(80)] * 2}
    ids = tuple(f"i{k:03d}" for k in range(160))
    responses = sites[:, None, None, None].astype("float32")
    sites_of = tuple("abcdefgh")
    unaware = Recording(responses, ids, sites_of, {"image_labels": labels})
    aware = unaware.with_pictures({i: ids[k % 80] for k, i in enumerate(ids)})
    scores = {}
    for which, recorded in {"unaware": unaware, "aware": aware}.items():
        protocol = PROTOCOLS[name]
        division = DIVISIONS[name](recorded, 5, 1)
        fit = protocol.fitter("pls", 25, "exact", 0)
        found = fit(maps, sites[None, :, None, None], division)
        scores[which] = float(predictivity(found.metrics["r"][0]))
    assert scores["unaware"] > 0.5
    assert abs(scores["aware"]) < 0.2  # 80 pictures: standard error of r .11 for a site


def test_every_protocol_divides_fits_and_has_ceilings():
    assert DIVISIONS.keys() == CEILINGS.keys() == PROTOCOLS.keys()
