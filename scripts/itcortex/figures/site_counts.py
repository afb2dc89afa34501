"""Curves of what other recordings predict, over the number of their sites."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from itcortex.figures import accuracy, style

_COLOURS = [
    look.colour for name, look in style.CATEGORIES.items() if name not in ("own", "untrained")
]


@style.styled
def draw(counts: pd.DataFrame) -> Figure:
    """A panel for each recording, a curve for each other one; `counts` is the table site_counts."""
    recordings = list(dict.fromkeys(counts["recording"].astype(str)))
    if not recordings:
        figure = style.new_figure(style.PAGE, 1.0)
        text = "No recording predicts another here: see the table recording_pairs."
        style.message(figure.add_subplot(), text)
        return figure
    sources = list(dict.fromkeys(counts["sources"].astype(str)))
    colours = dict(zip(sources, _COLOURS * len(sources), strict=False))
    handles = [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    figure, places = style.panel_grid(recordings, 2.2, handles)
    ylim = accuracy.ordinate(counts[["r_lowest", "r_highest"]].to_numpy(float).ravel(), 0.07)
    for (place, title), recording in zip(places, recordings, strict=True):
        axes = figure.add_subplot(place)
        rows = counts[counts["recording"].astype(str) == recording]
        sns.lineplot(
            rows, x="n_source_sites", y="r", hue="sources", palette=colours, marker="o",
            markersize=4, legend=False, ax=axes,
        )  # fmt: skip
        for name, curve in rows.sort_values("n_source_sites").groupby("sources", observed=True):
            axes.fill_between(
                curve["n_source_sites"], curve["r_lowest"], curve["r_highest"],
                color=colours[name], alpha=0.15, linewidth=0,
            )  # fmt: skip
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(ylim=ylim, xlabel="sites that predict")
        style.head(axes, title)
        style.label_ordinate(axes, place, style.SCORES["r"])
    return figure
