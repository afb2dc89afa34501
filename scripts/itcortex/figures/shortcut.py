"""What networks read of digits with a shortcut, over the strength of the harmonization, and examples.

Maps are drawn as ranks over pixels, because ranks are all that their score sees; a white line goes
around the object.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D

from itcortex.attention import unit_ranks
from itcortex.errors import UserError
from itcortex.figures import style

GAP, APART, HEAD, NOTE = 0.07, 0.13, 0.62, 0.42  # inches: between images and groups, above, below
LARGEST = 1.3  # an image, inches
PANEL, BETWEEN = (2.0, 1.75), (0.62, 1.28)
LEFT, RIGHT, TOP, FOOT = 0.62, 0.12, 0.34, 0.98
KINDS = {"gradient": "gradient", "occlusion": "covering"}
RED, BLUE, GREEN = "#D55E00", "#0072B2", "#009E73"
#: Panels: ordinate, and what is drawn: column, label, colour, marker.
PANELS = {
    "share of test images": (
        ("accuracy_intact", "correct, shortcut intact", style.GREY, "o"),
        ("accuracy_broken", "correct, shortcut broken", RED, "s"),
        ("shortcut_answers", "broken: shortcut's class", BLUE, "v"),
    ),
    "agreement with object (ρ)": (
        ("alignment_gradient", "gradient", BLUE, "o"),
        ("alignment_occlusion", "covering", RED, "s"),
    ),
    "predictivity (r / ceiling)": (
        ("r_over_ceiling", "SIMULATED sites", GREEN, "D"),
    ),
}  # fmt: skip
CHANCE = 0.1


@dataclass(frozen=True)
class Examples:
    """Maps of one network on a few test images.

    Attributes
    ----------
    title : of the network.
    images : uint8 (image, row, column, rgb); human : (image, row, column), where the object is.
    maps : {"gradient", "occlusion": (image, row, column)}.
    """

    title: str
    images: np.ndarray
    human: np.ndarray
    maps: dict[str, np.ndarray]

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray], attributes: dict) -> "Examples":
        """What rule score_shortcut kept."""
        strength = attributes["strength"]
        title = f"harmonized, strength {strength:g}" if strength > 0 else "baseline"
        return cls(title, arrays["images"], arrays["human"], {kind: arrays[kind] for kind in KINDS})


@dataclass(frozen=True)
class _Gallery:
    """Images and maps in columns: where they lie, in inches from the figure's upper left corner."""

    figure: Figure
    side: float

    def left(self, column: int) -> float:
        """Left edge of a column; image and object, then the maps of one network after another."""
        groups = (column > 1) + max(0, column - 2) // len(KINDS)
        return LEFT + column * (self.side + GAP) + groups * APART

    def axes(self, column: int, row: int) -> Axes:
        w, h = self.figure.get_size_inches()
        bottom = HEAD + row * (self.side + GAP) + self.side
        place = (self.left(column) / w, 1 - bottom / h, self.side / w, self.side / h)
        axes = self.figure.add_axes(place)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        return axes

    def write(self, left: float, top: float, text: str, **options) -> None:
        w, h = self.figure.get_size_inches()
        self.figure.text(left / w, 1 - top / h, text, **options)

    def bracket(self, first: int, text: str) -> None:
        """A line over the maps of one network, with its name."""
        w, h = self.figure.get_size_inches()
        ends = self.left(first) + 0.03, self.left(first + len(KINDS) - 1) + self.side - 0.03
        line = Line2D([x / w for x in ends], [1 - 0.34 / h] * 2, color=style.GREY, linewidth=0.8)
        self.figure.add_artist(line)
        self.write(sum(ends) / 2, 0.29, text, ha="center", va="bottom", fontsize=9)


@style.styled
def draw(table: pd.DataFrame, examples: list[Examples], n_images: int) -> Figure:
    """Above: images, where the object is, and maps of some networks. Below: measures over strength.

    One row of panels a recording and model; a point is a network, the line goes through the means
    over seeds. `table` is that of rule collect_shortcut.
    """
    if table.empty:
        raise UserError("the table of the digits study has no rows: there is nothing to draw")
    groups = list(table.groupby(["recording", "model"], sort=False))
    count = min([n_images, *(len(one.images) for one in examples)]) if examples else 0
    span = len(PANELS) * PANEL[0] + (len(PANELS) - 1) * BETWEEN[0]
    columns = 2 + len(KINDS) * len(examples)
    side = min(LARGEST, (span - len(examples) * APART - (columns - 1) * GAP) / columns)
    top = HEAD + count * (side + GAP) + NOTE if count else 0.0
    panels = TOP + len(groups) * PANEL[1] + (len(groups) - 1) * BETWEEN[1] + FOOT
    figure = style.new_figure(LEFT + span + RIGHT, top + panels)
    if count:
        _draw_examples(_Gallery(figure, side), examples, count)
    _draw_panels(figure, groups, top)
    return figure


# --- examples -------------------------------------------------------------------------------------


def _draw_examples(gallery: _Gallery, examples: list[Examples], count: int) -> None:
    first = examples[0]
    columns = [("“human” map", first, first.human)]
    for one in examples:
        gallery.bracket(1 + len(columns), one.title)
        columns += [(label, one, one.maps[kind]) for kind, label in KINDS.items()]
    _head(gallery, 0, "image")
    for column, (label, one, maps) in enumerate(columns, start=1):
        _head(gallery, column, label)
        for row in range(count):
            _map(gallery.axes(column, row), maps[row], one.human[row])
    for row in range(count):
        gallery.axes(0, row).imshow(first.images[row])
    note = (
        "maps: ranks over pixels, bright is high; white: around the object; the shortcut is intact"
    )
    below = HEAD + count * (gallery.side + GAP)
    gallery.write(LEFT, below + 0.02, note, va="top", fontsize=8, color=style.GREY)


def _head(gallery: _Gallery, column: int, text: str) -> None:
    middle = gallery.left(column) + gallery.side / 2
    gallery.write(middle, HEAD - 0.06, text, ha="center", va="bottom", fontsize=8)


def _map(axes: Axes, values: np.ndarray, human: np.ndarray) -> None:
    ranks = unit_ranks(values)
    if ranks is None:
        style.message(axes, "undefined")
        return
    axes.imshow(ranks.reshape(values.shape), cmap="viridis")
    axes.contour(human, [0.35 * human.max()], colors="white", linewidths=0.9)


# --- measures -------------------------------------------------------------------------------------


def _draw_panels(figure: Figure, groups: list, top: float) -> None:
    width, height = figure.get_size_inches()
    span = len(PANELS) * PANEL[0] + (len(PANELS) - 1) * BETWEEN[0]
    rows = len(groups)
    grid = GridSpec(
        rows, len(PANELS), figure, left=LEFT / width, right=(LEFT + span) / width,
        top=1 - (top + TOP) / height, bottom=FOOT / height,
        wspace=BETWEEN[0] / PANEL[0], hspace=BETWEEN[1] / PANEL[1],
    )  # fmt: skip
    for row, ((recording, model), part) in enumerate(groups):
        for column, (ordinate, lines) in enumerate(PANELS.items()):
            axes = figure.add_subplot(grid[row, column])
            _panel(axes, part, ordinate, lines)
            if column == 0:
                title = f"{recording} (SIMULATED), {model}"
                axes.set_title(title, loc="left", fontweight="bold", pad=9)


def _panel(axes: Axes, part: pd.DataFrame, ordinate: str, lines: tuple) -> None:
    """Every network as a point, a line through the means; strengths stand side by side."""
    strengths = sorted(part["strength"].unique())
    place = part["strength"].map(strengths.index)
    order = part.groupby("strength")["seed"].rank(method="dense") - 1
    spread = 0.1 * (order - order.max() / 2) / max(order.max(), 1)
    for name, label, colour, marker in lines:
        axes.plot(place + spread, part[name], marker, color=colour, markersize=3.6, alpha=0.55,
                  markeredgewidth=0, linestyle="none", zorder=3)  # fmt: skip
        mean = part.groupby("strength")[name].mean()
        axes.plot(range(len(strengths)), mean, color=colour, zorder=2, label=label)
    if lines[0][0].startswith("accuracy"):
        axes.axhline(CHANCE, color=style.GREY, linewidth=0.8, linestyle=(0, (1, 1.6)), zorder=1)
        axes.annotate("chance", (1, CHANCE), (0, 2), color=style.GREY, fontsize=8, ha="right",
                      xycoords=("axes fraction", "data"), textcoords="offset points")  # fmt: skip
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), max(axes.get_ylim()[1], 0.5))
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(strengths)), [f"{strength:g}" for strength in strengths])
    axes.set_xlim(-0.35, len(strengths) - 0.65)
    axes.set_xlabel("strength of the harmonization")
    axes.set_ylabel(ordinate)
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.8, label=label)
        for _, label, colour, marker in lines
    ]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.02, -0.27), borderaxespad=0,
                labelspacing=0.25)  # fmt: skip
