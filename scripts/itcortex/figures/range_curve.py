"""Rank correlation of accuracy and score as networks of low accuracy are left out, a line a table.

Below every panel stands how many networks are left: a curve is worth as much as its networks.
"""

from collections import Counter
from collections.abc import Iterable

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.ticker import NullLocator

from itcortex.figures import style
from itcortex.tables.published import LINE, line_names

#: Regions in the order of a panel, each with its colour.
REGIONS = {
    "IT": "#0072B2",
    "OTC": "#0072B2",
    "attention": "#CC79A7",
    "behaviour": "#D55E00",
    "V4": "#009E73",
    "V2": "#E69F00",
    "V1": "#56B4E9",
}
SOURCES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222")
#: Tell lines of one colour apart; seaborn writes a solid line as ''.
DASHES = ("", (5, 1.5), (1.2, 1.2), (6, 1.5, 1.2, 1.5), (3, 1), (8, 2), (2, 2))
MOST_BANDS = 3  # lines of a panel whose bands are drawn, the first ones
BAND = {"alpha": 0.13, "linewidth": 0, "zorder": 2}
CUT, RHO, COUNT = "lowest top-1 kept (%)", "Spearman ρ", "networks"
MAIN = "IT"  # region of the small figure
PANEL = (1.78, 2.2)  # inches, both axes of a panel
TICKS = (10, 20, 50, 100, 200, 500, 1000)
COLUMNS = 3
SIDES, BETWEEN = (0.65, 0.15, 0.35, 1.7), (0.53, 2.0)  # inches: left, right, top, bottom; gaps


def rho_curves(curve: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rho over lower cuts, with a column `line` that names a line within its table.

    Subsets are lines of the region IT alone. Lines are in the order of `REGIONS`.
    """
    rows = curve[(curve["range"] == "cut") & (curve["statistic"] == "spearman")]
    rows = rows[(rows["subset"] == "all") | (rows["region"] == MAIN)]
    order = rows["region"].map(list(REGIONS).index)
    rows = rows.assign(order=order).sort_values(["source", "order"], kind="stable")
    return rows.assign(line=line_names(rows)).drop(columns="order")


def main_lines(rows: pd.DataFrame, sources: Iterable[str], region: str = MAIN) -> pd.DataFrame:
    """Of each of some tables the line of a region that has most networks, no subset."""
    rows = rows[(rows["region"] == region) & (rows["subset"] == "all")]
    rows = rows[rows["source"].isin(list(sources))]
    most = rows.groupby(LINE, observed=True, sort=False)["n_models"].max().reset_index()
    most = most.sort_values("n_models", ascending=False, kind="stable").drop_duplicates("source")
    return rows.merge(most[LINE], on=LINE)


@style.styled
def draw(curve: pd.DataFrame, labels: dict[str, str], sources: Iterable[str]) -> Figure:
    """The region IT in one panel, as wide as a column of print: a line a table.

    Parameters
    ----------
    curve : the range table.
    labels : titles of its sources.
    sources : those that are drawn, if the table has them, in this order.
    """
    rows = main_lines(rho_curves(curve), sources)
    lines = [name for name in sources if (rows["source"] == name).any()]
    figure = style.new_figure(3.5, 3.3 + style.LEGEND_LINE * len(lines))
    if not lines:
        axes = figure.add_subplot()
        style.message(axes, "no table has enough networks for a curve")
        return figure
    bottom = 0.55 + style.LEGEND_LINE * len(lines)
    height = figure.get_figheight()
    edges = {"left": 0.17, "right": 0.97, "top": 1 - 0.3 / height, "bottom": bottom / height}
    titles = [labels[name] for name in lines]
    looks = {title: (SOURCES[k % 7], DASHES[k % 7]) for k, title in enumerate(titles)}
    rows = rows.assign(line=rows["source"].map(labels))
    upper, _ = _panel(figure, GridSpec(1, 1, figure, **edges)[0], rows, looks)
    style.head(upper, "macaque inferotemporal cortex (IT)")
    figure.legend(*upper.get_legend_handles_labels(), loc="lower center", borderaxespad=0.3)
    return figure


@style.styled
def draw_tables(curve: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """One panel a table, with all of its lines.

    Parameters
    ----------
    curve : the range table.
    labels : titles of its sources, in the order of the panels.
    """
    rows = rho_curves(curve)
    sources = [name for name in labels if (rows["source"] == name).any()]
    figure, places = _places(len(sources))
    for source, place in zip(sources, places, strict=True):
        some = rows[rows["source"] == source]
        upper, lower = _panel(figure, place, some, _looks(some))
        style.head(upper, labels[source])
        lower.legend(
            *upper.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, -0.75),
            handlelength=3, labelspacing=0.25,
        )  # fmt: skip
        if not place.is_first_col():
            upper.set_ylabel("")
            lower.set_ylabel("")
    return figure


def _places(count: int) -> tuple[Figure, list[SubplotSpec]]:
    """A figure with room for panels of one size, and for a legend under each."""
    columns, rows = min(count, COLUMNS), -(-count // COLUMNS)
    left, right, top, bottom = SIDES
    width = left + right + columns * PANEL[0] + (columns - 1) * BETWEEN[0]
    height = top + bottom + rows * PANEL[1] + (rows - 1) * BETWEEN[1]
    figure = style.new_figure(width, height)
    grid = GridSpec(
        rows, columns, figure, left=left / width, right=1 - right / width, top=1 - top / height,
        bottom=bottom / height, wspace=BETWEEN[0] / PANEL[0], hspace=BETWEEN[1] / PANEL[1],
    )  # fmt: skip
    return figure, [grid[divmod(k, columns)] for k in range(count)]


def _looks(rows: pd.DataFrame) -> dict[str, tuple]:
    """Colour (of the region) and dashes (of the line within it) of every line of a table."""
    looks, count = {}, Counter()
    for line, region in rows[["line", "region"]].drop_duplicates().itertuples(index=False):
        looks[line] = REGIONS[region], DASHES[count[region] % len(DASHES)]
        count[region] += 1
    return looks


def _panel(
    figure: Figure, place: SubplotSpec, rows: pd.DataFrame, looks: dict[str, tuple]
) -> tuple[Axes, Axes]:
    """Curves with bands over the number of networks; both share the abscissa."""
    grid = place.subgridspec(2, 1, height_ratios=(3.2, 1), hspace=0.12)
    upper = figure.add_subplot(grid[0])
    lower = figure.add_subplot(grid[1], sharex=upper)
    colours = {line: colour for line, (colour, _) in looks.items()}
    dashes = {line: dash for line, (_, dash) in looks.items()}
    shared = {"data": rows, "x": "from", "hue": "line", "style": "line", "palette": colours,
              "hue_order": list(looks), "style_order": list(looks), "dashes": dashes,
              "errorbar": None, "estimator": None}  # fmt: skip
    upper.axhline(0, color=style.GREY, linewidth=0.8, zorder=1)
    sns.lineplot(y="value", ax=upper, zorder=3, **shared)
    sns.lineplot(y="n_models", ax=lower, legend=False, linewidth=1.1, **shared)
    for line in list(looks)[:MOST_BANDS]:
        some = rows[rows["line"] == line]
        upper.fill_between(some["from"], some["low"], some["high"], color=colours[line], **BAND)
    upper.set(ylim=(-1, 1), xlabel="", ylabel=RHO, xlim=_limits(rows))
    upper.tick_params(labelbottom=False)
    upper.get_legend().remove()
    lower.set(yscale="log", ylabel=COUNT, xlabel=CUT)
    lower.set_yticks(TICKS, [str(tick) for tick in TICKS])
    lower.yaxis.set_minor_locator(NullLocator())
    lower.set_ylim(rows["n_models"].min() / 1.3, rows["n_models"].max() * 1.3)
    return upper, lower


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    low, high = rows["from"].min(), rows["from"].max()
    room = 0.03 * max(high - low, 1)
    return low - room, high + room
