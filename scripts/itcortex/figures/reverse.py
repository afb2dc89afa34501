"""The reverse direction: how well sites predict units of networks, beside what their noise leaves."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import accuracy, style
from itcortex.figures.models import MOST_NAMED
from itcortex.tables import panels
from itcortex.tables.alignment import rank_trend
from itcortex.tables.numbers import number
from itcortex.tables.summary import REVERSE_BOUND

BOUND = {"color": style.GREY, "alpha": 0.75}
_ENDS = ["r", "r_low", "r_high", "ceiling", "ceiling_low", "ceiling_high"]


def of_reverse(summary: pd.DataFrame) -> pd.DataFrame:
    """Rows of the reverse direction, of real responses in the main window; `ceiling` is its bound.

    NaN where there is none: no repeats of the test images.
    """
    rows = summary[summary.main_window & (summary.control == "none")]
    rows = rows[rows.mapping == "reverse"]
    known = (rows.ceiling_name == REVERSE_BOUND).fillna(False).to_numpy(bool)
    bounds = ["ceiling", "ceiling_low", "ceiling_high"]
    return rows.assign(**{name: rows[name].where(known) for name in bounds})


@style.styled
def draw(summary: pd.DataFrame, draws: int, rng: np.random.Generator) -> Figure:
    """A panel for every recording: r of the reverse direction and its bound against top-1 (%).

    Parameters
    ----------
    summary : the summary table.
    draws : of families, for intervals of rank correlations.
    """
    rows = of_reverse(summary)
    shown = panels.of_summary(rows)
    few = len(rows.drop_duplicates(["model", "weights"])) <= MOST_NAMED
    bound = Line2D(
        [], [], linewidth=1.4, label="highest r that the noise of the sites leaves", **BOUND
    )
    handles = [*accuracy.category_handles(rows.category.unique()), bound]
    figure, places = style.panel_grid(
        [panel.title for panel in shown], 2.0, handles, columns=2, notes=1,
        foot=0.6 if rows.top1.isna().any() else 0.48,
    )  # fmt: skip
    limits = accuracy.limits(rows), accuracy.ordinate(rows[_ENDS].to_numpy(float).ravel(), 0.05)
    named = []
    for (place, title), panel in zip(places, shown, strict=True):
        own = panel.of(rows)
        pair = accuracy.add_pair(figure, place, own, *limits)
        points = accuracy.placed(own[np.isfinite(own.top1) & np.isfinite(own.r)])
        _draw_bounds(pair, points, limits[0])
        accuracy.draw_points(pair, points, "r", accuracy.LARGE if few else accuracy.SMALL)
        style.say_if_empty(pair.trained, points.r, "no network has\naccuracy and score")
        note = accuracy.rho_text(rank_trend(own, "top1", "r", draws, rng))
        style.head(pair.left, title, note if own.ceiling.notna().any() else f"{note}; no bound")
        pair.trained.set_xlabel(accuracy.abscissa_label(len(own) - len(points)))
        style.label_ordinate(pair.left, place, "units predicted from sites (r)")
        named.append((pair, points))
    for pair, points in named if few else ():
        accuracy.name_points(figure, pair, points, "r")
    return figure


def _draw_bounds(pair: accuracy.Pair, points: pd.DataFrame, xlim: tuple[float, float]) -> None:
    """A short line at every network's bound, with its interval."""
    known = points[points.ceiling.notna()]
    for axes in pair.both:
        rows = known[np.array([pair.axes_of(name) is axes for name in known.category], bool)]
        reach = 0.05 if axes is pair.strip else 0.012 * (xlim[1] - xlim[0])
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
        axes.hlines(rows.ceiling, rows.x - reach, rows.x + reach, linewidth=1.4, zorder=2, **BOUND)
        axes.vlines(rows.x, rows.ceiling_low, rows.ceiling_high, linewidth=0.8, zorder=1, **BOUND)


def said(summary: pd.DataFrame) -> str:
    """What networks reach of their bounds, recording by recording."""
    parts = []
    for recording, rows in of_reverse(summary).groupby("recording", observed=True, sort=False):
        count = f"{len(rows)} network{'s' if len(rows) > 1 else ''}"
        text = f"{recording}: r {number(rows.r.min())} to {number(rows.r.max())} ({count})"
        known = rows.r_over_ceiling[rows.ceiling > 0]
        if len(known):
            text += f", {number(known.min())} to {number(known.max())} of the bound"
        else:
            text += ", no bound (no repeats of the test images)"
        parts.append(text)
    return f"The paper predicts sites from networks alone. Here: {'; '.join(parts)}."
