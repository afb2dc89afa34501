"""The one look of all figures: a seaborn theme, colours and markers of categories, panels, saving.

Colours are those of Okabe & Ito (2008), which colour-blind readers can tell apart; every category
has a marker of its own as well. Figures are sized in inches as printed, fonts are at least 8 pt.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec

from itcortex.errors import UserError, nearest
from itcortex.files import atomic_path

LEGEND_COLUMN, LEGEND_LINE = 1.85, 0.21  # inches


@dataclass(frozen=True)
class Category:
    """How one category of models is named and drawn."""

    label: str
    colour: str
    marker: str
    size: float = 6.0  # pt; evens out the markers' areas


CATEGORIES = {
    "cnn": Category("CNN", "#0072B2", "o"),
    "extra_data": Category("trained on extra data", "#E69F00", "s", 5.6),
    "vit": Category("transformer", "#009E73", "^", 6.6),
    "self_supervised": Category("self-supervised", "#CC79A7", "D", 5.2),
    "robust": Category("adversarially robust", "#56B4E9", "v", 6.6),
    "harmonized": Category("harmonized", "#D55E00", "*", 10.0),
    "own": Category("your own", "#000000", "P", 6.6),
    "untrained": Category("untrained", "#5A5A5A", "X", 6.6),
}
INK, GREY, PALE = "#222222", "#666666", "#D5D5D5"
CEILING = {"color": GREY, "linewidth": 1.0, "linestyle": (0, (4, 2))}
SCORES = {
    "r": "predictivity (Pearson r)",
    "r_within_kinds": "predictivity within kinds of image (Pearson r)",
    "r_over_ceiling": "predictivity (r / noise ceiling)",
    "rho": "predictivity (Spearman ρ)",
    "explained_variance": "explained variance",
}
#: What is our own beside seaborn's style `ticks` in its context `paper`.
LOOK = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": "line",
    "axes.prop_cycle": mpl.cycler(color=[look.colour for look in CATEGORIES.values()]),
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.minor.size": 2.0,
    "ytick.minor.size": 2.0,
    "xtick.minor.width": 0.6,
    "ytick.minor.width": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 6,
    "lines.solid_capstyle": "projecting",
    "patch.force_edgecolor": False,
    "image.cmap": "viridis",
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.handletextpad": 0.5,
    "pdf.fonttype": 42,  # text stays text
    "svg.hashsalt": "itcortex",
    "text.parse_math": False,  # a $ in a name is a $
}
THEME = {
    **mpl.rcParamsDefault,
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    **LOOK,
    "backend": "agg",
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Run a drawing function under `THEME`, leaving matplotlib's settings as they were."""

    @functools.wraps(draw)
    def under_theme(*args, **kwargs) -> Figure:
        with mpl.rc_context(THEME):
            return draw(*args, **kwargs)

    return under_theme


def category(name: str) -> Category:
    """Look of a category; an unknown one is an error that names the nearest."""
    if name not in CATEGORIES:
        raise UserError(f"category {name!r} has no look; {nearest(name, list(CATEGORIES))}")
    return CATEGORIES[name]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` inches, with a canvas that can measure text."""
    figure = Figure(figsize=(width, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes whose upper left corner is at (left, top) inches from the figure's."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def write_at(figure: Figure, left: float, top: float, text: str, **options) -> None:
    """Write a text of 8 pt (or as `options` say) at (left, top) inches from the upper left corner."""
    w, h = figure.get_size_inches()
    figure.text(left / w, 1 - top / h, text, **{"fontsize": 8, **options})


def panel_grid(
    count: int,
    panel: tuple[float, float],
    margins: tuple[float, float, float],
    handles: list,
    between: tuple[float, float] = (0.3, 1.1),
) -> tuple[Figure, list[SubplotSpec]]:
    """A figure with `count` equal panels, at most three in a row, over one legend; inches.

    Parameters
    ----------
    panel : width and height of one panel.
    margins : left, right, top; that at the bottom follows from the legend.
    handles : entries of the legend; none, no legend.
    between : gaps between columns and between rows.
    """
    columns, rows = min(count, 3), -(-count // 3)
    left, right, top = margins
    width = left + right + columns * panel[0] + (columns - 1) * between[0]
    legend_columns = max(1, min(len(handles), int((width - 0.2) / LEGEND_COLUMN)))
    bottom = 0.65 + LEGEND_LINE * -(-len(handles) // legend_columns)
    height = top + bottom + rows * panel[1] + (rows - 1) * between[1]
    figure = new_figure(width, height)
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=legend_columns, borderaxespad=0.5)
    grid = GridSpec(
        rows, columns, figure=figure, left=left / width, right=1 - right / width,
        top=1 - top / height, bottom=bottom / height,
        wspace=between[0] / panel[0], hspace=between[1] / panel[1],
    )  # fmt: skip
    return figure, [grid[k // columns, k % columns] for k in range(count)]


def label_ordinate(axes: Axes, place: SubplotSpec, text: str) -> None:
    """Name a shared ordinate once a row: on its first panel, which alone shows the numbers."""
    if place.is_first_col():
        axes.set_ylabel(text)
    else:
        axes.tick_params(labelleft=False)


def draw_ceiling(axes: Axes, ceiling: pd.Series) -> None:
    """A dashed line at a recording's noise ceiling, where it has one."""
    for value in ceiling.dropna().unique()[:1]:
        axes.axhline(value, zorder=1, **CEILING)


def message(axes: Axes, text: str) -> None:
    """Say in the middle of an empty panel why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)


def save(
    figure: Figure, pdf: str | Path, png: str | Path, title: str = "", caption: str = ""
) -> None:
    """Write a figure as PDF and as PNG (200 dpi), without a date: same figure, same bytes.

    Title and caption go into both files, where readers of PDF and the report find them.
    """
    in_pdf = {"Title": title, "Subject": caption} if title else {}
    in_png = {"Title": title, "Description": caption} if title else {}
    with mpl.rc_context(THEME):
        with atomic_path(pdf) as path:
            no_date = {"CreationDate": None, "ModDate": None}
            figure.savefig(path, format="pdf", metadata=in_pdf | no_date)
        with atomic_path(png) as path:
            figure.savefig(path, format="png", dpi=200, metadata=in_png | {"Software": None})
