"""The one look of all figures: a seaborn theme, colours and markers of categories, panels, saving.

Colours are those of Okabe & Ito (2008), and two darker ones, which colour-blind readers can tell apart;
every category has a marker of its own as well. Figures are sized in inches as printed, fonts are at
least 8 pt.
"""

import functools
import re
import textwrap
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

COLUMN, PAGE = 3.5, 7.2  # inches: a column of print, and a page with two of them
LEGEND_LINE = 0.2  # inches
LETTER, BOLD = 0.062, 0.081  # inches: a letter of 8 pt, and of a panel's title


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
    "harmonized": Category("harmonized (human maps)", "#D55E00", "*", 10.0),
    "own": Category("your own", "#000000", "P", 6.6),
    "untrained": Category("untrained", "#5A5A5A", "X", 6.6),
}
#: Networks that were harmonized with other maps than people's, by the condition of their training.
CONTROLS = {
    "of_others": Category("maps of other photographs (control)", "#6B4E16", "<", 6.6),
    "mean": Category("the mean map (control)", "#7A0177", ">", 6.6),
}
LOOKS = CATEGORIES | CONTROLS
#: For seaborn, by category.
COLOURS = {name: look.colour for name, look in LOOKS.items()}
MARKERS = {name: look.marker for name, look in LOOKS.items()}
INK, GREY, PALE = "#222222", "#666666", "#D5D5D5"
CEILING = {"color": GREY, "linewidth": 1.0, "linestyle": (0, (4, 2))}
SCORES = {
    "r": "predictivity (Pearson r)",
    "r_within_kinds": "predictivity within kinds (r)",
    "r_over_ceiling": "predictivity (r / ceiling)",
    "rho": "predictivity (Spearman ρ)",
    "explained_variance": "explained variance",
}
#: What is our own beside seaborn's style `ticks` in its context `paper`.
LOOK = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 9,
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
    "legend.columnspacing": 1.2,
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
    if name not in LOOKS:
        raise UserError(f"category {name!r} has no look; {nearest(name, list(CATEGORIES))}")
    return LOOKS[name]


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


def legend_columns(handles: list, width: float) -> int:
    """How many entries of a legend stand side by side in `width` (inches)."""
    widest = max((len(handle.get_label()) for handle in handles), default=0)
    return max(1, min(len(handles), int((width - 0.1) / (0.58 + LETTER * widest))))


def panel_grid(
    titles: list[str],
    height: float,
    handles: list,
    *,
    columns: int = 3,
    notes: int = 0,
    sides: tuple[float, float] = (0.72, 0.17),
    between: float = 0.3,
    foot: float = 0.48,
    heading: str = "",
) -> tuple[Figure, list[tuple[SubplotSpec, str]]]:
    """A figure as wide as a page (a single panel: as a column of print) over one legend; inches.

    Parameters
    ----------
    titles : one for each panel; they come back in lines that fit.
    height : of a panel.
    handles : entries of the legend; none, no legend.
    columns : most panels side by side.
    notes : smaller lines that will stand under every title.
    heading : what all panels are about, above them.
    sides, between, foot : room at the left and right, between columns, and below each panel for its
        abscissa.

    Returns
    -------
    The figure, and of every panel its place and its title.
    """
    columns = min(len(titles), columns)
    rows, width = -(-len(titles) // columns), COLUMN if len(titles) == 1 else PAGE
    panel = (width - sum(sides) - (columns - 1) * between) / columns
    fitting = [textwrap.fill(title, int(panel / BOLD), break_on_hyphens=False) for title in titles]
    head = 0.14 + 0.17 * (1 + max(title.count("\n") for title in fitting)) + 0.155 * notes
    side_by_side = legend_columns(handles, width)
    legend = LEGEND_LINE * -(-len(handles) // side_by_side) + 0.1 * bool(handles)
    above = 0.3 * bool(heading)
    total = above + rows * (head + height + foot) + legend
    figure = new_figure(width, total)
    write_at(figure, sides[0], 0.12, heading, va="top", fontsize=10, fontweight="bold")
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=side_by_side, borderaxespad=0.4)
    grid = GridSpec(
        rows, columns, figure=figure, left=sides[0] / width, right=1 - sides[1] / width,
        top=1 - (above + head) / total, bottom=(foot + legend) / total,
        wspace=between / panel, hspace=(foot + head) / height,
    )  # fmt: skip
    places = [grid[k // columns, k % columns] for k in range(len(titles))]
    return figure, list(zip(places, fitting, strict=True))


def head(axes: Axes, title: str, *notes: str) -> None:
    """Title of a panel, with smaller lines under it."""
    axes.set_title(title, loc="left", fontweight="bold", pad=6 + 11.5 * len(notes))
    axes.annotate(
        "\n".join(notes), (0, 1), (0, 4), va="bottom", fontsize=8, color=GREY, linespacing=1.25,
        xycoords="axes fraction", textcoords="offset points",
    )  # fmt: skip


def label_ordinate(axes: Axes, place: SubplotSpec, text: str) -> None:
    """Name a shared ordinate once a row: on its first panel, which alone shows the numbers."""
    if place.is_first_col():
        axes.set_ylabel(text)
    else:
        axes.set_ylabel("")
        axes.tick_params(labelleft=False)


def draw_ceiling(axes: Axes, ceiling: pd.Series) -> None:
    """A dashed line at a recording's noise ceiling, where it has one."""
    for value in ceiling.dropna().unique()[:1]:
        axes.axhline(value, zorder=1, **CEILING)


def message(axes: Axes, text: str) -> None:
    """Say in the middle of an empty panel why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)


def say_if_empty(axes: Axes, values: pd.Series, text: str) -> None:
    """Say in a panel why it has no points, where `values` holds no number."""
    if values.dropna().empty:
        axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)


def save(
    figure: Figure,
    pdf: str | Path,
    png: str | Path,
    rst: str | Path | None,
    title: str,
    *caption: str,
) -> None:
    """Write a figure as PDF and as PNG (200 dpi), without a date: same figure, same bytes.

    Title and caption go into both files, where readers of PDF and the report find them, and into `rst`
    (None, no such file) as the text that Snakemake's report shows.
    """
    text = " ".join(part for part in caption if part)
    with mpl.rc_context(THEME):
        with atomic_path(pdf) as path:
            about = {"Title": title, "Subject": text, "CreationDate": None, "ModDate": None}
            figure.savefig(path, format="pdf", metadata=about)
        with atomic_path(png) as path:
            about = {"Title": title, "Description": text, "Software": None}
            figure.savefig(path, format="png", dpi=200, metadata=about)
    if rst is None:
        return
    with atomic_path(rst) as path:
        path.write_text(f"**{_plain(title)}.** {_plain(text)}\n", encoding="utf-8")


def _plain(text: str) -> str:
    """A text in which reStructuredText finds no markup."""
    return re.sub(r"([*`|_\\])", r"\\\1", text)
