"""PLS against scikit-learn and ikpls, identities, and what happens below full rank."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ikpls.numpy import PLS as IKPLS
from sklearn.cross_decomposition import PLSRegression
from sklearn.exceptions import ConvergenceWarning

from itcortex.errors import UserError
from itcortex.regression import pls, pls_engines
from itcortex.regression.design import Design, Problem

ENGINES = [pls.Direct, pls.Gram, pls.Dual]
# groups, rows a group, channels, sites, components
CASES = {
    "tall": (5, 40, 30, 8, 10),
    "wide": (5, 10, 200, 8, 10),
    "single site": (4, 30, 20, 1, 6),
    "tiny": (6, 4, 3, 5, 3),
    "many sites": (5, 30, 50, 40, 25),  # whose moments are followed from component to component
    "many sites, wide": (5, 12, 150, 40, 20),
}


def make(rng, groups, n, channels, sites):
    """A design with offsets and unequal variances, and responses that are partly predictable."""
    x = rng.standard_normal((groups * n, channels)) * np.linspace(1, 0.1, channels)
    y = x @ rng.standard_normal((channels, sites)) + 3 * rng.standard_normal((groups * n, sites))
    design = Design(
        x + 5 * rng.standard_normal(channels), np.ones(groups * n), np.arange(0, groups * n + 1, n)
    )
    return design, y + rng.standard_normal(sites)


def predict(design, y, problems, components, engine=None):
    """Predictions and used components by problem, by one engine or the cheapest."""
    targets = y if y.ndim == 3 else y[None]
    found = pls.fit_held_out(design, targets, problems, components, engine=engine)
    return {
        (fit.problem.target, fit.problem.held_out): (fit.predictions, fit.n_components)
        for fit in found
    }


def sklearn_svd(x, y, components):
    """scikit-learn's PLS2 with exact singular vectors (its PLSRegression hides the option)."""
    model = PLSRegression(components, scale=False)
    model._parameter_constraints = {}
    model.algorithm = "svd"
    return model.fit(x, y)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_equals_scikit_learn_and_ikpls(rng, engine, case):
    groups, n, channels, sites, components = CASES[case]
    design, y = make(rng, groups, n, channels, sites)
    problems = [Problem(0, (g,)) for g in range(groups)] + [Problem(0, (0, 2))]
    found = predict(design, y, problems, components, engine)
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
@pytest.mark.parametrize("sites", [8, 40])
def test_stops_at_the_numerical_rank(rng, engine, sites):
    design, y = make(rng, 5, 40, 30, sites)
    low = rng.standard_normal((200, 7)) @ rng.standard_normal((7, 30))
    design = Design(low, design.ones, design.bounds)
    (values, used), *_ = predict(design, y, [Problem(0, (0,))], 12, engine).values()
    assert used == 7
    least_squares = np.linalg.lstsq(low[40:] - low[40:].mean(0), y[40:], rcond=None)[0]
    expected = (low[:40] - low[40:].mean(0)) @ least_squares + y[40:].mean(0)
    np.testing.assert_allclose(values, expected, atol=1e-8 * y.std())


@pytest.mark.parametrize("engine", ENGINES)
def test_duplicated_channels_change_predictions_as_a_scaled_channel_does(rng, engine):
    design, y = make(rng, 4, 30, 10, 4)
    doubled = Design(np.hstack([design.rows, design.rows]), design.ones, design.bounds)
    scaled = Design(design.rows * np.sqrt(2), design.ones, design.bounds)
    problem = [Problem(0, (1,))]
    one = predict(doubled, y, problem, 5, engine)[0, (1,)][0]
    two = predict(scaled, y, problem, 5, engine)[0, (1,)][0]
    np.testing.assert_allclose(one, two, atol=1e-9 * y.std())


@pytest.mark.parametrize("engine", ENGINES)
def test_constant_responses_are_predicted_by_their_mean_with_no_component(rng, engine):
    design, y = make(rng, 4, 20, 10, 3)
    values, used = predict(design, np.full_like(y, 2.5), [Problem(0, (0,))], 4, engine)[0, (0,)]
    assert used == 0
    np.testing.assert_array_equal(values, 2.5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sites", [3, 40])
def test_one_constant_site_leaves_the_others_alone(rng, engine, sites):
    design, y = make(rng, 4, 20, 10, sites)
    problem = [Problem(0, (0,))]
    without = predict(design, y, problem, 4, engine)[0, (0,)][0]
    added = np.column_stack([y, np.full(len(y), 7.0)])
    values = predict(design, added, problem, 4, engine)[0, (0,)][0]
    np.testing.assert_allclose(values[:, :sites], without, atol=1e-9)
    np.testing.assert_allclose(values[:, sites], 7, atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("poison", [1e6, np.nan])
def test_held_out_responses_cannot_touch_their_own_predictions(rng, engine, poison):
    design, y = make(rng, 5, 12, 20, 4)
    problems = [Problem(0, (g,)) for g in range(5)]
    clean = predict(design, y, problems, 6, engine)
    for group in range(5):
        poisoned = y.copy()
        poisoned[design.group(group)] *= poison
        only = [Problem(0, (group,))]
        batch = only if np.isnan(poison) else problems
        values = predict(design, poisoned, batch, 6, engine)[0, (group,)][0]
        alone = predict(design, y, batch, 6, engine)[0, (group,)][0]
        np.testing.assert_array_equal(values, alone)
        np.testing.assert_allclose(alone, clean[0, (group,)][0], atol=1e-10)


def test_engines_agree_and_targets_do_not_touch_each_other(rng):
    design, y = make(rng, 5, 20, 25, 6)
    targets = np.stack([y, y[::-1], rng.standard_normal(y.shape)])
    problems = [Problem(t, (g,)) for t in range(3) for g in range(5)]
    results = [predict(design, targets, problems, 8, e) for e in ENGINES]
    alone = predict(design, targets[2], [Problem(0, (3,))], 8, ENGINES[0])
    for key, (values, _) in results[0].items():
        for other in results[1:]:
            np.testing.assert_allclose(values, other[key][0], atol=1e-9)
    np.testing.assert_allclose(results[0][2, (3,)][0], alone[0, (3,)][0], atol=1e-10)


def test_small_chunks_give_the_same(rng, monkeypatch):
    design, y = make(rng, 5, 20, 25, 6)
    problems = [Problem(0, (i, j)) for i in range(5) for j in range(i)]
    whole = predict(design, y, problems, 5)
    monkeypatch.setattr(pls, "CHUNK_BYTES", 1)
    for key, (values, _) in predict(design, y, problems, 5).items():
        np.testing.assert_allclose(values, whole[key][0], atol=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_arrays_of_a_chunk_go_when_it_is_done(rng, engine):
    """Nothing refers to itself in a circle: chunk after chunk would wait for the garbage collector."""
    design, y = make(rng, 4, 20, 30, 20)
    gc.collect()
    gc.disable()
    try:
        predict(design, y, [Problem(0, (g,)) for g in range(4)], 5, engine)
        left = [one for one in gc.get_objects() if type(one).__module__ == pls_engines.__name__]
    finally:
        gc.enable()
    assert left == []


def test_rows_in_an_orthonormal_basis_give_the_same_predictions(rng):
    """What row compression relies on: Q'X, Q'Y and Q'1 in place of X, Y and 1."""
    basis = np.linalg.qr(np.column_stack([np.ones(30), rng.standard_normal((30, 6))]))[0]
    x = rng.standard_normal((4, 7, 15))
    y = rng.standard_normal((4, 30, 3)) + np.einsum("gr,irc->igc", basis, x)[:, :, :3]
    full = Design(
        np.einsum("gr,irc->igc", basis, x).reshape(120, 15), np.ones(120), np.arange(0, 121, 30)
    )
    small = Design(x.reshape(28, 15), np.tile(basis.sum(0), 4), np.arange(0, 29, 7))
    problems = [Problem(0, (g,)) for g in range(4)]
    expected = predict(full, y.reshape(1, 120, 3), problems, 5)
    coordinates = np.einsum("gr,igs->irs", basis, y).reshape(1, 28, 3)
    for key, (values, _) in predict(small, coordinates, problems, 5).items():
        np.testing.assert_allclose(basis @ values, expected[key][0], atol=1e-10)


def correlations(predictions, y):
    """Pearson r of every site."""
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(predictions.T, y.T, strict=True)])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("factor", [1e3, 1e7, 1e9])
@pytest.mark.parametrize(("n", "channels"), [(60, 60), (20, 400)])
def test_a_loud_site_ends_no_other_site_s_fit(rng, engine, factor, n, channels):
    """One of 16 sites is larger by a factor. As it is: scikit-learn without scaling is the oracle."""
    design, y = make(rng, 5, n, channels, 16)
    y[:, 3] *= factor
    problems = [Problem(0, (g,)) for g in range(5)]
    for (_, held), (values, used) in predict(design, y, problems, 15, engine).items():
        test = held_rows(design, held)
        expected = sklearn_svd(design.rows[~test], y[~test], 15).predict(design.rows[test])
        assert used == 15
        # rounding of a site of this size in what all sites share
        np.testing.assert_allclose(values / y.std(0), expected / y.std(0), atol=1e-6)


@pytest.mark.parametrize("factor", [1e6, 1e7])
@pytest.mark.parametrize(("n", "channels"), [(60, 60), (20, 400)])
def test_a_loud_channel_costs_what_it_costs_scikit_learn(rng, factor, n, channels):
    """Products of features would lose the others beside one of this size; the engine is another one."""
    design, y = make(rng, 5, n, channels, 8)
    x = design.rows - design.rows.mean(0)  # as `build_design` hands them over
    problem = [Problem(0, (0,))]
    even, many = Design(x.copy(), design.ones, design.bounds), problem * 50
    assert pls.cheapest_engine(even, y[None], many, 15) is not pls.Direct
    x[:, 3] *= factor
    loud = Design(x, design.ones, design.bounds)
    assert pls.cheapest_engine(loud, y[None], many, 15) is pls.Direct
    ((values, used),) = predict(loud, y, problem, 15).values()
    expected = sklearn_svd(x[n:], y[n:], 15).predict(x[:n])
    assert used == 15
    # features are good to about 1e-16 of the loud one; the rest is room for 15 components
    np.testing.assert_allclose(values, expected, atol=1e-12 * factor * y.std())


@pytest.mark.long
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
    problem, components = [Problem(0, (0,))], min(3, channels)

    def values(rows, responses):
        moved = Design(rows, design.ones, design.bounds)
        (fit,) = pls.fit_held_out(moved, responses[None], problem, components, engine=engine)
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
        list(pls.fit_held_out(design, y[None], [Problem(0, (0,))], 0))


# groups, rows a group, channels, sites, components, and what is done to features and responses
NIPALS_CASES = {
    "tall": (5, 40, 30, 8, 10, lambda x, y: (x, y)),
    "wide": (5, 10, 200, 8, 10, lambda x, y: (x, y)),
    "duplicated channels": (5, 40, 30, 8, 8, lambda x, y: (np.hstack([x, x[:, ::2]]), y)),
    "duplicated sites": (5, 20, 15, 4, 6, lambda x, y: (x, np.hstack([y, y[:, :2]]))),
    "single site": (4, 30, 20, 1, 6, lambda x, y: (x, y)),
    "constant first site": (5, 20, 15, 4, 6, lambda x, y: (x, y * [0, 1, 1, 1] + [7, 0, 0, 0])),
    "constant sites": (5, 20, 15, 4, 6, lambda x, y: (x, y * [0, 1, 0, 1] - [0, 0, 3e5, 0])),
    "tiny": (6, 4, 3, 5, 3, lambda x, y: (x, y)),
    "two samples a group": (3, 2, 2, 2, 2, lambda x, y: (x, y)),
}


def make_case(rng, case):
    """Design, responses, leave-one-out problems (and one pair where it leaves enough samples)."""
    groups, n, channels, sites, components, change = NIPALS_CASES[case]
    design, y = make(rng, groups, n, channels, sites)
    rows, y = change(design.rows, y)
    problems = [Problem(0, (g,)) for g in range(groups)]
    if groups > 3:
        problems.append(Problem(0, (0, 2)))
    return Design(rows, design.ones, design.bounds), y, problems, components


def held_rows(design, held):
    """Mask of the rows of some groups."""
    mask = np.zeros(len(design.rows), bool)
    for group in held:
        mask[design.group(group)] = True
    return mask


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("tol", [1e-4, 1e-6])
@pytest.mark.parametrize("case", NIPALS_CASES)
def test_nipals_is_scikit_learn_at_the_same_tolerance(rng, engine, tol, case):
    design, y, problems, components = make_case(rng, case)
    fits = pls.fit_held_out(design, y[None], problems, components, pls.Nipals(tol), engine=engine)
    fits = list(fits)
    assert len(fits) == len(problems)
    for fit in fits:
        test = held_rows(design, fit.problem.held_out)
        oracle = PLSRegression(components, scale=False, tol=tol, max_iter=500)
        oracle.fit(design.rows[~test], y[~test])
        # 1e-9 sd of Y: rounding of two different orders of operations, with a wide margin
        np.testing.assert_allclose(
            fit.predictions, oracle.predict(design.rows[test]), atol=1e-9 * y.std()
        )
        assert fit.iterations.tolist() == oracle.n_iter_


def test_nipals_gives_up_where_scikit_learn_does(rng):
    design, y = make(rng, 4, 30, 20, 6)
    (fit,) = pls.fit_held_out(design, y[None], [Problem(0, (0,))], 5, pls.Nipals(1e-12, max_iter=3))
    oracle = PLSRegression(5, scale=False, tol=1e-12, max_iter=3)
    with pytest.warns(ConvergenceWarning):
        oracle.fit(design.rows[30:], y[30:])
    assert fit.iterations.tolist() == oracle.n_iter_ == [3] * 5
    np.testing.assert_allclose(
        fit.predictions, oracle.predict(design.rows[:30]), atol=1e-9 * y.std()
    )


def test_nipals_with_no_tolerance_is_exact(rng):
    design, y = make(rng, 4, 30, 20, 6)
    arguments = design, y[None], [Problem(0, (0,))], 5
    (exact,) = pls.fit_held_out(*arguments)
    (nipals,) = pls.fit_held_out(*arguments, pls.Nipals(1e-28, max_iter=20_000))
    # the loop ends 1e-14 from its fixed point, times a factor 1 / gap of about a hundred
    np.testing.assert_allclose(nipals.predictions, exact.predictions, atol=1e-8 * y.std())
    assert (exact.iterations == 0).all() and (nipals.iterations > 10).all()


def test_the_loop_never_starts_in_the_rounding_of_a_constant_site(rng):
    """scikit-learn does where the mean of a constant is not exact: the one case left out."""
    design, y = make(rng, 4, 20, 10, 3)
    arguments = [Problem(0, (0,))], 4, pls.Nipals(1e-4)
    (without,) = pls.fit_held_out(design, y[None], *arguments)
    first = np.column_stack([np.full(len(y), 1e5 / 3), y])
    (added,) = pls.fit_held_out(design, first[None], *arguments)
    np.testing.assert_allclose(added.predictions[:, 1:], without.predictions, atol=1e-9)
    np.testing.assert_array_equal(added.iterations, without.iterations)


@pytest.mark.parametrize("engine", ENGINES)
def test_nipals_stops_at_the_numerical_rank(rng, engine):
    design, y = make(rng, 5, 40, 30, 8)
    low = rng.standard_normal((200, 7)) @ rng.standard_normal((7, 30))
    design = Design(low, design.ones, design.bounds)
    (fit,) = pls.fit_held_out(
        design, y[None], [Problem(0, (0,))], 12, pls.Nipals(1e-4), engine=engine
    )
    assert fit.n_components == 7
    least_squares = np.linalg.lstsq(low[40:] - low[40:].mean(0), y[40:], rcond=None)[0]
    expected = (low[:40] - low[40:].mean(0)) @ least_squares + y[40:].mean(0)
    np.testing.assert_allclose(fit.predictions, expected, atol=1e-8 * y.std())


def test_nipals_problems_stop_each_on_their_own(rng):
    """A problem that has stopped is frozen: its company changes neither predictions nor counts."""
    design, y = make(rng, 6, 20, 25, 6)
    problems = [Problem(0, (g,)) for g in range(6)]
    together = list(pls.fit_held_out(design, y[None], problems, 8, pls.Nipals(1e-4)))
    assert len({tuple(fit.iterations) for fit in together}) > 1
    for fit in together:
        (alone,) = pls.fit_held_out(design, y[None], [fit.problem], 8, pls.Nipals(1e-4))
        np.testing.assert_array_equal(alone.iterations, fit.iterations)
        np.testing.assert_allclose(alone.predictions, fit.predictions, atol=1e-10)


def test_order_of_sites_changes_nipals_but_not_exact(rng):
    design, y = make(rng, 5, 30, 40, 8)
    order = np.arange(8)[::-1]  # another site comes first: that is all that matters

    def difference(rule):
        arguments = [Problem(0, (0,))], 10, rule
        (one,) = pls.fit_held_out(design, y[None], *arguments)
        (other,) = pls.fit_held_out(design, y[None, :, order], *arguments)
        return np.abs(one.predictions[:, order] - other.predictions).max() / y.std()

    assert difference(pls.Exact()) < 1e-10
    assert difference(pls.Nipals(1e-4)) > 1e-3
    assert difference(pls.Nipals(1e-6)) < difference(pls.Nipals(1e-4))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.integers(2, 40),
    sites=st.integers(1, 8),
    engine=st.sampled_from(ENGINES),
    tol=st.sampled_from([1e-4, 1e-6]),
)
def test_invariances_of_nipals(seed, channels, sites, engine, tol):
    """Order of samples, rotation of features and a common scale change neither values nor counts."""
    rng = np.random.default_rng(seed)
    design, y = make(rng, 4, 12, channels, sites)
    problem, components = [Problem(0, (0,))], min(3, channels)

    def fit(rows, responses):
        moved, rule = Design(rows, design.ones, design.bounds), pls.Nipals(tol)
        (found,) = pls.fit_held_out(
            moved, responses[None], problem, components, rule, engine=engine
        )
        return found

    within = np.concatenate([np.arange(12), 12 + rng.permutation(36)])
    rotation = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
    base = fit(design.rows, y)
    for other in (
        fit(design.rows[within], y[within]),
        fit(design.rows @ rotation, y),
        fit(design.rows * 7, y),
    ):
        np.testing.assert_array_equal(other.iterations, base.iterations)
        # the last score may be small next to the first: rounding is amplified
        np.testing.assert_allclose(other.predictions, base.predictions, atol=1e-6 * y.std())


@pytest.mark.network
@pytest.mark.parametrize("rule", [pls.Exact(), pls.Nipals(1e-4)])
@pytest.mark.parametrize("case", CASES)
def test_torch_gives_the_same(rng, rule, case):
    groups, n, channels, sites, components = CASES[case]
    design, y = make(rng, groups, n, channels, sites)
    targets = np.stack([y, rng.standard_normal(y.shape)])
    problems = [Problem(t, (g,)) for t in range(2) for g in range(groups)]
    problems.append(Problem(0, (0, 2)))
    compare_devices(design, targets, problems, components, rule, "cpu")


@pytest.mark.network
@pytest.mark.gpu
def test_torch_gives_the_same_on_cuda(rng):
    design, y = make(rng, 8, 100, 400, 16)
    problems = [Problem(0, (g,)) for g in range(8)]
    compare_devices(design, y[None], problems, 20, pls.Exact(), "cuda")


def compare_devices(design, targets, problems, components, rule, device):
    """Same problems in the same order, counts equal, predictions within 1e-8 sd of Y."""
    on_host = list(pls.fit_held_out(design, targets, problems, components, rule))
    on_device = list(pls.fit_held_out(design, targets, problems, components, rule, device))
    assert [fit.problem for fit in on_host] == [fit.problem for fit in on_device]
    for one, other in zip(on_host, on_device, strict=True):
        np.testing.assert_array_equal(one.iterations, other.iterations)
        # the promise of `fit_held_out`: same operations, other order, kernels of another library
        np.testing.assert_allclose(
            one.predictions, other.predictions, atol=1e-8 * targets.std(), rtol=0
        )


@pytest.mark.network
def test_torch_stops_at_the_numerical_rank_and_leaves_held_out_responses_alone(rng):
    design, y = make(rng, 5, 20, 30, 4)
    low = rng.standard_normal((100, 6)) @ rng.standard_normal((6, 30))
    design = Design(low, design.ones, design.bounds)
    (clean,) = pls.fit_held_out(design, y[None], [Problem(0, (1,))], 9, device="cpu")
    y[design.group(1)] = np.nan
    (poisoned,) = pls.fit_held_out(design, y[None], [Problem(0, (1,))], 9, device="cpu")
    assert clean.n_components == 6
    np.testing.assert_array_equal(clean.predictions, poisoned.predictions)


@pytest.mark.network
def test_a_missing_cuda_device_is_named(rng):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    design, y = make(rng, 3, 5, 4, 2)
    with pytest.raises(UserError, match="'cuda': torch finds no CUDA device"):
        list(pls.fit_held_out(design, y[None], [Problem(0, (0,))], 1, device="cuda"))
