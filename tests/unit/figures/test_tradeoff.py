"""The main figure holds what the summary and the trade-off table hold."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

import plot_tradeoff
from itcortex import store
from itcortex.errors import UserError
from itcortex.figures import tradeoff
from itcortex.tables import statistics
from made import artists
from made import tables as made_tables
from made.artists import counts, is_cut_off, points, texts, titles, written

ONE = {"m1_pl": ("Monkey 1", "PL")}
DRAWS = 20


def trade(summary):
    """The trade-off table of a summary."""
    rng = np.random.default_rng(0)
    return statistics.tradeoff_table(summary, "r_over_ceiling", DRAWS, rng)


def test_an_own_network_is_drawn_beside_the_trend_and_is_no_part_of_it(paper):
    mine = (paper.model == "cnn_1") & (paper.weights == "imagenet")
    own = paper.assign(category=paper.category.mask(mine, "own"))
    assert "cnn_1" not in set(statistics.baseline(own).model)
    assert len(statistics.baseline(own)) == len(statistics.baseline(paper)) - 1
    figure = tradeoff.draw(own)
    assert counts(figure)["own"] == 1
    assert "your own" in texts(figure)


@pytest.mark.long
def test_networks_without_accuracy_are_counted_below_the_panel(demo):
    figure = tradeoff.draw(demo.assign(top1=demo.top1.mask(demo.model == "tf_efficientnet_lite1")))
    assert counts(figure) == {"cnn": 6, "untrained": 6}
    label = "ImageNet top-1 (%)\n1 model without a value"
    assert texts(figure).count(label) == 3


def test_unknown_category_is_an_error_with_the_nearest_name(demo):
    wrong = demo.assign(category="harmonised")
    with pytest.raises(UserError, match="'harmonised' has no look; did you mean 'harmonized'"):
        tradeoff.draw(wrong)


def test_empty_summary_is_an_error(demo):
    with pytest.raises(UserError, match="no rows"):
        tradeoff.draw(demo.iloc[:0])


@pytest.mark.long
def test_tradeoff_draws_every_model_and_names_few(demo):
    figure = tradeoff.draw(demo, trade(demo))
    assert counts(figure) == {"cnn": 9, "untrained": 6}
    assert titles(figure) == [
        "PL, Monkey 1 (SIMULATED)", "ML, Monkey 1 (SIMULATED)", "ML, Monkey 2 (SIMULATED)"
    ]  # fmt: skip
    shown = texts(figure)
    for name, *_ in made_tables.DEMO:
        assert shown.count(name) == 3
    assert sum("no ρ: 3 models, 5 are needed" in text for text in shown) == 3
    assert shown.count("ImageNet top-1 (%)") == 3
    assert shown.count("predictivity (r / ceiling)") == 2  # of two rows
    assert any("ceiling 0.70 (split half bound)" in text for text in shown)
    assert "convex upper frontier" not in shown


def test_tradeoff_puts_points_and_bars_where_the_table_has_them(demo):
    figure = tradeoff.draw(demo)
    rows = demo[
        (demo.recording == "m1_pl") & demo.main_window & (demo.control == "none")
        & (demo.category == "cnn")
    ]  # fmt: skip
    axes = figure.axes[1]  # the first panel's strip comes before it
    drawn = [at for name, *at in points([axes]) if name == "cnn"]
    np.testing.assert_allclose(drawn, rows[["top1", "r_over_ceiling"]])
    bars = next(c for c in axes.collections if hasattr(c, "get_segments")).get_segments()
    expected = rows[["r_over_ceiling_low", "r_over_ceiling_high"]].to_numpy()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], expected)


def test_names_overlap_neither_each_other_nor_points(demo):
    figure = tradeoff.draw(demo)
    renderer = figure.canvas.get_renderer()
    names = [row[0] for row in made_tables.DEMO]
    for strip, axes in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        found = [t for a in (strip, axes) for t in a.texts if t.get_text() in names]
        boxes = [Text.get_window_extent(t, renderer) for t in found]
        assert len(boxes) == 5
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])
        for a in (strip, axes):
            for point in a.transData.transform([at for _, *at in points([a])]):
                assert not any(box.contains(*point) for box in boxes)


@pytest.mark.long
def test_tradeoff_of_many_models_has_a_frontier_arrows_and_no_names(paper):
    figure = tradeoff.draw(paper, trade(paper))
    assert counts(figure) == {
        "cnn": 62, "extra_data": 23, "vit": 25, "self_supervised": 10, "robust": 15,
        "harmonized": 6, "untrained": 2,
    }  # fmt: skip
    shown = texts(figure)
    assert not any(name.startswith("cnn_") for name in shown)
    assert any(t.startswith("ρ = ") and "n = 135" in t for t in shown)
    assert titles(figure) == ["PL, Monkey 1"]
    arrows = [t for t in figure.axes[1].texts if t.arrow_patch is not None]
    assert len(arrows) == 6
    frontier = next(
        line for line in figure.axes[1].lines
        if line.get_linewidth() == tradeoff.FRONTIER["linewidth"]
    )  # fmt: skip
    rows = statistics.baseline(paper)
    np.testing.assert_array_equal(
        frontier.get_xydata(),
        statistics.frontier(rows.top1.to_numpy(), rows.r_over_ceiling.to_numpy()),
    )
    assert not [
        t for a in tradeoff.draw(paper, arrows=False).axes for t in a.texts if t.arrow_patch
    ]


def test_arrows_end_at_the_harmonized_twin(paper):
    axes = tradeoff.draw(paper).axes[1]
    arrow = next(t for t in axes.texts if t.arrow_patch is not None)
    real = paper[paper.main_window & (paper.control == "none")]
    real = real.set_index(["model", "weights"])
    ends = {
        (twin.top1, twin.r_over_ceiling): real.loc[tuple(twin.baseline.split())]
        for twin in real[real.baseline != ""].itertuples()
    }
    start = ends[tuple(arrow.xy)]
    assert arrow.get_position() == (start.top1, start.r_over_ceiling)


@pytest.mark.long
def test_models_without_a_score_are_counted_not_drawn(demo):
    holed = demo.copy()
    holed.loc[holed.model == "tf_efficientnet_lite1", "r_over_ceiling"] = np.nan
    figure = tradeoff.draw(holed)
    assert counts(figure) == {"cnn": 6, "untrained": 6}
    notes = [t for t in texts(figure) if "1 model without a value" in t]
    assert len(notes) == 3


def test_one_trained_model_on_one_recording_is_drawn(demo, tmp_path):
    one = made_tables.summary(made_tables.DEMO[:1], ONE)
    figure = tradeoff.draw(one, trade(one))
    assert counts(figure) == {"cnn": 1}
    assert len(figure.axes) == 1  # no strip without untrained networks
    written(figure, tmp_path, "one")


def test_only_untrained_models_and_no_value_at_all_are_drawn(tmp_path):
    untrained = made_tables.summary(made_tables.DEMO[3:], ONE)
    assert counts(tradeoff.draw(untrained, trade(untrained))) == {"untrained": 2}
    nothing = untrained.assign(
        r_over_ceiling=np.nan, r_over_ceiling_low=np.nan, r_over_ceiling_high=np.nan, ceiling=np.nan
    )
    figure = tradeoff.draw(nothing, trade(nothing))
    assert counts(figure) == {}
    written(figure, tmp_path, "nothing")


@pytest.mark.long
def test_four_recordings_wrap_into_two_rows():
    table = made_tables.summary(recordings={f"r{k}": (f"M{k}", "ML") for k in range(4)})
    figure = tradeoff.draw(table)
    assert len(titles(figure)) == 4
    tops = {round(axes.get_position().y1, 3) for axes in figure.axes}
    assert len(tops) == 2


@pytest.mark.long
def test_without_accuracies_nothing_is_drawn_and_every_panel_says_so(demo, tmp_path):
    figure = tradeoff.draw(demo.assign(top1=np.nan))
    assert counts(figure) == {} and len(figure.axes) == 3  # no strip at a chance of nan
    assert texts(figure).count("no network has\naccuracy and score") == 3
    assert texts(figure).count("ImageNet top-1 (%)\n5 models without a value") == 3
    assert not is_cut_off(written(figure, tmp_path, "none")[1])


@pytest.mark.long
def test_points_of_the_papers_figure_lie_beneath_those_of_the_same_recordings(demo):
    rows = {"metric": "pls_over_ceiling", "benchmark": ["M1 PL", "M1 PL", "M2 ML", "M9 ML"],
            "accuracy": [75.0, 76.0, 77.0, 70.0], "score": [0.3, 0.4, 0.2, 0.9]}  # fmt: skip
    published = pd.DataFrame(rows)

    def beneath(figure):
        return [[] if not found else found[0].get_offsets().data.tolist() for found in (
            [c for c in axes.collections if c.get_zorder() == tradeoff.BENEATH["zorder"]]
            for axes in figure.axes[1::2]
        )]  # fmt: skip

    figure = tradeoff.draw(demo, published=published)
    assert beneath(figure) == [[[75.0, 0.3], [76.0, 0.4]], [], [[77.0, 0.2]]]
    assert "published, read off" in texts(figure)
    raw = tradeoff.draw(demo, score="r", published=published)  # another ordinate than the paper's
    assert beneath(raw) == [[], [], []] and "published, read off" not in texts(raw)


@pytest.mark.long
def test_many_models_stand_side_by_side_and_few_have_room_for_names(demo, paper):
    three = pd.concat([paper.assign(recording=name, area=name) for name in ("a", "b", "c")])
    assert len({axes.get_position().y1 for axes in tradeoff.draw(three).axes}) == 1
    assert len({axes.get_position().y1 for axes in tradeoff.draw(demo).axes}) == 2


@pytest.mark.long
@pytest.mark.parametrize("size", ["demo", "paper"])
def test_bytes_borders_and_sizes(size, tmp_path, request):
    table = request.getfixturevalue(size)
    statistics_of = trade(table)
    figure = tradeoff.draw(table, statistics_of)
    first = written(figure, tmp_path, "a")
    assert first == written(tradeoff.draw(table, statistics_of), tmp_path, "b")
    assert first[0].startswith(b"%PDF") and first[1].startswith(b"\x89PNG")
    assert b"CreationDate" not in first[0]
    assert artists.smallest_text(figure) >= 8 and not is_cut_off(first[1])


@pytest.mark.long
def test_dollars_and_markup_in_names_are_drawn_as_they_are(demo, tmp_path):
    figure = tradeoff.draw(demo.replace({"model": {"tf_efficientnet_lite0": "net$_{x"}}))
    written(figure, tmp_path, "odd")  # what matplotlib takes for a formula fails here
    assert texts(figure).count("net$_{x") == 3


@pytest.mark.long
def test_the_script_adds_the_papers_number_and_ours_to_the_caption(demo, tmp_path):
    store.write_table(tmp_path / "summary.parquet", demo)
    store.write_table(tmp_path / "tradeoff.parquet", trade(demo))
    files = [tmp_path / f"a.{kind}" for kind in ("pdf", "png", "rst")]
    tables = tmp_path / "summary.parquet", tmp_path / "tradeoff.parquet"
    plot_tradeoff.main(*tables, [], *files, "r_over_ceiling", "pls", "A title", "A caption.")
    text = Image.open(files[1]).text["Description"]
    assert text.startswith("A caption. The paper says that predictivity falls")
    assert "−0.07 (M1 PL)" in text and "no ρ: 3 models, 5 are needed (PL, Monkey 1" in text
    assert b"/Subject" in files[0].read_bytes()
