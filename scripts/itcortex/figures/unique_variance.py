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
_ROW, _LETTERS = 0.5, 30
_LINE = 0.125  # inches of a line of a pair's names


@style.styled
def draw(table: pd.DataFrame) -> Figure:
    """A panel for every recording, a line for every pair: shares of variance with 95 % intervals.

    `table` is the table `unique_variance`.
    """
    recordings = list(dict.fromkeys(table["recording"].astype(str)))
    names = {row[0]: _pair(row) for row in table.itertuples()}
    most = int(table.groupby("recording", observed=True).size().max())
    tall = max(_ROW, _LINE * (1.5 + max(name.count("\n") + 1 for name in names.values())))
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=size, label=label)
        for label, colour, marker, size in PARTS.values()
    ]
    figure, places = style.panel_grid(
        recordings, tall * most + 0.2, handles, columns=1, sides=(2.0, 0.2), foot=0.5
    )
    for (place, title), recording in zip(places, recordings, strict=True):
        rows = table[table["recording"].astype(str) == recording]
        labels = [names[index] for index in rows.index]
        rows = rows.reset_index(drop=True)
        axes = figure.add_subplot(place)
        axes.axvline(0, color=style.PALE, linewidth=0.8, zorder=0)
        for shift, (name, (_, colour, marker, size)) in zip(
            (-0.2, 0, 0.2), PARTS.items(), strict=True
        ):
            y = rows.index + shift
            axes.hlines(y, rows[f"{name}_low"], rows[f"{name}_high"], colour, linewidth=1.2)
            axes.plot(rows[name], y, linestyle="none", marker=marker, color=colour, markersize=size)
        axes.set(yticks=rows.index, ylim=(len(rows) - 0.5, -0.5))
        axes.set_yticklabels(labels)
        axes.set_xlabel("share of variance")
        style.head(axes, title)
    return figure


def _pair(row) -> str:
    """Names of both networks in lines; a model's name stands once where it is that of both."""
    first, second = f"{row.model} {row.weights}", f"{row.other_model} {row.other_weights}"
    if row.model == row.other_model:
        lines = [row.model, row.weights, f"and {row.other_weights}"]
    else:
        lines = [first, f"and {second}"]
    return "\n".join(wrap(line, _LETTERS) for line in lines)
