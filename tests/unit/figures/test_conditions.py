"""The figure of conditions: a panel a measure, models and their mean where the table has them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from itcortex.errors import UserError
from itcortex.figures import captions, changes, conditions, style
from made import artists
from made import conditions as made

pytestmark = pytest.mark.long

CONTRASTS = [("human", "none"), ("of_others", "none"), ("mean", "none"), ("human", "of_others"),
             ("human", "mean")]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return made.table({"human": 0.1}, np.random.default_rng(2), targets=("v4_a", "v4_b"))


def diamonds(axes):
    """Differences over models, from above."""
    lines = [line for line in axes.lines if line.get_marker() == conditions.POOLED["marker"]]
    return [at for _, at in sorted((line.get_ydata()[0], line.get_xdata()[0]) for line in lines)]


def test_every_measure_has_a_panel_with_models_and_their_mean(table):
    figure = conditions.draw(table)
    titles = artists.titles(figure)
    assert titles[:3] == ["v4_a", "v4_b", "it92_monkey"] and len(titles) == 3 + 8 + 2
    assert titles[3:5] == ["gradient: mouse-guided view"] * 2
    assert titles[5] == "covering: mouse-guided view"
    rows = table[(table["target"] == "v4_a") & (table["model"] == "")]
    expected = rows.set_index(["condition", "compared_with"])["difference"].loc[CONTRASTS]
    np.testing.assert_allclose(diamonds(figure.axes[0]), expected)
    intervals = [
        segment[:, 0] for one in figure.axes[0].collections for segment in one.get_segments()
    ]
    drawn = table[table["target"] == "v4_a"].sort_values(["condition", "compared_with", "model"])
    assert len(intervals) == 5 * 4  # of every model, and over them
    np.testing.assert_allclose(sorted(map(tuple, intervals)),
                               sorted(zip(drawn["low"], drawn["high"], strict=True)))  # fmt: skip
    of_a = table[(table["target"] == "v4_a") & (table["model"] == "a")]["difference"]
    colour = style.CATEGORIES["cnn"].colour
    drawn = [line.get_xdata()[0] for line in figure.axes[0].lines
             if to_hex(line.get_color()) == to_hex(colour)]  # fmt: skip
    np.testing.assert_allclose(drawn, of_a)
    shown = artists.texts(figure)
    assert {"a", "b", "c", "human maps", "human − mean map"} < set(shown)


def test_a_measure_without_any_pair_says_so_and_its_panel_stays(table):
    gone = table.copy()
    gone.loc[gone["measure"] == "rsa", ["difference", "low", "high"]] = np.nan
    assert "no two networks\nhave a score" in artists.texts(conditions.draw(gone))
    with pytest.raises(UserError, match="no rows to draw"):
        conditions.draw(table[:0])


def test_other_mappings_are_in_the_table_alone(table):
    ridge = table[table["target"] == "v4_a"].assign(mapping="ridge")
    many = type(table)([*table.to_dict("records"), *ridge.to_dict("records")])
    assert artists.titles(conditions.draw(many)) == artists.titles(conditions.draw(table))


def test_several_strengths_are_drawn_as_lines_over_them(table):
    """Main or not: of a contrast every strength has its point and interval."""
    further = table["condition"] == "human"
    curve = table[further].assign(strength=10.0, main_strength=False)
    curve[["difference", "low", "high"]] += 1
    figure = conditions.draw(type(table)([*table.to_dict("records"), *curve.to_dict("records")]))
    assert artists.titles(figure) == artists.titles(conditions.draw(table))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "10"]
    over = table[(table["target"] == "v4_a") & (table["model"] == "")]
    of = over.set_index(["condition", "compared_with"])
    lines = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    for line, key in zip(lines, CONTRASTS, strict=True):
        at = of.loc[key, "difference"]
        expected = [at, at + 1] if key[0] == "human" else [at]
        np.testing.assert_allclose(line.get_ydata(), expected)
        assert np.round(line.get_xdata()).tolist() == [0, 1][: len(expected)]
    intervals = [one[:, 1] for part in axes.collections for one in part.get_segments()]
    np.testing.assert_allclose(
        intervals[0], of.loc[("human", "none"), ["low", "high"]].astype(float)
    )
    assert len(intervals) == 2 * 3 + 2
    assert {"human maps − strength 0", "human − mean map"} < set(artists.texts(figure))


def test_bytes_are_the_same_and_nothing_is_cut_off(table, tmp_path):
    pdf, png = artists.written(conditions.draw(table), tmp_path, "a")
    assert pdf == artists.as_pdf(conditions.draw(table))
    assert not artists.is_cut_off(png)


def test_the_caption_has_the_numbers_that_the_figure_is_drawn_for(table):
    said = captions.of_conditions(table, "r", "pls")
    assert said.count("Human maps (strength 1) change predictivity of v4_") == 2
    assert said.count("raise it beyond strength 0 and beyond both kinds of other maps") == 2


def test_without_recordings_the_caption_and_the_figure_are_of_what_there_is(table):
    people = table[table["measure"] == "attention"]
    said = captions.of_conditions(people, "r", "pls")
    assert "Here: Human maps (strength 1) change the agreement of the gradient with people" in said
    assert artists.titles(conditions.draw(people))[0] == "gradient: mouse-guided view"


def crosses(axes):
    """Places of the crosses over means of collapsed trainings."""
    mark = changes.COLLAPSED["marker"]
    return [x for line in axes.lines if line.get_marker() == mark for x in line.get_xdata()]


def test_collapsed_trainings_are_crossed_and_told_in_the_caption(table):
    assert "collapsed" not in captions.of_conditions(table, "r", "pls")
    assert not crosses(conditions.draw(table).axes[0])
    gone = table.copy()
    gone.loc[table["condition"] == "human", "n_collapsed"] = 9
    figure = conditions.draw(gone)
    rows = table[(table["target"] == "v4_a") & (table["condition"] == "human")]
    np.testing.assert_allclose(sorted(crosses(figure.axes[0])), sorted(rows["difference"]))
    assert "with collapsed trainings" in artists.texts(figure)
    said = captions.of_conditions(gone, "r", "pls")
    assert said.count("(9 of 9 trainings with human maps collapsed)") == 2
    assert said.count("Collapsed trainings (strength 1): 9 of 9") == 1
    curve = gone.assign(strength=10.0, main_strength=False, n_collapsed=0)
    both = type(table)([*gone.to_dict("records"), *curve.to_dict("records")])
    found = conditions.draw(both).axes[0]
    over = rows[rows["model"] == ""]["difference"]
    places = [line.get_ydata() for line in found.lines if line.get_marker() == "x"]
    np.testing.assert_allclose(sorted(np.concatenate(places)), sorted(over))
