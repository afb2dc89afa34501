"""Predictivity over time after stimulus onset, one panel per recording."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from itcortex.data.recordings import Recording
from itcortex.figures import models, style
from itcortex.tables import panels

WINDOW = {"color": "#F0E442", "alpha": 0.35, "linewidth": 0}
RESPONSE = {"color": style.PALE, "alpha": 0.55, "linewidth": 0}
RESPONSE_HEIGHT = 0.3  # of the panel, for the peak of the population response


def population_response(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Response averaged over images, positions and sites, in time.

    Returns
    -------
    times : (bin,) centres of the bins, ms after stimulus onset.
    response : (bin,) in the recording's unit; NaN where no site has a value.
    """
    start, width = recording.attributes["ms_start"], recording.attributes["ms_bin"]
    values = np.moveaxis(recording.responses, 3, 0).reshape(recording.responses.shape[3], -1)
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    response = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return start + width * (np.arange(len(count)) + 0.5), response


@style.styled
def draw(
    summary: pd.DataFrame,
    score: str = "r",
    responses: dict[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> Figure:
    """Score against the centre of the time window (ms), with 95 % bands.

    The raw correlation is shown, not its ratio to the ceiling: before neurons respond the ceiling
    is about zero and the ratio means nothing. The ceiling is drawn as a line instead.

    Parameters
    ----------
    summary : the summary table.
    score : column of the summary on the ordinate.
    responses : {recording: (times (bin,) ms, response (bin,))}, drawn as a grey area.
    """
    real = summary[summary.control == "none"]
    shown, looks = panels.of_summary(real), models.looks(real)
    moving = [panel for panel in shown if panel.of(real).window_start.nunique() > 1]
    handles = [*looks.handles(), *_extra_handles(score, responses)] if moving else []
    figure, places = style.panel_grid([panel.title for panel in shown], 2.2, handles)
    first = None
    for (place, title), panel in zip(places, shown, strict=True):
        rows = panel.of(real)
        if panel not in moving:
            axes = figure.add_subplot(place)
            style.message(axes, _no_time_axis(rows))
        else:
            axes = first = figure.add_subplot(place, sharey=first)
            _courses(axes, rows, score, looks)
            axes.set_xlabel("time (ms after onset)")
            style.say_if_empty(axes, rows[score], "no score is defined")
            style.label_ordinate(axes, place, style.SCORES.get(score, score))
        style.head(axes, title)
    for axes, panel in zip(figure.axes, shown, strict=True):
        if responses and panel.recording in responses and axes.axison:
            _response(axes, *responses[panel.recording])
    return figure


def _courses(axes: Axes, rows: pd.DataFrame, score: str, looks: models.Looks) -> None:
    """Every model's course with its band, the ceiling's, and the main window."""
    centre = (rows.window_start + rows.window_stop) / 2
    rows = rows.assign(centre=centre).sort_values("centre")
    axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
    main = rows[rows.main_window.astype(bool)]
    for start, stop in main[["window_start", "window_stop"]].drop_duplicates().to_numpy():
        axes.axvspan(start, stop, zorder=0, **WINDOW)
    # a main window of another width is no point of the same course
    width = rows.window_stop - rows.window_start
    rows = rows[np.isclose(width, width.mode().iloc[0])]
    ceiling = rows.drop_duplicates("centre")
    if score == "r" and ceiling.ceiling.notna().any():
        axes.plot(ceiling.centre, ceiling.ceiling, zorder=1, **style.CEILING)
    models.draw_lines(axes, rows, "centre", score, looks)
    if looks.thin:
        models.draw_medians(axes, rows, "centre", score, looks)
    else:
        models.draw_dots(axes, rows, "centre", score, looks, s=16)
        colours = looks.by_name["palette"]
        for name, course in looks.of(rows).groupby("name") if f"{score}_low" in rows else ():
            axes.fill_between(
                course.centre, course[f"{score}_low"], course[f"{score}_high"],
                color=colours[name], alpha=0.13, linewidth=0, zorder=1.5,
            )  # fmt: skip
    axes.set_xlim(centre.min() - 5, centre.max() + 5)


def _response(axes: Axes, times: np.ndarray, response: np.ndarray) -> None:
    """The population response as an area at the foot of the panel, in units of its own."""
    shape = response - np.nanmin(response)
    if not np.nanmax(shape) > 0:
        return
    foot, top = axes.get_ylim()
    height = foot + shape / np.nanmax(shape) * RESPONSE_HEIGHT * (top - foot)
    axes.fill_between(times, foot, height, zorder=-1, label="response", **RESPONSE)
    axes.set_ylim(foot, top)


def _no_time_axis(rows: pd.DataFrame) -> str:
    """What a panel says about a recording with a single window."""
    start, stop = rows[["window_start", "window_stop"]].iloc[0]
    if np.isfinite(start):
        return f"One time window was analysed,\n{start:g} to {stop:g} ms:\nno time course."
    return "This recording has no time axis:\nno time course."


def _extra_handles(score: str, responses: dict | None) -> list:
    """Legend entries of what is no model."""
    handles = [Patch(label="main window", **WINDOW)]
    if score == "r":
        handles.append(Line2D([], [], label="noise ceiling", **style.CEILING))
    if responses:
        handles.append(Patch(label="mean response (own scale)", **RESPONSE))
    return handles
