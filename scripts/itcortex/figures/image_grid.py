"""Rows of photographs and maps: columns in groups, their names, brackets over groups, colour scales.

Figures of recorded maps, of attention and of the digits study share it. Places are in inches from the
upper left corner of the figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from itcortex.figures import style
from itcortex.figures.names import wrap
from itcortex.numerics.ranks import unit_ranks

COLOURS = "viridis"
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601


@dataclass(frozen=True)
class Columns:
    """Columns of images.

    Attributes
    ----------
    left : left edge of the first column.
    width : of every image.
    gap : between neighbouring images.
    groups : number of columns in each group, such as one photograph, three recorded maps and two
        predicted ones.
    apart : what is added to the gap between groups.
    """

    left: float
    width: float
    gap: float
    groups: tuple[int, ...]
    apart: float

    @classmethod
    def fitting(
        cls, left: float, most: float, gap: float, groups: tuple[int, ...], apart: float
    ) -> "Columns":
        """Columns that fit on a page: images are at most `most` wide."""
        between = gap * (sum(groups) - 1) + apart * (len(groups) - 1)
        width = (style.PAGE - 0.1 - left - between) / sum(groups)
        return cls(left, min(most, width), gap, groups, apart)

    def wrap(self, names: Iterable[str]) -> list[str]:
        """Names in lines as wide as a column."""
        return [wrap(name, int((self.width + self.gap) / style.LETTER)) for name in names]

    @property
    def starts(self) -> list[float]:
        """Left edge of every column."""
        group_of = np.repeat(np.arange(len(self.groups)), self.groups)
        step = self.width + self.gap
        return [self.left + k * step + self.apart * group for k, group in enumerate(group_of)]

    @property
    def right(self) -> float:
        """Right edge of the last column."""
        return self.starts[-1] + self.width

    def height(self, pixels: np.ndarray) -> float:
        """Height of a photograph (row, column, rgb) as wide as a column."""
        return self.width * pixels.shape[0] / pixels.shape[1]

    def add_image(self, figure: Figure, column: int, top: float, height: float) -> Axes:
        """Axes without a frame for an image that stretches over them."""
        axes = style.axes_at(figure, self.starts[column], top, self.width, height)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        return axes

    def name_columns(self, figure: Figure, bottom: float, names: list[str]) -> None:
        """Write the name of every column, its last line above `bottom`."""
        for start, name in zip(self.starts, names, strict=True):
            style.write_at(figure, start + self.width / 2, bottom, name, ha="center", va="bottom",
                           linespacing=1.1)  # fmt: skip

    def name_row(self, figure: Figure, top: float, height: float, name: str) -> None:
        """Write the name of a row on the left of its images, upwards."""
        style.write_at(figure, self.left - 0.08, top + height / 2, name, rotation=90, ha="right",
                       va="center", linespacing=1.15, multialignment="center")  # fmt: skip

    def bracket(self, figure: Figure, group: int, top: float, name: str) -> None:
        """Draw a line over the columns of a group, at `top`, and write its name above it."""
        last = list(accumulate(self.groups))[group] - 1
        first = last - self.groups[group] + 1
        ends = np.array([self.starts[first] + 0.03, self.starts[last] + self.width - 0.03])
        width, height = figure.get_size_inches()
        line = Line2D(ends / width, [1 - top / height] * 2, color=style.GREY, linewidth=0.8)
        figure.add_artist(line)
        style.write_at(figure, ends.mean(), top - 0.03, name, ha="center", va="bottom")


def draw_photograph(axes: Axes, image: np.ndarray, grey: bool = False) -> None:
    """Draw an image (row, column, rgb) over the unit square, or its luminance at half the contrast."""
    # full contrast would change the lightness of a map that lies over it
    pixels = image if not grey else 85 + 0.5 * (image @ LUMA)
    axes.imshow(pixels, extent=(0, 1, 1, 0), cmap="gray", vmin=0, vmax=255, aspect="auto")


def draw_map(
    axes: Axes, image: np.ndarray, values: np.ndarray, limits: tuple[float, float], **options
) -> None:
    """Draw a map (y, x), with colours between `limits`, that covers all of the grey photograph."""
    draw_photograph(axes, image, grey=True)
    low, high = limits
    axes.imshow(values, extent=(0, 1, 1, 0), cmap=COLOURS, vmin=low, vmax=high, aspect="auto",
                **options)  # fmt: skip


def rank_map(values: np.ndarray) -> np.ndarray | None:
    """Ranks of a map's pixels from 0 to 1, in its shape; None where it has none (`unit_ranks`)."""
    ranks = unit_ranks(values)
    if ranks is None:
        return None
    return ((ranks - ranks.min()) / np.ptp(ranks)).reshape(values.shape)


def write_corner(axes: Axes, text: str, colour: str = "white", edge: str = "black") -> None:
    """Write a number into the upper left corner, readable on any ground."""
    axes.annotate(
        text, (0, 1), (3, -3), xycoords="axes fraction", textcoords="offset points", ha="left",
        va="top", fontsize=8, color=colour, fontweight="bold",
        path_effects=[withStroke(linewidth=1.8, foreground=edge)],
    )  # fmt: skip


def draw_scale(
    figure: Figure, left: float, top: float, limits: tuple[float, float], ticks: dict[float, str],
    label: str = "", extend: str = "neither",
) -> None:  # fmt: skip
    """Draw the colour scale that all maps share; `ticks` are values with what is written at them."""
    axes = style.axes_at(figure, left, top, 2.2, 0.1)
    bar = figure.colorbar(
        ScalarMappable(Normalize(*limits), COLOURS),
        cax=axes,
        orientation="horizontal",
        extend=extend,
    )
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=8)
    axes.tick_params(length=2)
