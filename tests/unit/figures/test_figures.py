"""Figures hold what their tables hold, in files that are the same every time."""

import dataclasses
import io
import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text
from PIL import Image
from skimage.color import rgb2lab

import plot_layers
import plot_maps
import plot_timecourse
import plot_tradeoff
from itcortex import store
from itcortex.encoding.map_alignment import map_alignment
from itcortex.errors import UserError
from itcortex.figures import examples, labels, layers, maps, models, style, timecourse, tradeoff
from itcortex.tables import panels, statistics
from made import tables as made_tables

ONE = {"m1_pl": ("Monkey 1", "PL")}
DRAWS = 20


def texts(figure) -> list[str]:
    """Every text of a figure that is drawn."""
    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


def titles(figure) -> list[str]:
    """Titles of the panels."""
    return [t for axes in figure.axes if (t := axes.get_title(loc="left"))]


def points(figure) -> dict[str, int]:
    """Number of markers per category label over all panels."""
    counts: dict[str, int] = {}
    for axes in figure.axes:
        for line in axes.lines:
            if line.get_label() in style.CATEGORIES:
                counts[line.get_label()] = counts.get(line.get_label(), 0) + len(line.get_xdata())
    return counts


def trade(summary):
    """The trade-off table of a summary."""
    rng = np.random.default_rng(0)
    return statistics.tradeoff_table(summary, "r_over_ceiling", DRAWS, rng)


def written(figure, folder, name):
    """Bytes of a figure's PDF and PNG."""
    paths = [folder / f"{name}.pdf", folder / f"{name}.png"]
    style.save(figure, *paths)
    return [path.read_bytes() for path in paths]


@pytest.fixture(scope="module")
def demo():
    """The demo's summary: three trained networks, two untrained, three simulated recordings."""
    return made_tables.summary()


@pytest.fixture(scope="module")
def paper():
    """A summary as large as the paper's, on one recording that is not simulated."""
    chosen = made_tables.paper_models(np.random.default_rng(3))
    table = made_tables.summary(chosen, ONE, simulated=False, starts=np.array([90.0, 110.0]))
    twin = (table.weights == "harmonized") & table.model.str.startswith("cnn_")
    return table.assign(baseline=np.where(twin, table.model + " imagenet", ""))


# --- style ----------------------------------------------------------------------------------------


def test_categories_differ_in_colour_and_in_marker():
    looks = style.CATEGORIES.values()
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == 8


#: How people without one kind of cone see linear RGB (Machado, Oliveira & Fernandes 2009, severity 1).
COLOUR_BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_colour_blind_readers_can_tell_categories_apart(kind):
    rgb = np.array([to_rgb(look.colour) for look in style.CATEGORIES.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(COLOUR_BLIND[kind]), 0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)]
    assert min(distances) > 15  # a just noticeable difference is about 2.3


def test_what_seaborn_draws_has_our_colours_and_fonts():
    @style.styled
    def draw():
        figure = style.new_figure(3, 3)
        axes = figure.add_subplot()
        for height in (1, 2):
            sns.lineplot(x=[0, 1], y=[0, height], ax=axes)
        axes.set_xlabel("abscissa")
        return figure

    (axes,) = draw().axes
    colours = [look.colour for look in style.CATEGORIES.values()]
    assert [to_hex(line.get_color()).upper() for line in axes.lines] == colours[:2]
    assert axes.xaxis.label.get_fontname() == "DejaVu Sans"
    assert not axes.spines["top"].get_visible()


def test_an_own_network_is_drawn_beside_the_trend_and_is_no_part_of_it(paper):
    mine = (paper.model == "cnn_1") & (paper.weights == "imagenet")
    own = paper.assign(category=paper.category.mask(mine, "own"))
    assert "cnn_1" not in set(statistics.baseline(own).model)
    assert len(statistics.baseline(own)) == len(statistics.baseline(paper)) - 1
    figure = tradeoff.draw(own)
    assert points(figure)["own"] == 1
    assert "your own" in texts(figure)


def test_networks_without_accuracy_are_counted_below_the_panel(demo):
    figure = tradeoff.draw(demo.assign(top1=demo.top1.mask(demo.model == "tf_efficientnet_lite1")))
    assert points(figure) == {"cnn": 6, "untrained": 6}
    label = "ImageNet top-1 accuracy (%)\nnot shown: 1 model without a value"
    assert texts(figure).count(label) == 3


def test_drawing_leaves_matplotlibs_settings_alone(demo):
    before = dict(mpl.rcParams)
    tradeoff.draw(demo)
    assert dict(mpl.rcParams) == before


def test_unknown_category_is_an_error_with_the_nearest_name(demo):
    wrong = demo.assign(category="harmonised")
    with pytest.raises(UserError, match="'harmonised' has no look; did you mean 'harmonized'"):
        tradeoff.draw(wrong)


def test_empty_summary_is_an_error(demo):
    with pytest.raises(UserError, match="no rows"):
        tradeoff.draw(demo.iloc[:0])


@pytest.mark.parametrize("kind", ["tradeoff", "layers", "timecourse", "maps"])
def test_no_text_is_smaller_than_8_points_or_leaves_the_figure(kind, demo, tmp_path):
    figure = {
        "tradeoff": lambda: tradeoff.draw(demo, trade(demo)),
        "layers": lambda: layers.draw(made_tables.scores(demo), demo),
        "timecourse": lambda: timecourse.draw(demo),
        "maps": lambda: maps.draw([block(tmp_path), block(tmp_path, grid=(1, 1), n_ms=1)], 2),
    }[kind]()
    sizes = {t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip()}
    assert min(sizes) >= 8
    png = Image.open(io.BytesIO(written(figure, tmp_path, "figure")[1])).convert("L")
    ink = np.asarray(png) < 255
    # whatever is cut off leaves ink at the border
    assert ink.any()
    assert not (ink[:4].any() or ink[-4:].any() or ink[:, :4].any() or ink[:, -4:].any())


@pytest.mark.parametrize("kind", ["tradeoff", "layers", "timecourse", "maps"])
def test_same_tables_give_the_same_bytes(kind, demo, tmp_path):
    def draw():
        if kind == "tradeoff":
            return tradeoff.draw(demo, trade(demo))
        if kind == "layers":
            return layers.draw(made_tables.scores(demo), demo)
        return timecourse.draw(demo) if kind == "timecourse" else maps.draw([block(tmp_path)], 2)

    first, second = written(draw(), tmp_path, "a"), written(draw(), tmp_path, "b")
    assert first == second
    assert first[0].startswith(b"%PDF") and first[1].startswith(b"\x89PNG")
    assert b"CreationDate" not in first[0]


# --- trade-off ------------------------------------------------------------------------------------


def test_tradeoff_draws_every_model_and_names_few(demo):
    figure = tradeoff.draw(demo, trade(demo))
    assert points(figure) == {"cnn": 9, "untrained": 6}
    assert titles(figure) == [
        "PL, Monkey 1 (SIMULATED)", "ML, Monkey 1 (SIMULATED)", "ML, Monkey 2 (SIMULATED)"
    ]  # fmt: skip
    shown = texts(figure)
    for name, *_ in made_tables.DEMO:
        assert shown.count(name) == 3
    assert shown.count("no rank correlation: 3 models, 5 are needed") == 3
    assert shown.count("ImageNet top-1 accuracy (%)") == 3
    assert shown.count("predictivity (r / noise ceiling)") == 1
    assert "noise ceiling r = 0.70 (split half bound)" in shown
    assert "convex upper frontier" not in shown


def test_tradeoff_puts_points_and_bars_where_the_table_has_them(demo):
    figure = tradeoff.draw(demo)
    rows = demo[
        (demo.recording == "m1_pl") & demo.main_window & (demo.control == "none")
        & (demo.category == "cnn")
    ]  # fmt: skip
    axes = figure.axes[1]  # the first panel's strip comes before it
    line = next(line for line in axes.lines if line.get_label() == "cnn")
    np.testing.assert_allclose(line.get_xydata(), rows[["top1", "r_over_ceiling"]])
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
            for line in a.lines:
                if line.get_label() in style.CATEGORIES:
                    for point in a.transData.transform(line.get_xydata()):
                        assert not any(box.contains(*point) for box in boxes)


def test_labels_find_room_for_a_crowd():
    """Twelve names for points on a small ring: greedy placing must still separate them."""
    figure = style.new_figure(5, 4)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8), xlim=(0, 1), ylim=(0, 1))
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = [(0.5 + 0.05 * np.cos(a), 0.5 + 0.05 * np.sin(a)) for a in angles]
    crowd = [labels.Label(axes, x, y, f"a_model_{k}", "k") for k, (x, y) in enumerate(ring)]
    labels.place(figure, crowd, [], axes.get_window_extent())
    renderer = figure.canvas.get_renderer()
    boxes = [Text.get_window_extent(t, renderer) for t in axes.texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    inside = axes.get_window_extent()
    assert all(inside.x0 <= b.x0 and b.x1 <= inside.x1 for b in boxes)


def test_tradeoff_of_many_models_has_a_frontier_arrows_and_no_names(paper):
    figure = tradeoff.draw(paper, trade(paper))
    assert points(figure) == {
        "cnn": 62, "extra_data": 23, "vit": 25, "self_supervised": 10, "robust": 15,
        "harmonized": 6, "untrained": 2,
    }  # fmt: skip
    shown = texts(figure)
    assert not any(name.startswith("cnn_") for name in shown)
    assert any(t.startswith("Spearman ρ = ") and t.endswith("135 models") for t in shown)
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


def test_models_without_a_score_are_counted_not_drawn(demo):
    holed = demo.copy()
    holed.loc[holed.model == "tf_efficientnet_lite1", "r_over_ceiling"] = np.nan
    figure = tradeoff.draw(holed)
    assert points(figure) == {"cnn": 6, "untrained": 6}
    notes = [t for t in texts(figure) if "not shown: 1 model without a value" in t]
    assert len(notes) == 3


def test_one_trained_model_on_one_recording_is_drawn(demo, tmp_path):
    one = made_tables.summary(made_tables.DEMO[:1], ONE)
    figure = tradeoff.draw(one, trade(one))
    assert points(figure) == {"cnn": 1}
    assert len(figure.axes) == 1  # no strip without untrained networks
    written(figure, tmp_path, "one")


def test_only_untrained_models_and_no_value_at_all_are_drawn(tmp_path):
    untrained = made_tables.summary(made_tables.DEMO[3:], ONE)
    assert points(tradeoff.draw(untrained, trade(untrained))) == {"untrained": 2}
    nothing = untrained.assign(
        r_over_ceiling=np.nan, r_over_ceiling_low=np.nan, r_over_ceiling_high=np.nan, ceiling=np.nan
    )
    figure = tradeoff.draw(nothing, trade(nothing))
    assert points(figure) == {}
    written(figure, tmp_path, "nothing")


def test_four_recordings_wrap_into_two_rows():
    table = made_tables.summary(recordings={f"r{k}": (f"M{k}", "ML") for k in range(4)})
    figure = tradeoff.draw(table)
    assert len(titles(figure)) == 4
    tops = {round(axes.get_position().y1, 3) for axes in figure.axes}
    assert len(tops) == 2


def test_panels_tell_sessions_and_mappings_apart(demo):
    sessions = made_tables.summary(recordings={"s1": ("M", "V4"), "s2": ("M", "V4")})
    shown = [panel.title for panel in panels.of_summary(sessions)]
    assert shown == ["V4, M, s1 (SIMULATED)", "V4, M, s2 (SIMULATED)"]
    two = pd.concat([demo, demo.assign(mapping="ridge")])
    assert "PL, Monkey 1, ridge (SIMULATED)" in [p.title for p in panels.of_summary(two)]


def test_weights_are_named_where_a_model_has_several(paper):
    named = panels.model_names(paper)
    assert set(named[paper.model == "cnn_0"]) == {"cnn_0 imagenet", "cnn_0 harmonized"}
    assert set(named[paper.model == "resnet18"]) == {"resnet18"}


# --- layers ---------------------------------------------------------------------------------------


def test_layers_draw_the_mean_over_folds_and_the_chosen_layers(demo):
    scores = made_tables.scores(demo)
    figure = layers.draw(scores, demo)
    axes = figure.axes[0]
    name = "tf_efficientnet_lite1"
    rows = scores[
        (scores.recording == "m1_pl") & (scores.model == name) & (scores.control == "none")
    ]
    mean = rows.groupby(["depth"]).r.mean()
    line = next(line for line in axes.lines if line.get_label() == name)
    np.testing.assert_allclose(line.get_xydata(), np.column_stack([mean.index, mean]))
    chosen = [
        c for c in axes.collections
        if np.allclose(c.get_offsets()[:, 0], [5 / 9, 6 / 9]) and len(c.get_offsets()) == 2
    ]  # fmt: skip
    assert len(chosen) == 5
    assert np.diff(chosen[0].get_sizes())[0] > 0  # three of four folds chose the second
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
    bold = {line.get_label(): line for line in figure.axes[0].lines if line.get_linewidth() == 1.8}
    assert set(bold) == {style.category(name).label for name in paper.category.unique()}
    some = scores[(scores.category == "robust") & (scores.control == "none")]
    by_model = some.groupby(["model", "depth"], observed=True).r.mean().unstack()
    assert bold["adversarially robust"].get_ydata()[0] == pytest.approx(by_model[0.0].median())


def test_looks_of_one_category_differ_in_dashes_and_shade(demo):
    looks = models.looks(demo)
    cnn = [look for look in looks.values() if look.category == "CNN"]
    assert len({str(look.dashes) for look in cnn}) == len({look.colour for look in cnn}) == 3
    assert cnn[0].colour == pytest.approx(to_rgb(style.CATEGORIES["cnn"].colour))


# --- time course ----------------------------------------------------------------------------------


def test_timecourse_draws_every_window_at_its_centre(demo):
    figure = timecourse.draw(demo)
    rows = demo[
        (demo.recording == "m2_ml") & (demo.model == "resnet18") & (demo.control == "none")
    ]  # fmt: skip
    line = next(line for line in figure.axes[2].lines if line.get_label() == "resnet18")
    np.testing.assert_allclose(line.get_xdata(), rows.window_start + 20)
    np.testing.assert_allclose(line.get_ydata(), rows.r)
    spans = [p for p in figure.axes[2].patches if p.get_facecolor()[:3] == to_rgb("#F0E442")]
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in spans] == [(80, 120)]


def test_a_main_window_of_another_width_is_shaded_but_no_point(demo):
    wide = demo.assign(window_stop=demo.window_stop.where(~demo.main_window, 230.0))
    axes = timecourse.draw(wide).axes[0]
    line = next(line for line in axes.lines if line.get_label() == "resnet18")
    assert 100.0 not in line.get_xdata() and len(line.get_xdata()) == 12
    spans = [p for p in axes.patches if p.get_facecolor()[:3] == to_rgb("#F0E442")]
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in spans] == [(80, 230)]


def test_recordings_without_time_axis_say_so(demo):
    """Their windows are NaN, as a recording without time has none."""
    still = demo[demo.main_window & (demo.recording == "m1_pl")]
    still = still.assign(window_start=np.nan, window_stop=np.nan)
    alone = timecourse.draw(still)
    assert "This recording has no time axis:\nno time course." in texts(alone)
    both = timecourse.draw(pd.concat([demo[demo.recording != "m1_pl"], still]))
    assert len(titles(both)) == 3
    single = demo[demo.main_window]
    assert "One time window was analysed,\n80 to 120 ms:\nno time course." in texts(
        timecourse.draw(single)
    )


def test_population_response_averages_what_is_known(tmp_path):
    paths, _ = made_tables.files(tmp_path, grid=(3, 3), n_ms=300)
    recording = store.read_recording(paths["recording"])
    recording.responses[..., 0] = np.nan  # one dead site
    times, response = timecourse.population_response(recording)
    assert times[[0, -1]].tolist() == [0.5, 299.5]
    expected = np.nanmean(recording.responses.astype(float), axis=(0, 1, 2, 4))
    np.testing.assert_allclose(response, expected)
    assert times[response.argmax()] == pytest.approx(115, abs=15)


# --- names that look like something else ----------------------------------------------------------


def test_dollars_and_markup_in_names_are_drawn_as_they_are(demo, tmp_path):
    names = ("a$_{b", "$x$ <b>&amp;")
    made = block(tmp_path)
    odd = dataclasses.replace(
        made, image_ids=tuple(f"$_{{{k} <i>.png" for k in range(len(made.image_ids))),
        predicted=dict(zip(names, made.predicted.values(), strict=True)),
    )  # fmt: skip
    figure = maps.draw([odd], 2)
    written(figure, tmp_path, "odd")  # what matplotlib takes for a formula fails here
    assert any(text.startswith("$_{") and "<i>\nrank 1" in text for text in texts(figure))
    renamed = demo.replace({"model": {"tf_efficientnet_lite0": "net$_{x"}})
    figure = tradeoff.draw(renamed)
    written(figure, tmp_path, "odd")
    assert texts(figure).count("net$_{x") == 3


# --- maps -----------------------------------------------------------------------------------------


def block(folder, **options):
    """A block made of files that were written and read again."""
    paths, name = made_tables.files(folder, **options)
    predicted = [store.read_recording(path) for path in paths["predictions"]]
    labels_shown = options.get("models", ("a imagenet", "b untrained"))
    return examples.join(
        name,
        store.read_recording(paths["recording"]),
        store.read_stimuli(paths["stimuli"]),
        examples.of_recording(predicted, name, list(labels_shown)),
    )


def test_photographs_are_joined_by_id(tmp_path):
    """The stimuli file holds the images in reversed order."""
    one = block(tmp_path)
    paths, _ = made_tables.files(tmp_path)
    stimuli = store.read_stimuli(paths["stimuli"])
    assert stimuli.image_ids[::-1] == one.image_ids
    np.testing.assert_array_equal(one.images, stimuli.images[::-1])


def test_maps_show_photographs_maps_and_their_rank_correlation(tmp_path):
    one = block(tmp_path)
    figure = maps.draw([one], 3)
    assert len(figure.axes) == 3 * (1 + 3 + 2) + 1  # rows x columns, colour bar
    rho = {label: map_alignment(one.recorded, p, 1)[1] for label, p in one.predicted.items()}
    ranked = np.argsort(-np.mean(list(rho.values()), axis=0))
    corners = [t for t in texts(figure) if t.startswith("ρ ")]
    expected = [
        f"ρ {rho[label][image]:.2f}" for image in ranked[[0, 2, 5]] for label in one.predicted
    ]
    assert corners == expected
    rows = [t for t in texts(figure) if "\nrank " in t]
    assert rows[0] == f"photo{ranked[0]}\nrank 1 of 6"
    assert rows[-1] == f"photo{ranked[5]}\nrank 6 of 6"
    assert "PL, Monkey 1, made_17x17 (SIMULATED)" in texts(figure)
    photograph, average = figure.axes[0].images[0], figure.axes[1].images[1]
    np.testing.assert_array_equal(photograph.get_array(), one.images[ranked[0]])
    shown = average.get_array()
    assert shown.shape == (17, 17)
    assert (shown.mean(), shown.std()) == pytest.approx((0, 1), abs=1e-9)
    # cells tile the image: map and photograph have the same borders
    assert average.get_extent() == photograph.get_extent()


def test_examples_run_from_best_to_worst():
    rho = {"a": np.array([0.1, 0.9, np.nan, 0.5]), "b": np.array([0.2, 0.8, np.nan, 0.6])}
    assert examples.images(rho, 3) == [(1, 1), (0, 3), (2, 4)]
    assert examples.images(rho, 10) == [(1, 1), (3, 2), (0, 3), (2, 4)]


def test_recording_without_grid_or_time_gets_scatter_plots(tmp_path):
    one = block(tmp_path, grid=(1, 1), n_ms=1, n_images=40)
    assert not one.has_grid
    figure = maps.draw([one], 3)
    assert len(figure.axes) == 2 * 2
    site = examples.sites(one)[0][0]
    drawn = figure.axes[0].lines[0].get_xydata()
    np.testing.assert_allclose(drawn[:, 0], one.predicted["a imagenet"][:, 0, 0, site])
    np.testing.assert_allclose(drawn[:, 1], one.recorded[:, 0, 0, site])
    r = np.corrcoef(drawn.T)[0, 1]
    assert f"r {r:.2f}" in texts(figure)
    assert not any(t.startswith("maps: ") for t in texts(figure))


def test_constant_sites_and_predictions_are_drawn(tmp_path):
    one = block(tmp_path)
    one.recorded[..., 0] = 3.0
    one.predicted["b untrained"][:] = 1.0
    figure = maps.draw([one], 2)
    assert texts(figure).count("ρ 0.00") == 2  # a constant prediction explains nothing
    written(figure, tmp_path, "constant")


def test_missing_images_and_models_are_named(tmp_path):
    paths, name = made_tables.files(tmp_path)
    recording, stimuli = (
        store.read_recording(paths["recording"]),
        store.read_stimuli(paths["stimuli"]),
    )
    predicted = [store.read_recording(path) for path in paths["predictions"]]
    with pytest.raises(UserError, match=r"no predictions of model 'a imagnet'.*'a imagenet'"):
        examples.of_recording(predicted, name, ["a imagnet"])
    fewer = type(stimuli)(stimuli.images[1:], stimuli.image_ids[1:])
    found = examples.of_recording(predicted, name, ["a imagenet"])
    with pytest.raises(UserError, match=r"lack images \['photo5.jpg'\]"):
        examples.join(name, recording, fewer, found)
    with pytest.raises(UserError, match="name at least one model"):
        examples.join(name, recording, stimuli, {})


# --- scripts --------------------------------------------------------------------------------------


def test_scripts_write_pdf_and_png(demo, tmp_path):
    store.write_table(tmp_path / "summary.parquet", demo)
    store.write_table(tmp_path / "scores.parquet", made_tables.scores(demo))
    store.write_table(tmp_path / "tradeoff.parquet", trade(demo))
    grid, grid_name = made_tables.files(tmp_path)
    flat, flat_name = made_tables.files(tmp_path, grid=(1, 1), n_ms=1)

    def out(name):
        return tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"

    summary, about = tmp_path / "summary.parquet", {"title": "Ρ", "caption": "Agreement (ρ)."}
    plot_tradeoff.main(
        summary, tmp_path / "tradeoff.parquet", *out("a"), "r_over_ceiling", "pls", **about
    )
    plot_layers.main(tmp_path / "scores.parquet", summary, *out("b"), {}, "pls", **about)
    plot_maps.main(
        [grid["recording"], flat["recording"]], [grid["stimuli"], flat["stimuli"]],
        [*flat["predictions"], *grid["predictions"]], *out("c"),
        recording_names=[grid_name, flat_name], models=["b untrained"], n_images=2, **about,
    )  # fmt: skip
    plot_timecourse.main(summary, *out("d"), [], [], "pls", **about)
    plot_timecourse.main(
        summary, *out("e"), recordings=[grid["recording"], flat["recording"]],
        recording_names=["m1_pl", "m1_ml"], mapping="pls", **about,
    )  # fmt: skip
    for name in "abcde":
        pdf, png = out(name)
        assert pdf.read_bytes().startswith(b"%PDF") and png.stat().st_size > 10_000
        assert b"/Subject" in pdf.read_bytes()
        texts = Image.open(png).text
        assert (texts["Title"], texts["Description"]) == ("Ρ", "Agreement (ρ).")
    assert out("d")[1].read_bytes() != out("e")[1].read_bytes()
