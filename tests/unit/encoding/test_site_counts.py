"""The score over the number of sites that are drawn: the formula, its end, and all sources."""

import numpy as np
import pytest

from itcortex.encoding.protocols import PROTOCOLS
from itcortex.encoding.recording_pairs import Shown, pair_up
from itcortex.encoding.site_counts import counts_of, curve
from itcortex.mappings.folds import Division

FIT = PROTOCOLS["corrected"].fitter("ridge", 25, "exact", 0, nested=False)


def shown(name, responses):
    digests = tuple(f"p{k}" for k in range(len(responses)))
    sites = tuple(f"{name}-{k}" for k in range(responses.shape[1]))
    return Shown(name, "A", responses[:, None, None].astype(float), digests, sites)


def paired(target, *sources):
    names = [shown(name, one) for name, one in zip("bcd", sources, strict=False)]
    division = Division.into_folds(np.arange(len(target)) % 4)
    return pair_up(shown("a", target), names, division)[-1]


def test_counts_are_powers_of_two_and_all():
    assert counts_of(1) == [1]
    assert counts_of(8) == [1, 2, 4, 8]
    assert counts_of(59) == [1, 2, 4, 8, 16, 32, 59]


@pytest.mark.long
def test_the_curve_is_that_of_the_formula(rng):
    """n of m sources s + e_j of noise variance v, target s + e: r = 1 / sqrt((1 + v / n) (1 + v))."""
    v, signal = 1.0, rng.standard_normal((3000, 1))
    source = signal + np.sqrt(v) * rng.standard_normal((3000, 16))
    target = signal + np.sqrt(v) * rng.standard_normal((3000, 2))
    table = curve(paired(target, source), "ridge", FIT, 7, 3, rng)
    mean = table.groupby("n_source_sites")["r"].mean()
    expected = [1 / np.sqrt((1 + v / n) * (1 + v)) for n in mean.index]
    np.testing.assert_allclose(mean, expected, atol=0.03)  # 750 images a fold
    assert table.groupby("n_source_sites").size().to_dict() == {1: 3, 2: 3, 4: 3, 8: 3, 16: 1}


def test_its_end_is_the_score_from_all_sites_of_all_sources(rng):
    signals = rng.standard_normal((80, 2))
    pairing = paired(signals.sum(1, keepdims=True), signals[:, :1], signals[:, 1:])
    assert pairing.ceiling_name == "other_recordings"
    table = curve(pairing, "ridge", FIT, 7, 4, rng)
    assert table.iloc[-1][["n_source_sites", "draw"]].tolist() == [2, 0]
    assert table.iloc[-1]["r"] > 0.99
    assert table[table["n_source_sites"] == 1]["r"].max() < 0.9  # one signal of two


def test_the_same_seed_draws_the_same_sites(rng):
    pairing = paired(rng.standard_normal((40, 2)), rng.standard_normal((40, 6)))
    first, second = (curve(pairing, "ridge", FIT, 7, 2, np.random.default_rng(5)) for _ in range(2))
    assert first.equals(second) and first["r"].nunique() == len(first)
    assert first["r"].between(-1, 1).all() and pytest.approx(0, abs=0.5) == first["r"].mean()
