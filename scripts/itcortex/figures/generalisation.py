"""What networks lose where test images are new: scores on two divisions, and the drop over accuracy."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from itcortex.figures import accuracy, style
from itcortex.figures.models import MOST_NAMED
from itcortex.tables import panels
from itcortex.tables.alignment import rank_trend

DIAGONAL = {"color": style.GREY, "linewidth": 0.8, "linestyle": (0, (1, 1.6)), "zorder": 0}


def beside_main(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of every division but the main one, with its score as `x`, `x_low` and `x_high`."""
    keys = ["recording", "model", "weights", "mapping", "protocol"]
    is_main = table.split == table.main_split
    main = table.loc[is_main, [*keys, "r", "r_low", "r_high"]]
    main = main.rename(columns={"r": "x", "r_low": "x_low", "r_high": "x_high"})
    return table[~is_main].merge(main, on=keys, validate="m:1")


@style.styled
def draw(table: pd.DataFrame, draws: int, rng: np.random.Generator) -> Figure:
    """Two panels for every recording and division: score against the main score, drop against top-1.

    Parameters
    ----------
    table : the table `generalisation`.
    draws : of families, for intervals of rank correlations.
    """
    joined = beside_main(table)
    cells = [
        (panel, split, kind)
        for panel in panels.of_summary(table)
        for split in joined[joined.recording == panel.recording].split.unique()
        for kind in ("score", "drop")
    ]
    few = len(joined.drop_duplicates(["model", "weights"])) <= MOST_NAMED
    without = int(joined.drop_duplicates(["model", "weights"]).top1.isna().sum())
    figure, places = style.panel_grid(
        [f"{panel.title}: {split}" for panel, split, _ in cells], 2.0,
        accuracy.category_handles(joined.category.unique()), columns=2, notes=1, between=0.75,
        foot=0.6 if without else 0.48,
    )  # fmt: skip
    size, drawn = accuracy.LARGE if few else accuracy.SMALL, []
    for (place, title), (panel, split, kind) in zip(places, cells, strict=True):
        rows = panel.of(joined)
        rows = rows[rows.split == split]
        add = _add_scores if kind == "score" else _add_drop
        pair, points, note = add(figure, place, rows, size, draws, rng)
        style.head(pair.left, title, note)
        drawn += [(pair, points, "r" if kind == "score" else "drop")] if few else []
    for named in drawn:
        accuracy.name_points(figure, *named)
    return figure


def _add_scores(figure, place, rows, size, draws, rng):
    """Score on the division against the main score; returns the axes, the points and a note."""
    main, split = rows.main_split.iloc[0], rows.split.iloc[0]
    xlim = accuracy.ordinate(rows[["x_low", "x_high", "x"]].to_numpy(float).ravel(), 0.05)
    ylim = accuracy.ordinate(rows[["r_low", "r_high", "r"]].to_numpy(float).ravel(), 0.05)
    axes = figure.add_subplot(place, xlim=xlim, ylim=ylim)
    ends = [min(xlim[0], ylim[0]), max(xlim[1], ylim[1])]
    axes.plot(ends, ends, **DIAGONAL)
    axes.set(xlim=xlim, ylim=ylim)
    pair, points = accuracy.Pair(axes), rows.dropna(subset=["x", "r"])
    colours = [style.category(one).colour for one in points.category]
    bar = accuracy.BAR if size == accuracy.LARGE else accuracy.THIN_BAR
    axes.hlines(points.r, points.x_low, points.x_high, colours, **bar)
    accuracy.draw_points(pair, points, "r", size)
    axes.set(xlabel=f"predictivity (r), folds: {main}", ylabel=f"predictivity (r), {split}")
    note = accuracy.rho_text(rank_trend(rows, "x", "r", draws, rng))
    return pair, points, f"rank correlation of both: {note}"


def _add_drop(figure, place, rows, size, draws, rng):
    """Drop against top-1."""
    ylim = accuracy.ordinate(rows[["drop_low", "drop_high", "drop"]].to_numpy(float).ravel(), 0.05)
    pair = accuracy.add_pair(figure, place, rows, accuracy.limits(rows), ylim)
    for axes in pair.both:
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
    known = rows[np.isfinite(rows.top1) & np.isfinite(rows["drop"])]
    points = accuracy.placed(known.drop(columns=["x_low", "x_high"]))
    accuracy.draw_points(pair, points, "drop", size)
    pair.trained.set_xlabel(accuracy.abscissa_label(len(rows) - len(points)))
    pair.left.set_ylabel("drop of r")
    return pair, points, accuracy.rho_text(rank_trend(rows, "top1", "drop", draws, rng))
