"""The planted concept predicts the sites alone, and nothing is left without it."""

import numpy as np
import pytest

from itcortex.encoding.concept_scores import COLUMNS, score_concepts
from itcortex.encoding.protocols import PROTOCOLS
from itcortex.mappings.folds import Division, assign_folds

SITES = ("a", "b")


@pytest.mark.long
@pytest.mark.parametrize("grid", [(1, 1), (3, 3)])
@pytest.mark.parametrize("mapping", ["pls", "ridge"])
def test_sites_that_read_one_concept(rng, grid, mapping):
    n_images = 150
    strengths = rng.random((n_images, 3, 3, 4))
    maps = strengths @ rng.random((4, 9))
    read = strengths[..., 1] if grid != (1, 1) else strengths[..., 1].mean((1, 2))
    responses = read.reshape(n_images, *grid, 1) * np.array([1.0, 2.0])
    responses = responses + 0.01 * rng.standard_normal(responses.shape)
    names = tuple(f"{k}" for k in range(n_images))
    division = Division.into_folds(assign_folds(names, 5, np.random.default_rng(0)))
    fit = PROTOCOLS["corrected"].fitter(mapping, 36, rule="exact", seed=0, nested=False)
    table = score_concepts(maps, strengths, responses, division, fit, SITES)
    assert list(table) == COLUMNS and len(table) == (2 + 2 * 4) * 5 * 2
    r = table.groupby(["features", "concept"])["r"].mean()
    assert r["layer", 0] > 0.9 and r["concepts", 0] > 0.95
    assert r["alone", 2] > 0.95 and r["alone"].drop(2).abs().max() < 0.4
    lost = r["concepts", 0] - r["without"]
    assert lost[2] > 0.6 and lost.drop(2).abs().max() < 0.05
    whole = table[table.features == "concepts"]
    assert whole["fold"].unique().tolist() == list(division.names)
    assert whole["site"].tolist() == list(SITES) * 5
    by_hand = fit(strengths, responses[None], division).metrics["r"][0]
    np.testing.assert_array_equal(whole["r"].to_numpy().reshape(5, 2), by_hand)


def test_concepts_that_rebuild_the_layer_predict_what_it_predicts(rng):
    """As many orthogonal concepts as channels: the same features in another basis."""
    maps = rng.random((40, 2, 2, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    responses = (maps.mean((1, 2)) @ rng.random((3, 2)))[:, None, None]
    responses += 0.3 * rng.standard_normal(responses.shape)
    division = Division.into_folds(np.arange(40) % 4)
    fit = PROTOCOLS["corrected"].fitter("ridge", 5, rule="exact", seed=0, nested=False)
    table = score_concepts(maps, maps @ turn, responses, division, fit, SITES)
    of = {name: rows["r"].to_numpy() for name, rows in table.groupby("features")}
    np.testing.assert_allclose(of["layer"], of["concepts"], atol=1e-6)
