"""The data dictionary has every table and column that the workflow writes, and no other."""

import numpy as np
import pandas as pd
import pytest

from itcortex.data.recordings import Recording
from itcortex.encoding import site_checks
from itcortex.similarity.ceilings import COLUMNS as RSA_CEILINGS
from itcortex.tables import (
    ceiling_effects,
    comparison,
    covariates,
    dictionary,
    generalisation,
    model_pairs,
    multiverse,
    recording_pairs,
    site_counts,
    summary,
    tradeoff,
    unique_variance,
)
from itcortex.tables.splits import SPLIT, with_splits
from itcortex.tables.trends import Ranges
from itcortex.workflow.products import TABLES
from made import tables as made_tables

CHECK = "check"  # of a recording, which is no table of an experiment


def test_every_table_that_exists_is_in_it_and_no_other():
    assert {table.name for table in TABLES} == {*dictionary.tables()} - {CHECK}


def test_every_column_is_told_in_words():
    for table in dictionary.tables().values():
        assert table.columns and table.holds
        for column in table.columns:
            assert isinstance(column.name, str) and column.holds, f"{table.name}: {column.name}"
    r = {column.name: column for column in dictionary.tables()["summary"].columns}["r"]
    assert r.unit == "r" and r.holds.startswith("mean over folds of the median over sites")
    top1 = {column.name: column for column in dictionary.tables()["scores"].columns}["top1"]
    assert top1.unit == "%"  # said once, for all tables


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("recording_pairs", [*recording_pairs.PAIRS, SPLIT]),
        ("site_counts", [*recording_pairs.COUNTS, SPLIT]),
        ("ceiling_effects", [*ceiling_effects.COLUMNS, SPLIT]),
        ("tradeoff_partial", [*covariates.PARTIAL, SPLIT]),
        ("model_pairs", [*model_pairs.PAIRS, SPLIT]),
        ("harmonized", [*model_pairs.HARMONIZED, SPLIT]),
        ("multiverse", [*multiverse.COLUMNS, SPLIT]),
        ("multiverse_influence", multiverse.INFLUENCE),
        ("published_pairs", comparison.PAIR),
        ("published_comparison", comparison.COMPARISON),
        ("rsa_ceilings", RSA_CEILINGS),
        ("network_site_counts", [*site_counts.COLUMNS, SPLIT]),
        ("unique_variance_sites", [*unique_variance.COLUMNS, SPLIT]),
        ("unique_variance", [n for n in [*unique_variance.COLUMNS, SPLIT] if n != "site"]),
        (
            "generalisation",
            [*generalisation.COLUMNS, *summary.DESCRIBED, "monkey", "area", "simulated"],
        ),
    ],
)
def test_tables_of_fixed_columns_have_those_of_the_dictionary(name, columns):
    assert dictionary.differences(name, columns) == []


def test_differences_are_named():
    columns = [column.name for column in dictionary.tables()["images"].columns]
    table = pd.DataFrame(columns=[*columns[1:], "colour"])
    assert dictionary.differences("images", table) == [
        "images: the dictionary lacks 'colour'", "images: has no column 'recording'",
    ]  # fmt: skip


def test_the_check_of_a_recording_has_the_columns_of_the_dictionary(rng):
    values = rng.standard_normal((20, 1, 1, 1, 3))
    made = Recording(values, tuple(map(str, range(20))), ("a", "b", "c"), {})
    table = site_checks.table(made, values[..., 0, :], None, 5, 0)
    named = table.assign(recording="r")  # as check_recording writes it
    assert dictionary.differences(CHECK, named) == []


def test_our_own_ranges_and_families_have_the_columns_of_the_dictionary(rng):
    models = made_tables.paper_models(np.random.default_rng(3))
    table = made_tables.summary(models, {"m1_pl": ("Monkey 1", "PL")}, starts=np.array([90.0]))
    main = table[table.main_window & (table.control == "none") & (table.mapping == "pls")]
    curve = tradeoff.ranges_table(main, "r", Ranges(20, 30, 20), 5, rng)
    families = tradeoff.families_table(main, "r", [0.0], 20, 5, rng)
    for name, table in (("tradeoff_ranges", curve), ("tradeoff_families", families)):
        named = with_splits(table, {"m1_pl": "image"})  # as estimate_tradeoff writes it
        assert len(table) and dictionary.differences(name, named) == []


def test_every_table_of_scores_says_how_images_were_divided():
    """All that have a recording and a protocol; the contrasts of conditions are over recordings."""
    lacking = [
        name
        for name, table in dictionary.tables().items()
        if {"recording", "protocol"} <= {column.name for column in table.columns}
        and SPLIT not in [column.name for column in table.columns]
    ]
    assert lacking == []


def test_a_recording_without_a_name_of_its_folds_is_no_empty_cell():
    table = pd.DataFrame({"recording": pd.Categorical(["a", "b", "a"])})
    assert with_splits(table, {"a": "image", "b": "split"})["split"].tolist() == [
        "image", "split", "image",
    ]  # fmt: skip
    with pytest.raises(KeyError, match="b"):
        with_splits(table, {"a": "image"})
