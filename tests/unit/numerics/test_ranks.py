"""Ranks of unit length and their correlations against scipy, and where there are none."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from itcortex.numerics import ranks as numerics_ranks
from made.attention import SIDE

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.mark.process
def test_snakemake_and_fits_start_without_scipys_statistics_and_scikit_learn():
    """Their imports take as long as all others of such a process together."""
    code = (
        "import sys, itcortex.workflow.analysis, fit_encoding, collect_scores;"
        "print({'scipy.stats', 'sklearn.model_selection'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("ties", [False, True])
def test_rho_is_scipys(rng, ties):
    a, b = rng.normal(size=(2, SIDE, SIDE))
    b += a
    if ties:
        a, b = np.maximum(a, 0.3), np.round(b)
    expected = spearmanr(a.ravel(), b.ravel()).statistic
    found = numerics_ranks.correlate_ranks(
        numerics_ranks.unit_ranks(a), numerics_ranks.unit_ranks(b)
    )
    assert found == pytest.approx(expected, abs=2e-6)  # ranks are kept in float32


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_rho_sees_ranks_only(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 40, 40))
    ranks = numerics_ranks.unit_ranks(b)
    rho = numerics_ranks.correlate_ranks(numerics_ranks.unit_ranks(a), ranks)
    assert (
        numerics_ranks.correlate_ranks(numerics_ranks.unit_ranks(np.exp(3 * a) - 7), ranks) == rho
    )
    assert numerics_ranks.correlate_ranks(numerics_ranks.unit_ranks(-a), ranks) == pytest.approx(
        -rho, abs=1e-6
    )


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_map_has_no_ranks(value):
    assert numerics_ranks.unit_ranks(np.full((8, 8), value)) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_has_no_ranks(rng, value):
    values = rng.random((8, 8))
    values[3, 4] = value
    assert numerics_ranks.unit_ranks(values) is None


def test_partial_correlation_is_that_of_regression_residuals(rng):
    a, b, c = rng.normal(size=(3, 500))
    a, b = a + c, b - 2 * c + 0.5 * a

    def left(values):
        return values - np.polyval(np.polyfit(c, values, 1), c)

    expected = np.corrcoef(left(a), left(b))[0, 1]
    r = np.corrcoef([a, b, c])
    assert numerics_ranks.partial(r[0, 1], r[0, 2], r[1, 2]) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(numerics_ranks.partial(0.5, 1.0, 0.5))
    assert np.isnan(numerics_ranks.partial(0.5, np.nan, 0.5))
