"""The column `split`: how the images behind the scores of a row were divided."""

from collections.abc import Mapping

import pandas as pd

SPLIT = "split"


def with_splits(table: pd.DataFrame, splits: Mapping[str, str]) -> pd.DataFrame:
    """The table with the name of the folds of every row's recording in a last column `split`.

    `splits` has that name by recording. Raises `KeyError` for a recording that it lacks.
    """
    return table.assign(split=[splits[name] for name in table["recording"].astype(str)])
