"""Unique and shared variance: what was planted is found, and a network has nothing beyond itself."""

import numpy as np
import pytest

from itcortex.mappings.banded import BANDS, shares_of, squared_errors
from itcortex.mappings.folds import Division
from itcortex.tables.unique_variance import SHARES, variance_table

N, SITES = 400, 6
FOLDS = Division.into_folds(np.arange(N) % 5)


def planted(rng, noise=1.0):
    """Features of three sources; sites are a sum of one direction of each, of variance 1, and noise."""
    sources = [rng.standard_normal((N, 5)) for _ in range(3)]
    parts = [x @ (w / np.linalg.norm(w, axis=0)) for x in sources
             for w in [rng.standard_normal((5, SITES))]]  # fmt: skip
    responses = sum(parts) + noise * rng.standard_normal((N, SITES))
    own, other, both = sources
    return np.hstack([own, both]), np.hstack([other, both]), responses[:, None, None]


def shares(*arguments, **options):
    found = shares_of(squared_errors(*arguments, **options).sum(1))
    return {name: float(np.mean(values)) for name, values in found.items()}


def test_two_halves_of_planted_features_share_what_was_planted(rng):
    """A quarter of the variance each: own, other's, shared, noise. 400 images: within .06."""
    first, second, responses = planted(rng)
    found = shares(first, second, responses, FOLDS)
    for name in ("unique", "unique_other", "shared"):
        assert found[name] == pytest.approx(0.25, abs=0.06)
    assert found["r2_both"] == pytest.approx(0.75, abs=0.06)


def test_a_network_has_no_variance_beyond_itself_or_its_own_rotation(rng):
    first, _, responses = planted(rng)
    rotation, _ = np.linalg.qr(rng.standard_normal((10, 10)))
    for other in (first, 3 * first @ rotation + 2):
        found = shares(first, other, responses, FOLDS)
        assert abs(found["unique"]) < 1e-9 and abs(found["unique_other"]) < 1e-9
        assert found["shared"] == pytest.approx(found["r2"], abs=1e-9)


def test_noise_beside_a_network_adds_nothing(rng):
    first, _, responses = planted(rng)
    found = shares(first, rng.standard_normal((N, 50)), responses, FOLDS)
    assert abs(found["unique_other"]) < 0.02 and abs(found["shared"]) < 0.03
    assert found["unique"] == pytest.approx(found["r2"], abs=0.03)


@pytest.mark.long
def test_wide_features_and_a_grid_keep_their_samples_together(rng):
    """On two positions, with more features than samples: as the same samples without a grid."""
    first, second, responses = planted(rng)
    wide = first @ rng.standard_normal((10, 900))
    fold_of = np.repeat(np.arange(N // 2) % 5, 2)
    one = Division.into_folds(fold_of, tuple(f"i{k // 2}" for k in range(N)))
    grid = Division.into_folds(fold_of[::2])
    flat = squared_errors(wide, second, responses, one)
    on_grid = squared_errors(wide, second, responses.reshape(N // 2, 2, 1, SITES), grid)
    summed = flat.reshape(4, N // 2, 2, SITES).sum(2)
    np.testing.assert_allclose(on_grid, summed, rtol=1e-6)


@pytest.mark.parametrize("width", [10, 900])
def test_single_precision_changes_no_share_by_more_than_a_thousandth(rng, width):
    """With fewer features than samples, and with more: products then are of samples."""
    first, second, responses = planted(rng)
    wide = first @ rng.standard_normal((10, width))
    penalties = np.logspace(-2, 4, 7)
    exact, single = (
        shares(wide, second, responses, FOLDS, penalties=penalties, dtype=dtype)
        for dtype in ("float64", "float32")
    )
    assert exact == pytest.approx(single, abs=1e-3) and exact != single
    coarse = shares(wide, second, responses, FOLDS, penalties=(1e4,))
    assert coarse["r2_both"] < exact["r2_both"] - 0.1


def test_no_error_of_a_test_image_moves_its_prediction(rng):
    first, second, responses = planted(rng)
    before = squared_errors(first, second, responses, FOLDS, splits=[0])
    assert (before[:, FOLDS.fold_of != 0] == 0).all() and (before[:, FOLDS.fold_of == 0] > 0).any()
    moved = responses.copy()
    moved[FOLDS.fold_of == 0] += 10
    after = squared_errors(first, second, moved, FOLDS, splits=[0])
    test = FOLDS.fold_of == 0
    step = np.sqrt(after[0, test]) - np.sqrt(before[0, test])
    signed = responses[test, 0, 0] - responses[~test, 0, 0].mean(0)
    np.testing.assert_allclose(step, np.abs(signed + 10) - np.abs(signed), atol=1e-8)
    assert BANDS[:2] == (1.0, 0.0)


def test_the_table_has_the_mean_over_sites_and_paired_intervals(rng):
    first, second, responses = planted(rng)
    responses[..., 2] = 1.0
    errors = squared_errors(first, second, responses, FOLDS)
    names = tuple(f"s{k}" for k in range(SITES))
    table = variance_table(errors, names, 300, np.random.default_rng(0))
    assert table["site"].tolist() == ["", *names]
    mean, sites = table.iloc[0], table.iloc[1:].set_index("site")
    assert sites.loc["s2", SHARES].isna().all()
    for name in ("r2", "unique", "shared"):
        assert mean[name] == pytest.approx(sites[name].mean())
    total = mean["unique"] + mean["unique_other"] + mean["shared"]
    assert total == pytest.approx(mean["r2_both"])
    for name in ("unique", "unique_other", "shared"):
        assert mean[f"{name}_low"] < mean[name] < mean[f"{name}_high"]
        assert (sites[f"{name}_low"].dropna() < sites[f"{name}_high"].dropna()).all()
    itself = variance_table(squared_errors(first, first, responses, FOLDS), names, 50, rng).iloc[0]
    assert abs(itself["unique_low"]) < 1e-9 and abs(itself["unique_high"]) < 1e-9
