"""Alignment of predicted with recorded maps against ImageNet accuracy, at every scale of the grid."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import accuracy, style
from itcortex.figures.models import MOST_NAMED
from itcortex.tables import panels
from itcortex.tables.alignment import rank_trend

SCALES = {1: "full grid", 2: "half grid", 4: "quarter grid"}  # of its side
CHANCE = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}


@style.styled
def draw(
    networks: pd.DataFrame, summary: pd.DataFrame, draws: int, rng: np.random.Generator
) -> Figure:
    """Mean rank correlation of maps with 95 % intervals against top-1 (%): rows are recordings.

    Parameters
    ----------
    networks : a row for every network, recording and scale (`itcortex.tables.alignment.by_network`).
    summary : the summary table, which has the recordings' titles.
    draws : of families, for intervals of rank correlations.
    """
    titles = {panel.recording: panel.title for panel in panels.of_summary(summary)}
    cells = networks[["recording", "scale"]].drop_duplicates().sort_values("scale", kind="stable")
    cells = [(name, scale) for name in titles for scale in cells[cells.recording == name].scale]
    if not cells:
        figure = style.new_figure(style.COLUMN, 1.2)
        style.message(figure.add_subplot(), "no recording has a grid of positions:\nno maps")
        return figure
    figure, places = style.panel_grid(
        [f"{titles[name]}: {SCALES.get(scale, f'1/{scale}')}" for name, scale in cells], 1.7,
        _handles(networks), notes=1, foot=0.6 if networks.top1.isna().any() else 0.48,
    )  # fmt: skip
    limits = (
        accuracy.limits(networks),
        accuracy.ordinate(
            networks[["rho", "rho_low", "rho_high", "null_high"]].to_numpy(float).ravel(), 0.05
        ),
    )
    few = len(networks.drop_duplicates(["model", "weights"])) <= MOST_NAMED
    for (place, title), (name, scale) in zip(places, cells, strict=True):
        rows = networks[(networks.recording == name) & (networks.scale == scale)]
        pair = accuracy.add_pair(figure, place, rows, *limits)
        for axes in pair.both:
            axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
            if rows.null_high.notna().any():
                axes.axhline(rows.null_high.mean(), zorder=1, **CHANCE)
        points = accuracy.placed(rows[np.isfinite(rows.top1) & np.isfinite(rows.rho)])
        accuracy.draw_points(pair, points, "rho", accuracy.LARGE if few else accuracy.SMALL)
        style.say_if_empty(pair.trained, points.rho, "no network has\naccuracy and map")
        note = accuracy.rho_text(rank_trend(rows, "top1", "rho", draws, rng))
        style.head(pair.left, title, note if rows.has_power.any() else "too few positions to tell")
        pair.trained.set_xlabel(accuracy.abscissa_label(len(rows) - len(points)))
        style.label_ordinate(pair.left, place, "alignment of maps (ρ)")
    return figure


def _handles(networks: pd.DataFrame) -> list[Line2D]:
    """Legend: the categories that are there, and what maps of chance reach."""
    chance = Line2D([], [], label="95 % of maps of chance lie below", **CHANCE)
    return [*accuracy.category_handles(networks.category.unique()), chance]
