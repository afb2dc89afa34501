"""PLS against scikit-learn and ikpls, identities, and what happens below full rank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ikpls.numpy import PLS as IKPLS
from sklearn.cross_decomposition import PLSRegression

from itcortex import pls

ENGINES = [pls.Lock, pls.Gram, pls.Dual]
# groups, rows a group, channels, sites, components
CASES = {
    "tall": (5, 40, 30, 8, 10),
    "wide": (5, 10, 200, 8, 10),
    "single site": (4, 30, 20, 1, 6),
    "tiny": (6, 4, 3, 5, 3),
}


def make(rng, groups, n, channels, sites):
    """A design with offsets and unequal variances, and responses that are partly predictable."""
    x = rng.standard_normal((groups * n, channels)) * np.linspace(1, 0.1, channels)
    y = x @ rng.standard_normal((channels, sites)) + 3 * rng.standard_normal((groups * n, sites))
    design = pls.Design(
        x + 5 * rng.standard_normal(channels), np.ones(groups * n), np.arange(0, groups * n + 1, n)
    )
    return design, y + rng.standard_normal(sites)


def predict(design, y, problems, components, engine=None, monkeypatch=None):
    """Predictions and used components by problem, by one engine or the cheapest."""
    if engine is not None:
        monkeypatch.setattr(pls, "_engine", lambda design, *_: engine(design))
    found = pls.predict_held_out(design, y if y.ndim == 3 else y[None], problems, components)
    return {(p.target, p.held_out): (values, used) for p, values, used in found}


def sklearn_svd(x, y, components):
    """scikit-learn's PLS2 with exact singular vectors (its PLSRegression hides the option)."""
    model = PLSRegression(components, scale=False)
    model._parameter_constraints = {}
    model.algorithm = "svd"
    return model.fit(x, y)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_equals_scikit_learn_and_ikpls(rng, monkeypatch, engine, case):
    groups, n, channels, sites, components = CASES[case]
    design, y = make(rng, groups, n, channels, sites)
    problems = [pls.Problem(0, (g,)) for g in range(groups)] + [pls.Problem(0, (0, 2))]
    found = predict(design, y, problems, components, engine, monkeypatch)
    for (_, held), (values, used) in found.items():
        test = np.isin(np.arange(groups * n) // n, held)
        train_x, train_y, test_x = design.rows[~test], y[~test], design.rows[test]
        oracle = sklearn_svd(train_x, train_y, components)
        other = IKPLS(center_X=True, center_Y=True, scale_X=False, scale_Y=False)
        other.fit(train_x, train_y, components)
        assert used == components
        # 1e-9 sd of Y: rounding of two different orders of operations, with a wide margin
        np.testing.assert_allclose(values, oracle.predict(test_x), atol=1e-9 * y.std())
        np.testing.assert_allclose(
            values, other.predict(test_x, n_components=components), atol=1e-9 * y.std()
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_stops_at_the_numerical_rank(rng, monkeypatch, engine):
    design, y = make(rng, 5, 40, 30, 8)
    low = rng.standard_normal((200, 7)) @ rng.standard_normal((7, 30))
    design = pls.Design(low, design.ones, design.bounds)
    (values, used), *_ = predict(
        design, y, [pls.Problem(0, (0,))], 12, engine, monkeypatch
    ).values()
    assert used == 7
    least_squares = np.linalg.lstsq(low[40:] - low[40:].mean(0), y[40:], rcond=None)[0]
    expected = (low[:40] - low[40:].mean(0)) @ least_squares + y[40:].mean(0)
    np.testing.assert_allclose(values, expected, atol=1e-8 * y.std())


@pytest.mark.parametrize("engine", ENGINES)
def test_duplicated_channels_change_predictions_as_a_scaled_channel_does(rng, monkeypatch, engine):
    design, y = make(rng, 4, 30, 10, 4)
    doubled = pls.Design(np.hstack([design.rows, design.rows]), design.ones, design.bounds)
    scaled = pls.Design(design.rows * np.sqrt(2), design.ones, design.bounds)
    problem = [pls.Problem(0, (1,))]
    one = predict(doubled, y, problem, 5, engine, monkeypatch)[0, (1,)][0]
    two = predict(scaled, y, problem, 5, engine, monkeypatch)[0, (1,)][0]
    np.testing.assert_allclose(one, two, atol=1e-9 * y.std())


@pytest.mark.parametrize("engine", ENGINES)
def test_constant_responses_are_predicted_by_their_mean_with_no_component(rng, monkeypatch, engine):
    design, y = make(rng, 4, 20, 10, 3)
    values, used = predict(
        design, np.full_like(y, 2.5), [pls.Problem(0, (0,))], 4, engine, monkeypatch
    )[0, (0,)]
    assert used == 0
    np.testing.assert_array_equal(values, 2.5)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_constant_site_leaves_the_others_alone(rng, monkeypatch, engine):
    design, y = make(rng, 4, 20, 10, 3)
    problem = [pls.Problem(0, (0,))]
    without = predict(design, y, problem, 4, engine, monkeypatch)[0, (0,)][0]
    added = np.column_stack([y, np.full(len(y), 7.0)])
    values = predict(design, added, problem, 4, engine, monkeypatch)[0, (0,)][0]
    np.testing.assert_allclose(values[:, :3], without, atol=1e-9)
    np.testing.assert_allclose(values[:, 3], 7, atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("poison", [1e6, np.nan])
def test_held_out_responses_cannot_touch_their_own_predictions(rng, monkeypatch, engine, poison):
    design, y = make(rng, 5, 12, 20, 4)
    problems = [pls.Problem(0, (g,)) for g in range(5)]
    clean = predict(design, y, problems, 6, engine, monkeypatch)
    for group in range(5):
        poisoned = y.copy()
        poisoned[design.group(group)] *= poison
        only = [pls.Problem(0, (group,))]
        batch = only if np.isnan(poison) else problems
        values = predict(design, poisoned, batch, 6, engine, monkeypatch)[0, (group,)][0]
        alone = predict(design, y, batch, 6, engine, monkeypatch)[0, (group,)][0]
        np.testing.assert_array_equal(values, alone)
        np.testing.assert_allclose(alone, clean[0, (group,)][0], atol=1e-10)


def test_engines_agree_and_targets_do_not_touch_each_other(rng, monkeypatch):
    design, y = make(rng, 5, 20, 25, 6)
    targets = np.stack([y, y[::-1], rng.standard_normal(y.shape)])
    problems = [pls.Problem(t, (g,)) for t in range(3) for g in range(5)]
    results = [predict(design, targets, problems, 8, e, monkeypatch) for e in ENGINES]
    alone = predict(design, targets[2], [pls.Problem(0, (3,))], 8, ENGINES[0], monkeypatch)
    for key, (values, _) in results[0].items():
        for other in results[1:]:
            np.testing.assert_allclose(values, other[key][0], atol=1e-9)
    np.testing.assert_allclose(results[0][2, (3,)][0], alone[0, (3,)][0], atol=1e-10)


def test_small_chunks_give_the_same(rng, monkeypatch):
    design, y = make(rng, 5, 20, 25, 6)
    problems = [pls.Problem(0, (i, j)) for i in range(5) for j in range(i)]
    whole = predict(design, y, problems, 5)
    monkeypatch.setattr(pls, "_CHUNK_BYTES", 1)
    for key, (values, _) in predict(design, y, problems, 5).items():
        np.testing.assert_allclose(values, whole[key][0], atol=1e-10)


def test_rows_in_an_orthonormal_basis_give_the_same_predictions(rng):
    """What row compression relies on: Q'X, Q'Y and Q'1 in place of X, Y and 1."""
    basis = np.linalg.qr(np.column_stack([np.ones(30), rng.standard_normal((30, 6))]))[0]
    x = rng.standard_normal((4, 7, 15))
    y = rng.standard_normal((4, 30, 3)) + np.einsum("gr,irc->igc", basis, x)[:, :, :3]
    full = pls.Design(
        np.einsum("gr,irc->igc", basis, x).reshape(120, 15), np.ones(120), np.arange(0, 121, 30)
    )
    small = pls.Design(x.reshape(28, 15), np.tile(basis.sum(0), 4), np.arange(0, 29, 7))
    problems = [pls.Problem(0, (g,)) for g in range(4)]
    expected = predict(full, y.reshape(1, 120, 3), problems, 5)
    coordinates = np.einsum("gr,igs->irs", basis, y).reshape(1, 28, 3)
    for key, (values, _) in predict(small, coordinates, problems, 5).items():
        np.testing.assert_allclose(basis @ values, expected[key][0], atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(2, 40),
    sites=st.integers(1, 8),
    engine=st.sampled_from(ENGINES),
)
def test_invariances(seed, channels, sites, engine):
    """Order of samples and sites, rotation of features and a common scale do not matter."""
    rng = np.random.default_rng(seed)
    design, y = make(rng, 4, 12, channels, sites)
    problem, components = [pls.Problem(0, (0,))], min(3, channels)

    def values(rows, responses):
        chosen = engine(pls.Design(rows, design.ones, design.bounds))
        (fit,) = pls._solve(chosen, responses[None], problem, components, pls.Exact())
        return fit.predictions

    base = values(design.rows, y)
    tolerance = {"atol": 1e-6 * y.std()}  # small gaps between singular values amplify rounding
    within = np.concatenate([np.arange(12), 12 + rng.permutation(36)])
    np.testing.assert_allclose(values(design.rows[within], y[within]), base, **tolerance)
    order = rng.permutation(sites)
    np.testing.assert_allclose(values(design.rows, y[:, order]), base[:, order], **tolerance)
    rotation = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
    np.testing.assert_allclose(values(design.rows @ rotation, y), base, **tolerance)
    np.testing.assert_allclose(values(design.rows * 7, y), base, **tolerance)
    np.testing.assert_allclose(values(design.rows, y * 7), base * 7, atol=7e-6 * y.std())


def test_no_component_is_refused(rng):
    design, y = make(rng, 3, 5, 4, 2)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        list(pls.predict_held_out(design, y[None], [pls.Problem(0, (0,))], 0))
