"""Figure and page of unique variance: every share at its place, turned where the pair is."""

import numpy as np
import pandas as pd
import pytest

from itcortex.figures import captions, unique_variance
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


def test_every_share_is_drawn_in_the_panel_of_its_recording(table):
    figure = unique_variance.draw(table)
    assert len(figure.axes) == 2
    for axes, k in zip(figure.axes, (0, 1), strict=True):
        drawn = {
            line.get_color(): float(np.ravel(line.get_xdata())[0])
            for line in axes.lines
            if line.get_marker() not in ("", "None", None)
        }
        expected = [0.15 + 0.01 * k, 0.25 + 0.01 * k, 0.05 + 0.01 * k]
        np.testing.assert_allclose(
            [drawn[look[1]] for look in unique_variance.PARTS.values()], expected
        )
    assert "h beyond b, v4" in captions.of_unique_variance(table)
    assert "0.150 [0.130, 0.180]" in captions.of_unique_variance(table)


def test_names_of_long_pairs_do_not_cover_each_other(table):
    """Trainings have long names, and a pair two of them."""
    long = {"weights": "human/strength-10/seed-0", "other_weights": "human/strength-0/seed-0"}
    long |= dict.fromkeys(["model", "other_model"], "mobilenetv1_025_128")
    figure = unique_variance.draw(pd.concat([table.assign(**long)] * 9, ignore_index=True))
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
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
