"""Predictivity of every layer against its depth, one panel per recording."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import models, style
from itcortex.tables import panels

PLANTED = {"color": style.INK, "linewidth": 1.2, "linestyle": (0, (1, 1.5))}


@style.styled
def draw(
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    score: str = "r",
    planted: dict[str, dict] | None = None,
) -> Figure:
    """Mean score over folds of each layer, against relative depth (0 first, 1 last layer).

    Dots mark the layers that the nested choice picked, the larger the more folds picked them. With
    more models than can be told apart, bold lines are the medians of categories.

    Parameters
    ----------
    scores : the scores table.
    summary : the summary table, which knows ceilings and what is simulated.
    score : column of `scores` on the ordinate.
    planted : of simulated recordings the true layer: {recording: {"model": ..., "layer": ...}},
        with "weights" where a model comes with several.
    """
    main = summary[summary.main_window.astype(bool)]
    real = scores[(scores.control == "none") & scores.main_window.astype(bool)]
    shown, looks = panels.of_summary(main), models.looks(main)
    handles = [*looks.handles(), *_extra_handles(looks, score, planted)]
    figure, places = style.panel_grid([panel.title for panel in shown], 2.2, handles)
    first = None
    for (place, title), panel in zip(places, shown, strict=True):
        axes = first = figure.add_subplot(place, sharey=first)
        rows = panel.of(real)
        models.draw_depths(axes, rows.astype({"chosen": float}), score, looks)
        style.say_if_empty(axes, rows[score], "no score is defined")
        if score == "r":
            style.draw_ceiling(axes, panel.of(main).ceiling)
        if planted and panel.recording in planted:
            _mark_planted(axes, rows, planted[panel.recording])
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
        style.head(axes, title)
        style.label_ordinate(axes, place, style.SCORES.get(score, score))
    return figure


def _mark_planted(axes: Axes, rows: pd.DataFrame, truth: dict) -> None:
    """A vertical line at the teacher's layer from which a simulated recording was made."""
    teacher = rows[(rows.model == truth["model"]) & (rows.layer == truth["layer"])]
    if "weights" in truth:
        teacher = teacher[teacher.weights == truth["weights"]]
    for depth in teacher.depth.unique()[:1]:  # none where the teacher is not among the models
        axes.axvline(depth, zorder=1, **PLANTED)


def _extra_handles(looks: models.Looks, score: str, planted: dict | None) -> list[Line2D]:
    """Legend entries of what is no model."""
    handles = []
    if looks.few:
        grey = {"linestyle": "none", "marker": "o", "color": style.GREY}
        handles.append(Line2D([], [], label="layer chosen by folds", **grey))
    if score == "r":
        handles.append(Line2D([], [], label="noise ceiling", **style.CEILING))
    return handles + ([Line2D([], [], label="planted layer", **PLANTED)] if planted else [])
