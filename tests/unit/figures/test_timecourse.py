"""Time courses hold what the summary holds."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

import plot_timecourse
from itcortex import store
from itcortex.figures import models, timecourse
from made import artists
from made import tables as made_tables
from made.artists import line_of, texts, titles

pytestmark = pytest.mark.long


def test_timecourse_draws_every_window_at_its_centre(demo):
    figure = timecourse.draw(demo)
    rows = demo[
        (demo.recording == "m2_ml") & (demo.model == "resnet18") & (demo.control == "none")
    ]  # fmt: skip
    colour = models.looks(demo).by_name["palette"]["resnet18"]
    drawn = line_of(figure.axes[2], colour)
    np.testing.assert_allclose(drawn, np.column_stack([rows.window_start + 20, rows.r]))
    spans = [p for p in figure.axes[2].patches if p.get_facecolor()[:3] == to_rgb("#F0E442")]
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in spans] == [(80, 120)]


def test_a_main_window_of_another_width_is_shaded_but_no_point(demo):
    wide = demo.assign(window_stop=demo.window_stop.where(~demo.main_window, 230.0))
    axes = timecourse.draw(wide).axes[0]
    drawn = line_of(axes, models.looks(demo).by_name["palette"]["resnet18"])
    assert 100.0 not in drawn[:, 0] and len(drawn) == 12
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


def test_bytes_borders_and_undefined_scores(demo, tmp_path):
    figure = timecourse.draw(demo)
    first = artists.written(figure, tmp_path, "a")
    assert first[0] == artists.as_pdf(timecourse.draw(demo))
    assert artists.smallest_text(figure) >= 8 and not artists.is_cut_off(first[1])
    nothing = timecourse.draw(demo.assign(r=np.nan, r_low=np.nan, r_high=np.nan))
    assert texts(nothing).count("no score is defined") == 3


def test_the_script_draws_the_mean_response_and_says_the_best_window(demo, tmp_path):
    store.write_table(tmp_path / "summary.parquet", demo)
    grid, _ = made_tables.files(tmp_path)
    flat, _ = made_tables.files(tmp_path, grid=(1, 1), n_ms=1)
    files = {name: [tmp_path / f"{name}.{kind}" for kind in ("pdf", "png", "rst")] for name in "de"}
    about = tmp_path / "summary.parquet", "pls", "A title", "A caption."
    recordings = [grid["recording"], flat["recording"]]
    for name, *shown in (("d", [], []), ("e", recordings, ["m1_pl", "m1_ml"])):
        plot_timecourse.main(about[0], *files[name], *shown, *about[1:])
    assert files["d"][1].read_bytes() != files["e"][1].read_bytes()
    assert (
        "at 80-120 ms (PL, Monkey 1 (SIMULATED))" in Image.open(files["d"][1]).text["Description"]
    )
