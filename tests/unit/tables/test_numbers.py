"""Numbers are written with true minus signs."""

import numpy as np

from itcortex.tables.numbers import number


def test_numbers_have_true_minus_signs_and_no_minus_zero():
    assert number(-0.214) == "−0.21"
    assert number(-0.001) == "0.00"
    assert number(12345.6, 0) == "12346"


def test_a_missing_number_is_a_dash():
    assert number(np.nan) == number(None) == number(np.inf) == "–"
