"""Tables of concepts: values by hand, paired intervals, and what is undefined."""

import numpy as np
import pandas as pd
import pytest

from itcortex.encoding.concept_scores import ALONE, CONCEPTS, LAYER, WITHOUT
from itcortex.tables import dictionary
from itcortex.tables.concepts import COLUMNS, ENCODING, concept_tables
from itcortex.tables.splits import SPLIT

FOLDS, SITES = ("x", "y", "z"), ("a", "b", "c")


def scores(values: dict) -> pd.DataFrame:
    """Rows of r (fold, site) by features and concept."""
    parts = [
        pd.DataFrame(
            {
                "features": features, "concept": concept, "fold": np.repeat(FOLDS, 3),
                "site": np.tile(SITES, 3), "r": np.broadcast_to(r, (3, 3)).ravel(),
            }
        )
        for (features, concept), r in values.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def values(rng):
    """r of a layer with two concepts; the second one adds nothing."""
    of_all = 0.4 + 0.1 * rng.random((3, 3))
    return {
        (LAYER, 0): of_all / 0.8, (CONCEPTS, 0): of_all, (WITHOUT, 1): of_all / 4,
        (WITHOUT, 2): of_all, (ALONE, 1): of_all, (ALONE, 2): of_all / 4,
    }  # fmt: skip


def test_values_are_means_over_folds_of_medians_and_differences_are_paired(values, rng):
    importances = np.array([[0.9, 0.2], [0.7, 0.2]])
    each, whole = concept_tables(scores(values), importances, 200, rng)
    of_all = np.median(values[CONCEPTS, 0], 1).mean()
    first, second = each.to_dict("records")
    assert (first["concept"], second["concept"]) == (1, 2) and set(each["n_images"]) == {2}
    assert first["importance"] == pytest.approx(0.8) and second["importance"] == pytest.approx(0.2)
    assert (first["importance_low"], first["importance_high"]) == pytest.approx((0.7, 0.9))
    assert first["r_alone"] == pytest.approx(of_all)
    assert first["drop"] == pytest.approx(of_all * 3 / 4)
    # what is a fixed share in every fold and site is so in every draw
    assert [first[f"share{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.75] * 3)
    assert [second[f"drop{end}"] for end in ("", "_low", "_high")] == [0, 0, 0]
    (row,) = whole.to_dict("records")
    assert [row[f"kept{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.8] * 3)
    assert row["r_layer_low"] < row["r_layer"] < row["r_layer_high"]
    assert (row["n_concepts"], row["n_folds"], row["n_sites"]) == (2, 3, 3)


def test_shares_of_nothing_and_the_interval_of_one_image_are_undefined(values, rng):
    values[CONCEPTS, 0] = np.full((3, 3), -0.1)
    each, whole = concept_tables(scores(values), np.array([[0.5, 0.5]]), 50, rng)
    assert each[["share", "share_low", "importance_low"]].isna().all(axis=None)
    assert each["drop"].notna().all() and whole["kept"][0] == pytest.approx(
        -0.1 / values_of(values)
    )


def values_of(values: dict) -> float:
    """r of the layer."""
    return np.median(values[LAYER, 0], 1).mean()


def test_sites_without_a_score_are_left_out(values, rng):
    values = {key: np.array(r) for key, r in values.items()}
    for r in values.values():
        r[:, 0] = np.nan
    each, _ = concept_tables(scores(values), np.ones((3, 2)), 50, rng)
    expected = np.median(values[CONCEPTS, 0][:, 1:], 1).mean()
    assert each["r_alone"][0] == pytest.approx(expected)


def test_columns_are_those_of_the_dictionary():
    assert dictionary.differences("concepts", [*COLUMNS, SPLIT]) == []
    assert dictionary.differences("concept_encoding", [*ENCODING, SPLIT]) == []
