"""Profiles over layers hold what the scores table holds."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

import plot_layers
from itcortex import store
from itcortex.figures import layers, models, style
from made import artists
from made import tables as made_tables
from made.artists import CATEGORY_OF, line_of, texts, titles

pytestmark = pytest.mark.long


def test_layers_draw_the_mean_over_folds_and_the_chosen_layers(demo):
    scores = made_tables.scores(demo)
    figure = layers.draw(scores, demo)
    axes = figure.axes[0]
    name = "tf_efficientnet_lite1"
    rows = scores[
        (scores.recording == "m1_pl") & (scores.model == name) & (scores.control == "none")
    ]
    mean = rows.groupby(["depth"]).r.mean()
    colour = models.looks(demo).by_name["palette"][name]
    np.testing.assert_allclose(line_of(axes, colour), np.column_stack([mean.index, mean]))
    dots = axes.collections[-1]
    assert len(dots.get_offsets()) == 2 * 5  # two layers of each network were chosen
    np.testing.assert_allclose(np.unique(dots.get_offsets()[:, 0]), [5 / 9, 6 / 9])
    np.testing.assert_allclose(np.unique(dots.get_sizes()), [8 + 70 / 4, 8 + 70 * 3 / 4])
    assert sum("(SIMULATED)" in title for title in titles(figure)) == 3


def test_layers_mark_the_planted_layer_where_the_teacher_is_a_model(demo):
    planted = {
        "m1_pl": {"model": "resnet18", "weights": "untrained", "layer": "blocks.3"},
        "m1_ml": {"model": "not_here", "layer": "blocks.3"},
    }
    figure = layers.draw(made_tables.scores(demo), demo, planted=planted)
    marks = [
        [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"
         or line.get_color() == layers.PLANTED["color"]]
        for axes in figure.axes
    ]  # fmt: skip
    assert marks == [[3 / 9], [], []]
    assert "planted layer" in texts(figure)
    assert "planted layer" not in texts(layers.draw(made_tables.scores(demo), demo))


def test_layers_of_many_models_draw_medians_of_categories(paper):
    scores = made_tables.scores(paper, folds=2)
    figure = layers.draw(scores, paper)
    bold = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    bold = {CATEGORY_OF[to_hex(line.get_color())]: line for line in bold}
    assert set(bold) == set(paper.category)
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() == 0.5]
    assert len(thin) == 143
    some = scores[(scores.category == "robust") & (scores.control == "none")]
    by_model = some.groupby(["model", "depth"], observed=True).r.mean().unstack()
    assert bold["robust"].get_ydata()[0] == pytest.approx(by_model[0.0].median())


def test_looks_of_one_category_differ_in_dashes_and_shade(demo):
    cnn = models.looks(demo).table.query("category == 'cnn'")
    assert cnn["dashes"].map(str).nunique() == cnn["colour"].nunique() == 3
    assert cnn["colour"].iloc[0] == pytest.approx(to_rgb(style.CATEGORIES["cnn"].colour))


def test_bands_are_the_standard_error_over_folds(demo):
    scores = made_tables.scores(demo)
    axes = layers.draw(scores, demo).axes[0]
    name = "tf_efficientnet_lite1"
    rows = scores[(scores.recording == "m1_pl") & (scores.model == name)]
    error = rows[rows.control == "none"].groupby("depth").r.sem()
    colour = models.looks(demo).by_name["palette"][name]
    (band,) = [one for one in axes.findobj(PolyCollection)
               if to_hex(one.get_facecolor()[0]) == to_hex(colour)]  # fmt: skip
    corners = band.get_paths()[0].vertices
    for depth, width in error.items():
        heights = corners[np.isclose(corners[:, 0], depth), 1]
        assert np.ptp(heights) == pytest.approx(2 * width)


def test_undefined_scores_say_so_and_nothing_is_cut_off(demo, tmp_path):
    scores = made_tables.scores(demo)
    figure = layers.draw(scores, demo)
    first = artists.written(figure, tmp_path, "a")
    assert first[0] == artists.as_pdf(layers.draw(scores, demo))
    assert artists.smallest_text(figure) >= 8 and not artists.is_cut_off(first[1])
    nothing = layers.draw(scores.assign(r=np.nan), demo)
    assert texts(nothing).count("no score is defined") == 3


def test_the_script_says_where_chosen_layers_lie(demo, tmp_path):
    store.write_table(tmp_path / "summary.parquet", demo)
    store.write_table(tmp_path / "scores.parquet", made_tables.scores(demo))
    files = [tmp_path / f"a.{kind}" for kind in ("pdf", "png", "rst")]
    tables = tmp_path / "scores.parquet", tmp_path / "summary.parquet"
    plot_layers.main(*tables, *files, {}, "pls", "A title", "A caption.")
    assert (
        "chosen layers at 0.67, quartiles 0.64 and 0.67" in Image.open(files[1]).text["Description"]
    )
