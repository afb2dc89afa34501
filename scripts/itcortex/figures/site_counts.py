"""Curves over a number of sites: of those that predict, and of those that are predicted."""

from collections.abc import Collection

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from itcortex.figures import accuracy, style
from itcortex.figures.names import shorten
from itcortex.tables import panels

_COLOURS = [
    look.colour for name, look in style.CATEGORIES.items() if name not in ("own", "untrained")
]
_LETTERS = 40  # of a name in the legend


@style.styled
def draw(counts: pd.DataFrame, simulated: Collection[str] = ()) -> Figure:
    """A panel for each recording, a curve for each other one; `counts` is the table site_counts.

    `simulated` are names of recordings that are called so.
    """
    curves = counts.rename(columns={"sources": "curve", "n_source_sites": "sites"})
    nothing = "No recording predicts another here: see the table recording_pairs."
    return _curves(curves, "sites that predict", nothing, simulated)


@style.styled
def draw_networks(
    counts: pd.DataFrame, models: list[str], simulated: Collection[str] = ()
) -> Figure:
    """A panel for each recording, a curve for each network of `models` ("model weights").

    `counts` is the table network_site_counts; `simulated` are names of recordings that are called so.
    """
    name = counts["model"].astype(str) + " " + counts["weights"].astype(str)
    shown = counts[name.isin(models)].rename(columns={"n_sites": "sites"})
    shown = shown.assign(curve=panels.model_names(shown))
    nothing = "None of the networks that are shown was scored: see figures: models."
    return _curves(shown, "sites that are predicted", nothing, simulated)


def _curves(
    curves: pd.DataFrame, abscissa: str, nothing: str, simulated: Collection[str]
) -> Figure:
    """A panel for each recording; columns recording, mapping, curve, sites, r, r_lowest, r_highest."""
    several = curves["mapping"].nunique() > 1 or curves["protocol"].nunique() > 1
    keys = ["recording", "mapping", "protocol"] if several else ["recording"]
    parts = {
        panels.marked(", ".join(map(str, key)), str(key[0]) in simulated): part
        for key, part in curves.groupby(keys, observed=True, sort=False)
    }
    if not parts:
        figure = style.new_figure(style.PAGE, 1.0)
        style.message(figure.add_subplot(), nothing)
        return figure
    names = list(dict.fromkeys(curves["curve"].astype(str)))
    colours = dict(zip(names, _COLOURS * len(names), strict=False))
    handles = [
        Line2D([], [], color=colour, label=shorten(name, _LETTERS))
        for name, colour in colours.items()
    ]
    figure, places = style.panel_grid(list(parts), 2.2, handles)
    ylim = accuracy.ordinate(curves[["r_lowest", "r_highest"]].to_numpy(float).ravel(), 0.07)
    for (place, title), rows in zip(places, parts.values(), strict=True):
        axes = figure.add_subplot(place)
        _panel(axes, rows, colours)
        axes.set(ylim=ylim, xlabel=abscissa)
        style.head(axes, title)
        style.label_ordinate(axes, place, style.SCORES["r"])
    return figure


def _panel(axes, rows: pd.DataFrame, colours: dict[str, str]) -> None:
    """The curves of one recording, with the range of their draws."""
    sns.lineplot(
        rows, x="sites", y="r", hue="curve", palette=colours, marker="o", markersize=4,
        errorbar=None, legend=False, ax=axes,
    )  # fmt: skip
    for name, curve in rows.sort_values("sites").groupby("curve", observed=True):
        axes.fill_between(
            curve["sites"], curve["r_lowest"], curve["r_highest"],
            color=colours[str(name)], alpha=0.15, linewidth=0,
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
