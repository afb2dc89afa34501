"""What is said of conditions is what the table says, either way."""

import numpy as np
import pandas as pd
import pytest

from itcortex.tables import condition_verdicts, condition_words
from itcortex.tables.condition_verdicts import Changes
from made import conditions as made

V4 = {"measure": "r", "target": "v4", "mapping": "pls"}
EQUAL = dict.fromkeys(made.CONDITIONS, 0.1)


ALL = "raise it beyond strength 0 and beyond both kinds of other maps"
FURTHER = "human maps lower it, but other maps lower it further"


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ({"human": 0.1}, f"human maps {ALL}"),
        ({"human": 0.1, "mean": 0.05}, f"human maps {ALL}"),
        ({"human": -0.1}, f"human maps {ALL.replace('raise', 'lower')}"),
        ({"of_others": -0.1, "mean": -0.1}, "both kinds of other maps lower it, human maps do not"),
        ({"of_others": 0.1, "mean": 0.1}, "both kinds of other maps raise it, human maps do not"),
        ({"human": -0.1, "of_others": -0.2, "mean": -0.2}, FURTHER),
        (EQUAL, "all maps raise it (no change that human maps explain)"),
        ({"human": 0.1, "mean": 0.1}, "but not beyond both kinds of other maps (no change that"),
        ({"mean": -0.1}, "the mean map lowers it; human maps are told apart neither from"),
    ],
)
def test_a_gain_by_human_maps_and_a_loss_by_others_are_told_apart(effects, verdict):
    table = made.table(effects, np.random.default_rng(4))
    assert verdict in condition_words.verdict(table, **V4)
    said = condition_words.verdict(table, **V4)
    assert said in condition_words.readme_line(table, "r", "pls")
    assert condition_words.sentence(table, "predictivity", **V4).endswith(f": {said}.")


def row(low, high):
    """A difference with this interval."""
    return pd.Series({"difference": (low + high) / 2, "low": low, "high": high})


UP, DOWN, ZERO = row(0.1, 0.2), row(-0.2, -0.1), row(-0.1, 0.1)


@pytest.mark.parametrize(
    ("human", "others", "mean", "verdict"),
    [
        (ZERO, ZERO, ZERO, "nothing changes beyond the intervals"),
        (UP, ZERO, ZERO, "human maps raise it, but not beyond both kinds of other maps"),
        (ZERO, UP, DOWN, "maps of other photographs raise it; the mean map lowers it; human maps"),
    ],
)
def test_where_human_maps_are_not_told_apart_from_others(human, others, mean, verdict):
    own = {"of_others": others, "mean": mean}
    changes = Changes(human, own, dict.fromkeys(own, ZERO))
    assert condition_verdicts.verdict(changes).startswith(verdict)
    assert len(changes.all()) == 5


def test_above_both_controls_that_did_not_move_is_no_gain_against_strength_0():
    own = {"of_others": ZERO, "mean": ZERO}
    found = condition_verdicts.verdict(Changes(ZERO, own, dict.fromkeys(own, UP)))
    assert found == "more than with either kind of other maps, but not told apart from strength 0"


def test_what_controls_change_is_told_where_their_interval_excludes_zero(rng):
    table = made.table({"of_others": -0.1}, rng)
    text = condition_words.sentence(table, "predictivity", **V4)
    assert "; against strength 0 it changes with maps of other photographs by −0." in text
    assert "and the mean map" not in text


def test_small_differences_have_a_digit_more():
    """Differences of .001 within sites are not all 0.000 or 0.001."""
    said = condition_words.interval
    assert said(pd.Series({"difference": 0.0011, "low": -0.0013, "high": 0.0035})) == (
        "+0.0011 [−0.0013, 0.0035]"
    )
    assert said(row(-0.02, 0.04)) == "+0.010 [−0.020, 0.040]"
    assert said(row(0, 0)) == "0.000 [0.000, 0.000]"


def test_costs_are_said_to_be_costs(rng):
    found = "\n".join(condition_words.sentences(made.table({"human": -0.2}, rng), "r", "pls"))
    assert "This is a cost: 20 % of held-out photographs have another first class than" in found
    assert "the answers have moved away" not in found
    found = "\n".join(condition_words.sentences(made.table({"human": 0.2}, rng), "r", "pls"))
    assert "of held-out photographs have" not in found
    assert "This is a cost: the answers have moved away from what the network said before." in found


def test_the_number_of_differences_and_of_those_expected_by_chance_is_the_last_sentence(rng):
    table = made.table({}, rng)
    *_, last = condition_words.sentences(table, "r", "pls")
    assert last.startswith("Of the 54 differences that these sentences rest on (but for ")
    assert "if no maps changed anything, about 3 would by chance" in last
    answers = table["measure"].isin(["agreement", "divergence"]) & (
        table["compared_with"] == "none"
    )
    table.loc[answers, ["low", "high"]] = 0.1, 0.3  # answers of strength 0 are those of before
    assert condition_words.sentences(table, "r", "pls")[-1] == last


def test_trainings_at_the_least_agreement_are_told_by_condition(rng):
    table = made.table({"human": 0.1}, rng)
    assert not any("least agreement" in one for one in condition_words.sentences(table, "r", "pls"))
    human = (table["condition"] == "human") & (table["measure"] == "agreement")
    table.loc[human, "n_at_floor"] = 8
    (said,) = (
        one for one in condition_words.sentences(table, "r", "pls") if "least agreement" in one
    )
    assert (
        "8 of 9 trainings with human maps (mean agreement 60 %), 0 of 9 trainings with maps of"
        in said
    )
    assert "conditions differ in how far the answers moved" in said


def collapsed(table, condition="human", some=9):
    """`table` with collapsed trainings of a condition."""
    table = table.copy()
    for side, count in (("condition", "n_collapsed"), ("compared_with", "n_collapsed_other")):
        table.loc[table[side] == condition, count] = some
    return table


def test_no_verdict_on_collapsed_trainings_stands_without_their_number(rng):
    table = made.table({"human": -0.1}, rng)
    assert "collapsed" not in condition_words.findings(table, "r", "pls")
    text = condition_words.findings(collapsed(table), "r", "pls")
    *said, cell = text.strip().split("\n")
    marked = "other maps (9 of 9 trainings with human maps collapsed)"
    assert sum(marked in one for one in said) == 12 and marked in cell
    (whole,) = (one for one in said if "Collapsed trainings" in one)
    assert "(strength 1): 9 of 9 trainings with human maps collapsed: " in whole
    assert "nothing about the maps alone" in whole


def test_collapsed_controls_and_strength_0_are_counted_too(rng):
    table = made.table({"human": 0.1}, rng)
    said = condition_words.verdict(collapsed(table, "of_others", 2), **V4)
    assert said.endswith("maps (2 of 9 trainings with maps of other photographs collapsed)")
    said = condition_words.verdict(collapsed(table, "none", 3), **V4)
    assert said.endswith("maps (3 of 9 trainings at strength 0 collapsed)")
    (told,) = condition_words.collapsed(collapsed(collapsed(table, "mean", 1)))
    assert "9 of 9 trainings with human maps collapsed, 1 of 9 trainings with the mean map" in told


def test_trainings_below_the_least_agreement_are_told_beside_those_at_it(rng):
    table = collapsed(made.table({"human": 0.1}, rng), some=3)
    human = (table["condition"] == "human") & (table["measure"] == "agreement")
    table.loc[human, "n_at_floor"] = 6
    (said,) = (one for one in condition_words.sentences(table, "r", "pls") if "At the least" in one)
    assert "6 of 9 trainings with human maps (mean agreement 60 %; 3 more collapsed below" in said


def test_intervals_of_one_seed_say_so_wherever_they_stand(rng):
    table = made.table({"human": 0.1}, rng, names=("a",), seeds=(0,))
    text = condition_words.findings(table, "r", "pls")
    intervals = text.count("] (one seed)")
    assert intervals == text.count("]") > 10
    assert "(one seed)" in text.split("In a cell:")[1]
    assert "one seed" not in condition_words.findings(made.table({}, rng), "r", "pls")


def test_every_strength_is_told_main_ones_whole_and_further_ones_by_predictivity(rng):
    table = made.table({"human": 0.1}, rng)
    curve = table.assign(strength=10.0)
    both = pd.concat([table, curve], ignore_index=True)
    assert condition_words.strengths(both) == [1.0, 10.0]
    found = condition_words.sentences(both, "r", "pls")
    assert sum("(strength 1)" in one for one in found) == 12
    assert sum("(strength 10)" in one for one in found) == 12
    one = pd.concat([table, curve.assign(main_strength=False)], ignore_index=True)
    assert condition_words.strengths(one) == [1.0]
    found = condition_words.sentences(one, "r", "pls")
    assert sum("(strength 10)" in one for one in found) == 1
    assert "(strength 10)" not in condition_words.readme_line(one, "r", "pls")


def test_a_sentence_has_the_numbers_of_the_table(rng):
    table = made.table({"human": 0.1}, rng)
    row = condition_words.contrast(table, "human", "none", **V4)
    text = condition_words.sentence(table, "predictivity of V4", **V4)
    assert text.startswith(
        f"Human maps (strength 1) change predictivity of V4 by +{row['difference']:.3f} [0.0"
    )
    assert " (100 % of sites are predicted better than at strength 0): " in text
    assert (
        "against strength 0, by +0." in text
        and " against maps of other photographs, by +0." in text
    )
    found = condition_words.sentences(table, "r", "pls")
    assert len(found) == 1 + 1 + 2 * 2 * 2 + 2 + 1  # blurred saliency is in the table alone
    assert "of maps of covering beyond the usual places (mouse, partial ρ)" in found[5]
    line = condition_words.readme_line(table, "r", "pls")
    assert line.startswith(f"v4 (strength 1): human maps {ALL}; +0.")


def test_without_controls_nothing_is_said_to_be_due_to_human_maps(rng):
    table = made.table({"human": 0.1}, rng)
    alone = table[table["compared_with"] == "none"]
    assert condition_words.verdict(alone, **V4) == "not compared with other maps"
    one = table[table["compared_with"] != "mean"]
    assert "no change that human maps explain" in condition_words.verdict(one, **V4)
    nothing = table[table["condition"] != "human"]
    assert condition_words.readme_line(nothing, "r", "pls") == "not compared"
    assert "nothing can be said" in condition_words.sentence(nothing, "predictivity", **V4)


def test_where_only_people_were_measured_the_cell_is_about_them(rng):
    table = made.table({"human": 0.1}, rng)
    people = table[table["measure"] == "attention"]
    cell = condition_words.readme_line(people, "r", "pls")
    assert cell.startswith(
        "the agreement of the gradient with people (mouse, ρ) (strength 1): human maps"
    )


def test_differences_that_no_sentence_tells_are_not_counted(rng):
    table = made.table({"human": 0.1}, rng)
    told = table[(table["condition"] != "human") | (table["compared_with"] != "none")]
    found = condition_words.sentences(told, "r", "pls")
    assert all("nothing can be said" in one for one in found) and len(found) == 12


def test_controls_of_other_seeds_are_said_to_be(rng):
    """They were scored, and tried; nothing of them is paired with human maps."""
    table = made.table({}, rng, names=("a",), other_seeds=(3, 4, 5))
    others = (table["condition"] == "of_others") & (table["compared_with"] == "none")
    assert np.isfinite(table[others]["difference"]).all()
    told = "seed 0: maps of other photographs: no network of this seed, but of 3, 4, 5"
    row = table[(table["compared_with"] == "of_others") & (table["model"] == "a")].iloc[0]
    assert told in row["note"] and "not scored" not in row["note"]
    said = condition_words.verdict(table, **V4)
    assert said.endswith("(no seed in common with maps of other photographs)")
    assert "not all other maps were tried" not in said
    (sentence,) = (
        one
        for one in condition_words.sentences(table, "r", "pls")
        if one.startswith("Not compared")
    )
    assert sentence.startswith(f"Not compared, as seeds differ: a: {told}; a: seed 1: maps of")


def test_several_recordings_of_an_area_are_told_by_their_mean(rng):
    table = made.table({"human": 0.1}, rng, targets=("v4_a", "v4_b"))
    assert condition_words.headline(table, "r", "pls") == ["v4_a", "v4_b"]
    area = table[table["target"] == "v4_a"].assign(target="V4", n_targets=2)
    both = [*table.to_dict("records"), *area.to_dict("records")]
    assert condition_words.headline(type(table)(both), "r", "pls") == ["V4"]
