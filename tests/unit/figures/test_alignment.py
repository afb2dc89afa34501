"""The figure of map alignment holds what its table holds, at every scale."""

import numpy as np
import pytest
from PIL import Image

import plot_alignment
from itcortex import store
from itcortex.figures import alignment
from itcortex.tables.alignment import by_network
from made import artists
from made import tables as made_tables
from made.artists import points, texts, titles, written

pytestmark = pytest.mark.long


def networks(summary):
    """Means over images of every network of a summary."""
    return by_network(made_tables.alignment(summary), 50, np.random.default_rng(0))


def draw(summary, table=None):
    table = networks(summary) if table is None else table
    return alignment.draw(table, summary, 50, np.random.default_rng(0))


def test_rows_are_recordings_and_columns_are_scales(demo):
    figure, table = draw(demo), networks(demo)
    scales = ("full grid", "half grid", "quarter grid")
    places = [f"{name} (SIMULATED)" for name in ("PL, Monkey 1", "ML, Monkey 1", "ML, Monkey 2")]
    assert titles(figure) == [f"{place}: {scale}" for place in places for scale in scales]
    cells = [(name, scale) for name in ("m1_pl", "m1_ml", "m2_ml") for scale in (1, 2, 4)]
    pairs = zip(figure.axes[::2], figure.axes[1::2], strict=True)
    for (strip, axes), (name, scale) in zip(pairs, cells, strict=True):
        rows = table[(table.recording == name) & (table.scale == scale)]
        trained = rows[rows.category == "cnn"]
        drawn = [at for category, *at in points([axes])]
        np.testing.assert_allclose(np.sort(drawn, 0), np.sort(trained[["top1", "rho"]], 0))
        untrained = rows[rows.category == "untrained"].rho
        heights = [y for _, _, y in points([strip])]
        np.testing.assert_allclose(sorted(heights), sorted(untrained))
        bars = axes.collections[0].get_segments()
        np.testing.assert_allclose([bar[:, 1] for bar in bars], trained[["rho_low", "rho_high"]])
        levels = {line.get_ydata()[0] for line in axes.lines if set(line.get_xdata()) == {0, 1}}
        assert {0, 0.3} <= levels  # zero, and what maps of chance reach


def test_titles_have_the_rank_correlation_or_why_there_is_none(demo, paper):
    assert sum("no ρ: 3 models, 5 are needed" in text for text in texts(draw(demo))) == 9
    assert sum("n = 135" in text for text in texts(draw(paper))) == 3
    table = networks(paper)
    told = texts(draw(paper, table.assign(has_power=table.scale != 4)))
    assert told.count("too few positions to tell") == 1


def test_nothing_is_cut_off_and_bytes_repeat(demo, paper, tmp_path):
    for name, summary in (("demo", demo), ("paper", paper)):
        figure = draw(summary)
        first = written(figure, tmp_path, name)
        assert first[0] == artists.as_pdf(draw(summary))
        assert artists.smallest_text(figure) >= 8 and not artists.is_cut_off(first[1])


def test_no_grid_and_no_accuracy_say_so(demo, tmp_path):
    nothing = draw(demo, networks(demo).iloc[:0])
    assert texts(nothing) == ["no recording has a grid of positions:\nno maps"]
    written(nothing, tmp_path, "nothing")
    blank = draw(demo, networks(demo).assign(top1=np.nan))
    assert texts(blank).count("no network has\naccuracy and map") == 9


@pytest.mark.parametrize("rows", [slice(None), slice(0)])
def test_script_writes_the_caption(rows, demo, tmp_path):
    store.write_table(tmp_path / "a.parquet", made_tables.alignment(demo)[rows])
    store.write_table(tmp_path / "s.parquet", demo)
    files = [tmp_path / f"f.{kind}" for kind in ("pdf", "png", "rst")]
    tables = tmp_path / "a.parquet", tmp_path / "s.parquet"
    plot_alignment.main(*tables, *files, 50, 0, "A title", "A caption.")
    said = Image.open(files[1]).text["Description"]
    found = (
        "no ρ: 3 models, 5 are needed (PL, Monkey 1"
        if rows.stop is None
        else "no recording has a grid"
    )
    assert "gives no number. Here: " in said and found in said
