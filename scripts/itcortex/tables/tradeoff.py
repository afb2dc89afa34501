"""Our own trade-off by range of accuracy, and within families of networks and between them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from itcortex.tables.family_trends import family_table
from itcortex.tables.statistics import ALL, ONE_TEST, WITH_HARMONIZED, groups, require_score
from itcortex.tables.trends import Ranges, inside, range_curve

_NAMES = [*ONE_TEST, "score", "group"]


def _tests(
    summary: pd.DataFrame, score: str
) -> Iterator[tuple[dict, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Accuracy, score and family of every test, all defined: without and with harmonized networks."""
    require_score(summary, score)
    for keys, of_test in summary.groupby(ONE_TEST, observed=True):
        for group, some in groups(of_test):
            if group not in (ALL, WITH_HARMONIZED):
                continue
            known = some[np.isfinite(some["top1"]) & np.isfinite(some[score])]
            columns = known["top1"].to_numpy(float), known[score].to_numpy(float)
            test = dict(zip(ONE_TEST, keys, strict=True)) | {"score": score, "group": group}
            yield test, (*columns, known["family"].to_numpy(str))


def ranges_table(
    summary: pd.DataFrame, score: str, ranges: Ranges, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """The range curve (`trends.range_curve`) of every test that has enough networks for one."""
    parts = [
        range_curve(*columns, ranges, draws=draws, rng=rng).assign(**test)
        for test, columns in _tests(summary, score)
        if len(columns[0]) >= ranges.minimum
    ]
    return _named_first(parts)


def families_table(
    summary: pd.DataFrame, score: str, cuts: list[float], minimum: int, draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Trends within and between families (`family_trends.family_table`) above each cut (%)."""
    parts = []
    for test, columns in _tests(summary, score):
        for cut in cuts:
            some = inside(columns[0], cut, np.inf)
            if some.sum() >= minimum:
                table = family_table(*(one[some] for one in columns), draws=draws, rng=rng)
                parts.append(table.assign(**test, **{"from": cut}))
    return _named_first(parts, "from")


def _named_first(parts: list[pd.DataFrame], *more: str) -> pd.DataFrame:
    """Tables one below the other, what names a test in the first columns; without any, these alone."""
    first = [*_NAMES, *more]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=first, dtype=str)
    return table[[*first, *[name for name in table if name not in first]]]
