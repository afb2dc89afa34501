"""Numbers are written with true minus signs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itcortex.tables.numbers import bounds, number


def test_numbers_have_true_minus_signs_and_no_minus_zero():
    assert number(-0.214) == "−0.21"
    assert number(-0.001) == "0.00"
    assert number(12345.6, 0) == "12346"


def test_a_missing_number_is_a_dash():
    assert number(np.nan) == number(None) == number(np.inf) == "–"


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (-0.004, 0.117, ("−0.004", "0.117")),
        (0.0004, 0.117, ("0.0004", "0.1170")),
        (-0.2, -0.00012, ("−0.2000", "−0.0001")),
        (0.0, 0.117, ("0.00", "0.12")),
        (0.1, 0.3, ("0.10", "0.30")),
        (-3e-9, 0.5, ("−3e−09", "0.50")),
        (np.nan, 0.5, ("–", "0.50")),
    ],
)
def test_ends_of_intervals_keep_their_signs(low, high, shown):
    assert bounds(low, high) == shown


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_an_interval_as_written_holds_zero_only_if_it_does(a, b):
    low, high = sorted((a, b))
    ends = [float(end.replace("−", "-")) for end in bounds(low, high)]
    assert [np.sign(end) for end in ends] == [np.sign(low), np.sign(high)]
