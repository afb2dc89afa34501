"""What range curves and scatters of published scores draw equals their tables."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.text import Text
from PIL import Image

import plot_published
import plot_range
from itcortex import store
from itcortex.figures import published, range_curve
from itcortex.tables.published import range_table
from itcortex.tables.trends import Ranges
from itcortex.workflow.products import CAPTIONS, TITLES
from made.artists import titles
from made.scores import networks, tidy_scores

LABELS = {"first": "First et al. 2020", "second": "Second et al. 2021"}


@pytest.fixture(scope="module")
def scores():
    """Two tables: IT and V4 of the first, IT and attention of the second."""
    rng = np.random.default_rng(3)
    parts = [
        tidy_scores("first", *networks(rng, 12, 6, slope=1)),
        tidy_scores("first", *networks(rng, 12, 6), region="V4"),
        tidy_scores("second", *networks(rng, 14, 6, slope=-1), category="cnn"),
        tidy_scores("second", *networks(rng, 14, 6), region="attention", category="vit"),
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def curve(scores):
    """Their range table."""
    return range_table(scores, Ranges(5, 15, 20), 100, seed=1)


def texts(figure) -> str:
    """Every text that is drawn."""
    return "\n".join(t.get_text() for t in figure.findobj(Text) if t.get_visible())


def test_the_small_figure_draws_it_of_the_named_tables(curve):
    figure = range_curve.draw(curve, LABELS, ["second", "first", "third"])
    upper, lower = figure.axes
    drawn = {tuple(line.get_ydata()) for line in upper.lines if len(line.get_xdata()) > 2}
    counts = {tuple(line.get_ydata()) for line in lower.lines}
    of_it = curve[(curve["region"] == "IT") & (curve["range"] == "cut")]
    of_it = of_it[of_it["statistic"] == "spearman"]
    expected = [rows for _, rows in of_it.groupby("source")]
    assert drawn == {tuple(rows["value"]) for rows in expected}
    assert counts == {tuple(rows["n_models"]) for rows in expected}
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [LABELS["second"], LABELS["first"]]


def test_bands_are_the_intervals_of_the_table(curve):
    figure = range_curve.draw(curve, LABELS, ["first"])
    (band,) = figure.axes[0].findobj(PolyCollection)
    corners = band.get_paths()[0].vertices
    rows = curve[(curve["source"] == "first") & (curve["region"] == "IT")]
    rows = rows[(rows["range"] == "cut") & (rows["statistic"] == "spearman")]
    for row in rows.itertuples(index=False):
        heights = corners[np.isclose(corners[:, 0], row[rows.columns.get_loc("from")]), 1]
        assert heights.min() == pytest.approx(row.low)
        assert heights.max() == pytest.approx(row.high)


def test_a_figure_without_a_table_says_so(curve):
    assert "no table" in texts(range_curve.draw(curve, LABELS, ["third"]))


def test_every_table_has_a_panel_with_all_of_its_lines(curve):
    figure = range_curve.draw_tables(curve, LABELS)
    assert [axes.get_title("left") for axes in figure.axes[::2]] == list(LABELS.values())
    legends = [[t.get_text() for t in axes.get_legend().get_texts()] for axes in figure.axes[1::2]]
    assert legends == [["IT", "V4"], ["IT", "attention"]]


@pytest.mark.long
def test_nothing_that_is_drawn_leaves_the_figure(curve, scores):
    drawn = [
        range_curve.draw(curve, LABELS, ["first", "second"]),
        range_curve.draw_tables(curve, LABELS),
        published.draw_tables(scores, LABELS, 70),
        published.draw_one(scores, "First: IT", {"source": "first", "region": "IT"}, 70, hull=True),
    ]
    for figure in drawn:
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_scatters_show_every_network_with_an_accuracy(scores):
    scores = scores.copy()
    scores.loc[0, "accuracy"] = np.nan
    figure = published.draw_tables(scores, LABELS, 70)
    assert titles(figure) == [
        "First et al. 2020: IT",
        "First et al. 2020: V4",
        "Second et al. 2021: IT",
        "Second et al. 2021: attention",
    ]
    first = scores[(scores["source"] == "first") & (scores["region"] == "IT")].dropna(
        subset="accuracy"
    )
    points = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(first["accuracy"]), rtol=0, atol=1e-9)


@pytest.mark.long
def test_lines_are_least_squares_of_all_and_of_the_best(scores):
    axes = published.draw_tables(scores, LABELS, 70).axes[0]
    rows = scores[(scores["source"] == "first") & (scores["region"] == "IT")]
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    for line, some in zip(lines, (rows, rows[rows["accuracy"] >= 70]), strict=True):
        slope, height = np.polyfit(some["accuracy"], some["score"], 1)
        np.testing.assert_allclose(line.get_ydata(), slope * line.get_xdata() + height, atol=1e-9)


def test_titles_say_both_correlations(scores):
    rows = scores[(scores["source"] == "first") & (scores["region"] == "IT")]
    rho = rows[["accuracy", "score"]].corr("spearman").iloc[0, 1]
    assert f"ρ = {rho:.2f}, n = 72" in texts(published.draw_tables(scores, LABELS, 70))


def test_networks_have_the_colours_of_their_categories_or_largest_families(scores):
    known = scores[scores["source"] == "second"]
    assert set(published.kinds(known)) == {"cnn", "vit"}
    by_family = published.kinds(scores[scores["source"] == "first"])
    assert by_family.nunique() == 6
    assert (by_family == published.OTHER).sum() == 144 - 5 * 12


def test_a_line_of_its_own_has_its_networks_and_frontier(scores):
    line = {"source": "first", "region": "IT"}
    figure = published.draw_one(scores, "First: IT", line, 70, hull=True)
    axes = figure.axes[0]
    assert len(axes.collections[0].get_offsets()) == 72
    assert "upper frontier" in texts(figure)
    nothing = published.draw_one(scores, "x", {"source": "third"}, 70)
    assert "no such scores" in texts(nothing)


@pytest.mark.long
def test_scripts_write_every_figure(scores, curve, tmp_path):
    few = scores["region"] != "V4"
    for name, table in (("published", scores[few]), ("range_curve", curve)):
        store.write_table(tmp_path / f"{name}.parquet", table)
    out = [tmp_path / f"{k}.{kind}" for k in range(5) for kind in ("pdf", "png", "rst")]
    table = tmp_path / "range_curve.parquet"
    plot_range.main(table, *out[:6], {"first": "First"}, ["first"], 70, TITLES, CAPTIONS)
    lines = {
        "published_alignment": {"source": "second", "region": "attention"},
        "published_it": {"source": "first", "region": "IT"},
    }
    plot_published.main(
        tmp_path / "published.parquet", *out[6:], LABELS, 70, lines, TITLES, CAPTIONS
    )
    names = ["range", "range_tables", "published", "published_alignment", "published_it"]
    assert [Image.open(path).text["Title"] for path in out[1::3]] == [TITLES[n] for n in names]
    assert all(path.stat().st_size > 5000 for path in out if path.suffix != ".rst")
    assert "Here: ρ = " in Image.open(out[-2]).text["Description"]
