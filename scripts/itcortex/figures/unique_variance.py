"""Variance that each of two networks explains beyond the other, and that both share, pair by pair."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import style
from itcortex.figures.names import wrap

#: Columns of the table, what they are called, and how they are drawn.
PARTS = {
    "unique": ("first network only", "#D55E00", "*", 10.0),
    "shared": ("both", style.GREY, "s", 5.6),
    "unique_other": ("second network only", "#0072B2", "o", 6.0),
}
_ROW, _LETTERS = 0.5, 24


@style.styled
def draw(table: pd.DataFrame) -> Figure:
    """A panel for every recording, a line for every pair: shares of variance with 95 % intervals.

    `table` is the table `unique_variance`.
    """
    recordings = list(dict.fromkeys(table["recording"].astype(str)))
    most = int(table.groupby("recording", observed=True).size().max())
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=size, label=label)
        for label, colour, marker, size in PARTS.values()
    ]
    figure, places = style.panel_grid(
        recordings, _ROW * most + 0.2, handles, columns=1, sides=(1.75, 0.2), foot=0.5
    )
    for (place, title), recording in zip(places, recordings, strict=True):
        rows = table[table["recording"].astype(str) == recording].reset_index(drop=True)
        axes = figure.add_subplot(place)
        axes.axvline(0, color=style.PALE, linewidth=0.8, zorder=0)
        for shift, (name, (_, colour, marker, size)) in zip(
            (-0.2, 0, 0.2), PARTS.items(), strict=True
        ):
            y = rows.index + shift
            axes.hlines(y, rows[f"{name}_low"], rows[f"{name}_high"], colour, linewidth=1.2)
            axes.plot(rows[name], y, linestyle="none", marker=marker, color=colour, markersize=size)
        names = [wrap(f"{r.model} {r.weights}\nand {r.other_model} {r.other_weights}", _LETTERS)
                 for r in rows.itertuples()]  # fmt: skip
        axes.set(yticks=rows.index, ylim=(len(rows) - 0.5, -0.5))
        axes.set_yticklabels(names)
        axes.set_xlabel("share of variance")
        style.head(axes, title)
    return figure
