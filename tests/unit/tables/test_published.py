"""Every line of the published tables gets its curve, seeded by its own name."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from itcortex.tables.published import at_cut, families_table, in_trend, lines, range_table
from itcortex.tables.trends import Ranges
from made.scores import networks, tidy_scores

RANGES = Ranges(5, 15, 10)


@pytest.fixture
def scores(rng):
    """Two tables of made networks; half of the second are not supervised."""
    first = tidy_scores("first", *networks(rng, 12, 5, slope=1.0))
    supervised = np.arange(60) % 2 == 0
    second = tidy_scores("second", *networks(rng, 12, 5), supervised=supervised, adversarial=False)
    return pd.concat([first, second], ignore_index=True)


def test_a_line_is_a_table_region_benchmark_metric_and_subset(scores):
    found = [(line["source"], line["subset"], len(rows)) for line, rows in lines(scores, 10)]
    assert found == [("first", "all", 60), ("second", "all", 60), ("second", "supervised", 30)]


def test_untrained_and_harmonized_networks_and_missing_numbers_stay_out(scores):
    scores.loc[0, "trained"] = False
    scores.loc[1, "category"] = "harmonized"
    scores.loc[2, "accuracy"] = np.nan
    scores.loc[3, "score"] = np.nan
    assert in_trend(scores).index.tolist() == list(range(4, 120))


def test_a_further_table_leaves_the_numbers_of_others_as_they_are(scores):
    alone = range_table(scores[scores["source"] == "second"], RANGES, 100, seed=3)
    both = range_table(scores, RANGES, 100, seed=3)
    both = both[both["source"] == "second"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, both)
    other = range_table(scores[scores["source"] == "second"], RANGES, 100, seed=4)
    assert not other["low"].equals(alone["low"])
    assert other["value"].equals(alone["value"])


def test_the_value_at_a_cut_is_that_of_networks_above_it(scores):
    curve = range_table(scores, RANGES, 100, seed=3)
    found = at_cut(curve, 70).set_index(["source", "subset"])
    first = scores[(scores["source"] == "first") & (scores["accuracy"] >= 70)]
    rho = spearmanr(first["accuracy"], first["score"])[0]
    assert found.loc[("first", "all"), "value"] == pytest.approx(rho, abs=1e-12)
    assert found["from"].tolist() == [70, 70, 70]


def test_at_a_cut_below_all_accuracies_are_all_networks(scores):
    found = at_cut(range_table(scores, RANGES, 100, seed=3), 0)
    assert found["n_models"].tolist() == [60, 60, 30]


def test_families_are_compared_above_every_cut_with_enough_networks(scores):
    table = families_table(scores, [0, 70, 99], 10, 100, seed=3)
    assert sorted(table["from"].unique()) == [0, 70]
    rho = table[(table["statistic"] == "spearman") & (table["family"] == "")]
    assert rho["p"].between(0, 1).all()
    assert (
        rho.groupby("from")["n_models"].first()[70]
        == ((scores["source"] == "first") & (scores["accuracy"] >= 70)).sum()
    )


def test_no_line_is_no_row():
    empty = tidy_scores("none", np.array([70.0]), np.array([0.5]), np.array(["a"]))
    assert range_table(empty, RANGES, 100, seed=3).empty
    assert families_table(empty, [0], 10, 100, seed=3).empty
