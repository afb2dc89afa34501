"""Published scores against ImageNet accuracy: every table, and two of them on their own.

Two lines in every panel: least squares over all networks, and over those above a cut of accuracy. Where
they cross, the trend among the best is another than that of all.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import style
from itcortex.figures.range_curve import REGIONS
from itcortex.numerics import weighted
from itcortex.tables.numbers import number
from itcortex.tables.published import LINE, in_trend, line_names
from itcortex.tables.statistics import frontier

BELOW, ABOVE = "#9A9A9A", "#0072B2"
LINE_ALL, LINE_BEST = "#222222", "#D55E00"
FRONTIER = {
    "color": "#C8C8C8",
    "linewidth": 7,
    "alpha": 0.6,
    "solid_joinstyle": "round",
    "zorder": 1,
}
TOP1 = "ImageNet top-1 (%)"
#: Ordinate by metric, and by region where that says more.
ORDINATES = {
    "pls": "predictivity (PLS)",
    "pls_over_ceiling": "predictivity (r / ceiling)",
    "i2n": "consistency of errors (i2n)",
    "crsa": "classical RSA",
    "wrsa": "voxel-encoding RSA",
    "srpr": "encoding of voxels",
    "spearman_over_ceiling": "human alignment (ρ / ceiling)",
}
LEFT_OUT = ("V1", "V2")  # regions without a panel
OTHER, FEW = "other", 3  # kinds with fewer networks than that are others
MOST = 5  # families that have colours
LOOKS = [style.Category("", colour, marker) for colour, marker in zip(
    ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"), "o^sDv", strict=True)]  # fmt: skip


@style.styled
def draw_tables(scores: pd.DataFrame, labels: dict[str, str], cut: float) -> Figure:
    """One panel a table, region and benchmark (V1 and V2 have none).

    Parameters
    ----------
    scores : published scores in their layout.
    labels : titles of the sources, in the order of the panels.
    cut : accuracy (%) from which on networks are the best.
    """
    rows = in_trend(scores).assign(subset="all")
    rows = rows[~rows["region"].isin(LEFT_OUT)]
    rows = rows.assign(line=line_names(rows))
    panels = [panel for source in labels for panel in _panels_of(rows, source)]
    titles = [f"{labels[panel.source.iloc[0]]}: {panel.line.iloc[0]}" for panel in panels]
    figure, places = style.panel_grid(titles, 1.35, _handles(cut), notes=2, between=0.66)
    for panel, (place, title) in zip(panels, places, strict=True):
        axes = figure.add_subplot(place)
        _scatter(axes, panel, cut)
        style.head(axes, title, *_rhos(panel, cut))
        metric = panel.metric.iloc[0]
        axes.set_ylabel(ORDINATES.get(metric, metric), fontsize=8)
        axes.set_xlabel(TOP1, fontsize=8)
    return figure


def _panels_of(rows: pd.DataFrame, source: str) -> list[pd.DataFrame]:
    """Rows of every line of one table, regions in order."""
    grouped = rows[rows["source"] == source].groupby(LINE, sort=False, observed=True)
    return sorted(
        (some for _, some in grouped), key=lambda one: list(REGIONS).index(one.iloc[0].region)
    )


def _scatter(axes: Axes, rows: pd.DataFrame, cut: float) -> None:
    """Points in two colours, and a least-squares line over all and over the best."""
    best = rows["accuracy"] >= cut
    sns.scatterplot(
        x=rows["accuracy"], y=rows["score"], hue=best, hue_order=[False, True],
        palette={False: BELOW, True: ABOVE}, s=9, linewidth=0, alpha=0.65, legend=False, ax=axes,
    )  # fmt: skip
    _lines(axes, rows, cut)


def _rho(rows: pd.DataFrame) -> float:
    x, y = rows["accuracy"].to_numpy(float), rows["score"].to_numpy(float)
    return float(weighted.spearman(x, y, np.ones((len(x), 1)))[0]) if len(x) else np.nan


def _rhos(rows: pd.DataFrame, cut: float) -> tuple[str, str]:
    """Rank correlations of all networks and of the best, with their numbers, in two lines."""
    best = rows[rows["accuracy"] >= cut]
    above = f"ρ = {number(_rho(best))}" if len(best) > 2 else "no ρ"
    return f"ρ = {number(_rho(rows))}, n = {len(rows)}", f"from {cut:g} %: {above}, n = {len(best)}"


def _handles(cut: float) -> list[Line2D]:
    point = {"marker": "o", "linestyle": "", "markersize": 4}
    return [
        Line2D([], [], color=BELOW, label=f"below {cut:g} %", **point),
        Line2D([], [], color=ABOVE, label=f"{cut:g} % and above", **point),
        Line2D([], [], color=LINE_ALL, label="line of all networks"),
        Line2D([], [], color=LINE_BEST, label=f"line of those above {cut:g} %"),
    ]


@style.styled
def draw_one(
    scores: pd.DataFrame, label: str, line: dict[str, str], cut: float, hull: bool = False
) -> Figure:
    """One line of a table as wide as a column of print, networks in the colours of their kinds.

    Parameters
    ----------
    scores : published scores in their layout; label : title of the source.
    line : source and what else chooses its rows (region, benchmark).
    cut : accuracy (%) from which on networks are the best.
    hull : draw the convex upper frontier, as the paper's first figure does.
    """
    rows = in_trend(scores)
    for column, value in line.items():
        rows = rows[rows[column] == value]
    rows = rows.assign(kind=kinds(rows))
    names = list(dict.fromkeys(sorted(rows["kind"], key=lambda one: (one == OTHER, one))))
    figure = style.new_figure(3.5, 3.35 + style.LEGEND_LINE * -(-len(names) // 3))
    height = figure.get_figheight()
    bottom = 0.62 + style.LEGEND_LINE * -(-(len(names) + 2 + hull) // 3)
    axes = figure.add_axes([0.17, bottom / height, 0.8, 1 - (bottom + 0.62) / height])
    if rows.empty:
        style.message(axes, "the table has no such scores")
        return figure
    if hull:
        axes.plot(*frontier(rows["accuracy"].to_numpy(), rows["score"].to_numpy()).T, **FRONTIER)
    looks = _looks(names)
    sns.scatterplot(
        rows, x="accuracy", y="score", hue="kind", style="kind", hue_order=names, style_order=names,
        palette={name: look.colour for name, look in looks.items()},
        markers={name: look.marker for name, look in looks.items()},
        s=22, linewidth=0.3, alpha=0.8, ax=axes, zorder=3,
    )  # fmt: skip
    _lines(axes, rows, cut)
    style.head(axes, label, *_rhos(rows, cut))
    axes.set(xlabel=TOP1, ylabel=ORDINATES.get(rows["metric"].iloc[0], rows["metric"].iloc[0]))
    handles, texts = axes.get_legend_handles_labels()
    axes.get_legend().remove()
    handles += _handles(cut)[2:]
    texts = [looks[name].label or name for name in texts] + ["all", f"above {cut:g} %"]
    if hull:
        handles.append(Line2D([], [], **FRONTIER | {"linewidth": 5, "solid_capstyle": "butt"}))
        texts.append("upper frontier")
    figure.legend(handles, texts, loc="lower center", ncols=3, borderaxespad=0.3, columnspacing=1.2)
    return figure


def _lines(axes: Axes, rows: pd.DataFrame, cut: float) -> None:
    """Least-squares lines over all networks and over the best."""
    for some, colour in ((rows, LINE_ALL), (rows[rows["accuracy"] >= cut], LINE_BEST)):
        if some["accuracy"].nunique() > 2:
            sns.regplot(
                x=some["accuracy"], y=some["score"], scatter=False, ci=None, truncate=True,
                color=colour, line_kws={"linewidth": 1.8, "zorder": 4}, ax=axes,
            )  # fmt: skip


def _looks(names: list[str]) -> dict[str, style.Category]:
    """Look of every kind: that of a category, of one family after the other, or of the others."""
    families = [name for name in names if name not in style.CATEGORIES and name != OTHER]
    looks = dict(zip(families, LOOKS, strict=False))
    return {
        name: style.CATEGORIES.get(name, looks.get(name, style.Category("", style.GREY, "X")))
        for name in names
    }


def kinds(rows: pd.DataFrame) -> pd.Series:
    """Kind of every network: its category in the table; without categories its family, if large."""
    known = (rows["category"] != "").any()
    names = rows["category"] if known else rows["family"]
    count = names.value_counts(sort=True)
    shown = [
        name
        for name in count.index[count >= FEW]
        if name and (name in style.CATEGORIES or not known)
    ]
    return names.where(names.isin(shown if known else shown[:MOST]), OTHER)
