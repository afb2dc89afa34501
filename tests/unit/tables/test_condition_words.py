"""What is said of conditions is what the table says, either way."""

import numpy as np
import pytest

from itcortex.tables import condition_words
from made import conditions as made

V4 = {"measure": "r", "target": "v4", "mapping": "pls"}
EQUAL = dict.fromkeys(made.CONDITIONS, 0.1)


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ({"human": 0.1}, "more than with either kind of other maps"),
        (EQUAL, "no change that human maps explain"),
        ({"human": 0.1, "mean": 0.1}, "no change that human maps explain"),
        ({}, "no change that human maps explain"),
        ({"human": -0.1}, "less than with either kind of other maps"),
        ({"of_others": -0.1, "mean": -0.1}, "more than with either kind of other maps"),
    ],
)
def test_only_what_both_controls_lack_is_due_to_human_maps(effects, verdict):
    table = made.table(effects, np.random.default_rng(4))
    assert condition_words.verdict(table, **V4) == verdict
    assert verdict in condition_words.readme_line(table, "r", "pls")
    assert condition_words.sentence(table, "predictivity", **V4).endswith(f": {verdict}.")


def test_a_sentence_has_the_numbers_of_the_table(rng):
    table = made.table({"human": 0.1}, rng)
    row = condition_words.contrast(table, "human", "none", **V4)
    text = condition_words.sentence(table, "predictivity of V4", **V4)
    assert text.startswith(f"Human maps change predictivity of V4 by +{row['difference']:.3f} [0.0")
    assert (
        "against strength 0, by +0." in text
        and " against maps of other photographs, by +0." in text
    )
    found = condition_words.sentences(table, "r", "pls")
    assert len(found) == 1 + 1 + 2 * 2 * 2 + 2  # blurred saliency is in the table alone
    assert "of maps of covering beyond the usual places (mouse, partial ρ)" in found[5]
    line = condition_words.readme_line(table, "r", "pls")
    assert line.startswith("v4: more than with either kind of other maps; +0.1")


def test_without_controls_nothing_is_said_to_be_due_to_human_maps(rng):
    table = made.table({"human": 0.1}, rng)
    alone = table[table["compared_with"] == "none"]
    assert condition_words.verdict(alone, **V4) == "not compared with other maps"
    one = table[table["compared_with"] != "mean"]
    assert condition_words.verdict(one, **V4) == "no change that human maps explain"
    nothing = table[table["condition"] != "human"]
    assert condition_words.readme_line(nothing, "r", "pls") == "not compared"
    assert "nothing can be said" in condition_words.sentence(nothing, "predictivity", **V4)


def test_several_recordings_of_an_area_are_told_by_their_mean(rng):
    table = made.table({"human": 0.1}, rng, targets=("v4_a", "v4_b"))
    assert condition_words.headline(table, "r", "pls") == ["v4_a", "v4_b"]
    area = table[table["target"] == "v4_a"].assign(target="V4", n_targets=2)
    both = [*table.to_dict("records"), *area.to_dict("records")]
    assert condition_words.headline(type(table)(both), "r", "pls") == ["V4"]
