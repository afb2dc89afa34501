"""The figure of the reverse direction: what is drawn of which row."""

import numpy as np
import pandas as pd
import pytest

import plot_reverse
from itcortex import store
from itcortex.figures import reverse


@pytest.fixture
def summary():
    """Seven networks of a recording with a bound, one without an accuracy; and of one without."""
    rows = []
    for recording in ("it", "v4"):
        for k in range(7):
            ceiling = 0.8 + 0.01 * k if recording == "it" else np.nan
            rows.append(
                {
                    "recording": recording, "area": recording.upper(), "monkey": "M1",
                    "simulated": False, "protocol": "corrected", "mapping": "reverse",
                    "model": f"m{k}", "weights": "w", "category": "untrained" if k == 6 else "cnn",
                    "family": f"f{k}", "top1": [60 + 2.0 * k, 0.1, np.nan][(k == 6) + 2 * (k == 5)],
                    "control": "none", "main_window": True, "r": 0.5 + 0.02 * k, "r_low": 0.4,
                    "r_high": 0.7, "ceiling": ceiling, "ceiling_low": ceiling - 0.02,
                    "ceiling_high": ceiling + 0.02, "r_over_ceiling": (0.5 + 0.02 * k) / ceiling,
                    "ceiling_name": "reverse_bound" if recording == "it" else None,
                }
            )  # fmt: skip
    real = pd.DataFrame(rows)
    other = real.assign(mapping="pls", r=0.9, ceiling=0.3, ceiling_name="split_half_bound")
    return pd.concat([real, real.assign(control="shuffled_images", r=0.0), other])


def segments(axes):
    """Lines of collections of an axes (line, end, xy)."""
    parts = [c.get_segments() for c in axes.collections if hasattr(c, "get_segments")]
    return np.array([line for part in parts for line in part if len(line) == 2])


def test_every_network_stands_under_its_bound_with_its_interval(summary):
    figure = reverse.draw(summary, 50, np.random.default_rng(0))
    first = next(a for a in figure.axes if a.get_xlabel().startswith("ImageNet top-1"))
    lines = segments(first)
    level = lines[lines[:, 0, 1] == lines[:, 1, 1]]
    trained = summary[(summary.recording == "it") & (summary.control == "none")]
    trained = trained[(trained.mapping == "reverse") & (trained.top1 > 1)]
    np.testing.assert_allclose(np.sort(level[:, 0, 1]), np.sort(trained.ceiling))
    np.testing.assert_allclose(np.sort(level.mean(1)[:, 0]), np.sort(trained.top1))
    upright = lines[(lines[:, 0, 0] == lines[:, 1, 0])]
    assert {(round(a, 3), round(b, 3)) for (_, a), (_, b) in upright} >= {
        (round(row.ceiling - 0.02, 3), round(row.ceiling + 0.02, 3)) for row in trained.itertuples()
    }
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert sum(text.endswith("; no bound") for text in texts) == 1  # of v4


def test_a_ceiling_of_sites_is_no_bound_of_units(summary):
    of_sites = summary.assign(ceiling_name="split_half_bound", ceiling=0.9)
    assert reverse.of_reverse(of_sites)["ceiling"].isna().all()
    assert len(reverse.of_reverse(summary)) == 14


def test_the_script_writes_the_figure_and_says_what_it_shows(summary, tmp_path):
    store.write_table(tmp_path / "summary.parquet", summary)
    out = [tmp_path / f"reverse.{kind}" for kind in ("pdf", "png", "rst")]
    plot_reverse.main(tmp_path / "summary.parquet", *out, 20, 0, "Title", "Caption.")
    assert all(path.stat().st_size > 0 for path in out)
    said = reverse.said(summary)
    assert "it: r 0.50 to 0.62 (7 networks), 0.62 to 0.72 of the bound" in said
    assert "v4: r 0.50 to 0.62 (7 networks), no bound (no repeats of the test images)" in said
