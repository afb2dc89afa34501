"""Sites are those that were asked for, and no others that look alike."""

import numpy as np
import pandas as pd
import pytest

from itcortex.data.own.selection import select
from itcortex.errors import UserError


def chosen(values, wanted) -> list[int]:
    """Positions of the sites whose value in a column fulfils a condition."""
    sites = pd.DataFrame({"site": [f"s{k}" for k in range(len(values))], "c": values})
    return np.flatnonzero(select(sites, {"c": wanted}, "x")).tolist()


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        ([20210325, 20210326, 20210331, 20210325], 20210325, [0, 3]),
        ([20210325, 20210326], "20210325", [0]),
        (["20210325", "20210326"], 20210325, [0]),
        ([20210325.0, np.nan, 20210326.0], 20210325, [0]),
        ([2**53 + 1, 2**53], 2**53, [1]),
        ([0.1234567, 0.1234568], 0.1234567, [0]),
        (np.array([0.1, 0.2], np.float32), 0.1, [0]),
        (["010", "10"], "010", [0]),
        (["010", "10"], 10, [1]),
        (["1_0", "10"], "10", [1]),
        (["1e3", "1000"], "1000", [1]),
        (["nan", "NaN"], "nan", [0]),
        ([1, 2, 1], [1.0, 2], [0, 1, 2]),
        ([1.5, 2.0], ["1.5"], [0]),
        (["IT ", "V4"], "IT", [0]),
        ([True, False], True, [0]),
        (["TRUE", "FALSE"], True, [0]),
    ],
)
def test_values_are_the_same_in_all_digits(values, wanted, expected):
    assert chosen(values, wanted) == expected


@pytest.mark.parametrize(
    ("values", "wanted", "message"),
    [
        ([20210326], 20210325, "no site has 20210325; did you mean '20210326'"),
        ([1.0, np.nan], "nan", "no site has 'nan'"),
        (["x", None], "None", "no site has 'None'"),
        ([10], "010", "no site has '010'; did you mean '10'"),
        ([10, 20], ">1_0", "'>1_0' compares with no number"),
    ],
)
def test_values_that_no_site_has(values, wanted, message):
    with pytest.raises(UserError, match=message):
        chosen(values, wanted)
