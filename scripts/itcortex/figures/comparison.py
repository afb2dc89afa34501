"""Our scores against published ones of the same networks, with the range in which ours were expected."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from itcortex.figures import style
from itcortex.figures.names import shorten
from itcortex.tables.comparison import LINES
from itcortex.tables.numbers import number

MOST = 12  # panels: the pairs of lines that share most networks
WIDEST = 27  # characters of a line above a panel
INSIDE, OUTSIDE, UNKNOWN = "#0072B2", "#D55E00", style.GREY
NAMES = {INSIDE: "inside what was expected", OUTSIDE: "outside", UNKNOWN: "too few to say"}
BAR = {"color": "#C8C8C8", "linewidth": 2.5, "alpha": 0.7, "zorder": 1}


@style.styled
def draw(pairs: pd.DataFrame, comparison: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """One panel a pair of lines, those with most networks first.

    Parameters
    ----------
    pairs, comparison : tables of `itcortex.tables.comparison`.
    labels : titles of the published tables.
    """
    shown = comparison.sort_values("n_models", ascending=False, kind="stable").head(MOST)
    point = {"marker": "o", "linestyle": "", "markersize": 5}
    handles = [Line2D([], [], color=c, label=text, **point) for c, text in NAMES.items()]
    handles += [Line2D([], [], label="95 % interval of what was expected", **BAR)]
    if shown.empty:
        figure = style.new_figure(3.5, 1.5)
        style.message(figure.add_subplot(), "no network of ours is in a published table")
        return figure
    lines = shown.to_dict("records")
    titles = [shorten(line["our_benchmark"], WIDEST) for line in lines]
    figure, places = style.panel_grid(titles, 1.6, handles, notes=3, between=0.62)
    rows = pairs.merge(shown[LINES])
    for (place, title), line in zip(places, lines, strict=True):
        keys = [line[name] for name in LINES]
        axes = figure.add_subplot(place)
        _panel(axes, rows[(rows[LINES] == keys).all(axis=1)], line)
        theirs = f"{labels.get(line['source'], line['source'])}: {line['benchmark']}"
        style.head(axes, title, shorten(theirs, WIDEST), *_ranks(line))
    return figure


def _ranks(line: dict) -> tuple[str, str]:
    """Rank correlation and number of networks, and how many are where they were expected."""
    rank = f"ρ = {number(line['spearman'])}, " if pd.notna(line["spearman"]) else ""
    inside = f"{line['n_inside']} of {line['n_expected']} inside" if line["n_expected"] else ""
    return f"{rank}{line['n_models']} networks", inside


def _panel(axes: Axes, some: pd.DataFrame, line: dict) -> None:
    """Scatter with the expected range of every network."""
    named = line["matched_by"] == "name"
    x = "published_score" if named else "accuracy"
    inside = some["inside"].map({True: INSIDE, False: OUTSIDE}).fillna(UNKNOWN)
    axes.vlines(some[x], some["expected_low"], some["expected_high"], **BAR)
    sns.scatterplot(
        some.assign(look=inside), x=x, y="ours_score", hue="look", palette={c: c for c in NAMES},
        s=20 if len(some) < 30 else 9, linewidth=0.3, legend=False, ax=axes, zorder=3,
    )  # fmt: skip
    axes.set_xlabel("published score" if named else "ImageNet top-1 (%)", fontsize=8)
    axes.set_ylabel("our score", fontsize=8)
