"""Predictivity of every layer against its depth, one panel per recording."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import models, style
from itcortex.tables import panels

COMMON_DEPTHS = np.linspace(0, 1, 11)  # where models with different layers are averaged
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
    handles = [*models.legend_handles(looks), *_extra_handles(looks, score, planted)]
    figure, places = style.panel_grid(len(shown), (3.2, 2.8), (0.75, 0.2, 0.5), handles)
    first = None
    for place, panel in zip(places, shown, strict=True):
        axes = first = figure.add_subplot(place, sharey=first)
        rows = panel.of(real)
        _draw_panel(axes, rows, score, looks)
        if score == "r":
            style.draw_ceiling(axes, panel.of(main).ceiling)
        if planted and panel.recording in planted:
            _mark_planted(axes, rows, planted[panel.recording])
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
        axes.set_title(panel.title, loc="left", fontweight="bold")
        axes.set(xlabel="relative depth of the layer", xlim=(-0.04, 1.04))
        style.label_ordinate(axes, place, style.SCORES.get(score, score))
    return figure


def _by_layer(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """One model's layers in order of depth: mean and standard error over folds, share chosen."""
    return (
        rows.groupby("layer", observed=True)
        .agg(depth=("depth", "first"), mean=(score, "mean"), error=(score, "sem"),
             chosen=("chosen", "mean"))
        .sort_values("depth")
    )  # fmt: skip


def _draw_panel(axes: Axes, rows: pd.DataFrame, score: str, looks: dict) -> None:
    """Every model's line and chosen layers; with many models the median of every category."""
    courses = []
    for keys, of_model in rows.groupby(models.KEYS, observed=True):
        look, layer = looks[keys], _by_layer(of_model, score)
        axes.plot(layer.depth, layer["mean"], zorder=2, **look.line)
        if look.thin:
            y = np.interp(COMMON_DEPTHS, layer.depth, layer["mean"])
            courses.append(pd.DataFrame({"x": COMMON_DEPTHS, "y": y}).assign(
                model=keys[0], weights=keys[1]))  # fmt: skip
            continue
        low, high = layer["mean"] - layer.error, layer["mean"] + layer.error
        axes.fill_between(layer.depth, low, high, color=look.colour, alpha=0.12, linewidth=0)
        picked = layer[layer.chosen > 0]
        axes.scatter(
            picked.depth, picked["mean"], s=8 + 70 * picked.chosen, zorder=3, color=look.colour,
            marker=look.marker, edgecolor="white", linewidth=0.6,
        )  # fmt: skip
    if courses:
        models.draw_medians(axes, pd.concat(courses), looks)


def _mark_planted(axes: Axes, rows: pd.DataFrame, truth: dict) -> None:
    """A vertical line at the teacher's layer from which a simulated recording was made."""
    teacher = rows[(rows.model == truth["model"]) & (rows.layer == truth["layer"])]
    if "weights" in truth:
        teacher = teacher[teacher.weights == truth["weights"]]
    for depth in teacher.depth.unique()[:1]:  # none where the teacher is not among the models
        axes.axvline(depth, zorder=1, **PLANTED)


def _extra_handles(looks: dict, score: str, planted: dict | None) -> list[Line2D]:
    """Legend entries of what is no model."""
    handles = []
    if not any(look.thin for look in looks.values()):
        grey = {"linestyle": "none", "marker": "o", "color": style.GREY}
        handles.append(Line2D([], [], label="layer chosen by folds", **grey))
    if score == "r":
        handles.append(Line2D([], [], label="noise ceiling", **style.CEILING))
    return handles + ([Line2D([], [], label="planted layer", **PLANTED)] if planted else [])
