"""Figure and page of unique variance: every share at its place, turned where the pair is."""

import numpy as np
import pandas as pd
import pytest

from itcortex.figures import condition_captions, unique_variance
from itcortex.report.payload import variance
from itcortex.tables.panels import Panel


@pytest.fixture
def table():
    rows = []
    for k, recording in enumerate(["v4", "it"]):
        row = {
            "recording": recording, "model": "h", "weights": "w", "other_model": "b",
            "other_weights": "w", "mapping": "pls", "protocol": "corrected", "r2": 0.4,
            "r2_other": 0.3, "r2_both": 0.45,
        }  # fmt: skip
        for name, least in (("unique", 0.15), ("unique_other", 0.05), ("shared", 0.25)):
            value = least + 0.01 * k
            row |= {name: value, f"{name}_low": value - 0.02, f"{name}_high": value + 0.03}
        rows.append(row)
    return pd.DataFrame(rows)


MODELS = pd.DataFrame(
    {"model": ["h", "b"], "weights": "w", "condition": "", "strength": np.nan, "seed": np.nan}
)
CONDITIONS = ("of_others", "human", "mean")


@pytest.fixture
def trained(table):
    """Three conditions of two networks, three seeds each: the share rises with condition and seed."""
    rows, models = [], []
    for model in ("first", "second"):
        for place, condition in enumerate(CONDITIONS):
            for seed in range(3):
                one = {"model": model, "weights": f"{condition}/strength-10/seed-{seed}"}
                models.append(one | {"condition": condition, "strength": 10, "seed": seed})
                pair = one | {
                    "other_model": model,
                    "other_weights": f"human/strength-0/seed-{seed}",
                }
                value = 0.001 * (10 * place + seed)
                share = {"unique": value, "unique_low": value - 0.01, "unique_high": value + 0.02}
                rows.append(table.assign(**pair, **share))
    return unique_variance.of_conditions(pd.concat(rows, ignore_index=True), pd.DataFrame(models))


def _drawn(axes):
    """Places of large markers by colour."""
    return {
        line.get_color(): np.ravel(line.get_xdata()).astype(float)
        for line in axes.lines
        if line.get_marker() not in ("", "None", None, "|")
    }


def test_every_share_is_drawn_in_the_panel_of_its_recording(table):
    pairs = unique_variance.of_conditions(table, MODELS)
    figure = unique_variance.draw(pairs)
    assert len(figure.axes) == 4  # of each recording: one network alone, and both
    for k in (0, 1):
        drawn = _drawn(figure.axes[2 * k]) | _drawn(figure.axes[2 * k + 1])
        expected = [0.15 + 0.01 * k, 0.25 + 0.01 * k, 0.05 + 0.01 * k]
        found = [drawn[look[1]].item() for look in unique_variance.PARTS.values()]
        np.testing.assert_allclose(found, expected)
    said = condition_captions.of_unique_variance(pairs)
    assert "0.155 over 2 recordings, from 0.150 to 0.160 (h w beyond b w)" in said
    one = condition_captions.of_unique_variance(pairs[:1])
    assert one.endswith("Here: 0.150 [0.130, 0.180] (h w beyond b w).")


def test_seeds_are_one_line_of_their_condition_and_no_condition_hides_another(trained):
    means = unique_variance.over_seeds(trained)
    assert len(means) == 2 * 3 * 2  # of 36 rows
    human = means[means["condition"] == "human"].iloc[0]
    np.testing.assert_allclose(human[["unique", "unique_low", "unique_high"]].astype(float),
                               [0.011, 0.001, 0.031])  # fmt: skip
    np.testing.assert_allclose(
        human[["unique_lowest", "unique_highest"]].astype(float), [0.01, 0.012]
    )
    assert human["n_seeds"] == 3
    said = condition_captions.of_unique_variance(trained)
    for name, value in (
        ("human maps", 0.011),
        ("maps of other photographs", 0.001),
        ("the mean map", 0.021),
    ):
        assert f"{value:.3f} over 2 recordings" in said
        assert f"({name} beyond strength 0, second, strength 10)" in said
    assert said.index("human maps") < said.index("maps of other")
    figure = unique_variance.draw(trained)
    orange = _drawn(figure.axes[0])[unique_variance.PARTS["unique"][1]]
    np.testing.assert_allclose(orange, [0.011, 0.001, 0.021] * 2)
    seeds = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert len(seeds[0].get_xdata()) == 18
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:2] == ["first", "human maps"] and len(labels) == 8


def test_the_figure_stays_on_a_page_however_many_networks_there_are(trained):
    many = [trained.assign(model=f"network {k}") for k in range(8)]
    figure = unique_variance.draw(pd.concat(many, ignore_index=True))
    assert figure.get_size_inches()[1] < unique_variance.TALLEST + 3


def test_names_of_long_pairs_do_not_cover_each_other(table):
    """Networks have long names, and a pair two of them."""
    long = dict.fromkeys(["model", "other_model"], "mobilenetv1_025_128")
    many = [
        table.assign(
            **long, weights=f"human-strength-10-seed-{k}", other_weights=f"human-strength-0-{k}"
        )
        for k in range(9)
    ]
    pairs = unique_variance.of_conditions(pd.concat(many, ignore_index=True), MODELS)
    figure = unique_variance.draw(pairs)
    renderer = figure.canvas.get_renderer()
    axes = figure.axes[0]
    boxes = [label.get_window_extent(renderer) for label in axes.get_yticklabels()]
    assert len(boxes) == 9 and min(box.x0 for box in boxes) >= 0
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert axes.get_yticklabels()[0].get_text().count("mobilenetv1_025_128") == 1


def test_the_page_has_the_pairs_of_its_condition_by_number(table):
    numbers = {("b", "w"): 0, ("h", "w"): 1}
    panel = Panel("it", "pls", "corrected", "IT")
    (row,) = variance(table, panel, numbers)
    assert row["pair"] == [1, 0]
    np.testing.assert_allclose(row["unique"], [0.16, 0.14, 0.19])
    np.testing.assert_allclose(row["shared"], [0.26, 0.24, 0.29])
    assert variance(None, panel, numbers) == []
