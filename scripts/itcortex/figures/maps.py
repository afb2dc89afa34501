"""Recorded against predicted responses: maps over the photograph or, without a grid, scatter plots.

The paper's figure 4. One block per recording: rows are example images, from the best to the worst
predicted one, so that nobody chose them.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from itcortex.figures import examples, style
from itcortex.figures.examples import Block
from itcortex.numerics.metrics import pearson

CELL, GAP, LEFT, RIGHT, TOP = 1.12, 0.07, 0.55, 0.2, 0.1  # inches
HEAD, FOOT, PLOT, PLOT_GAP = 0.93, 0.25, 1.45, 0.42
COLOURS, LIMIT, OPACITY = "viridis", 2.5, 0.68  # LIMIT in standard deviations
LINE = 17  # characters of a model's name in one line


@style.styled
def draw(blocks: list[Block], n_images: int) -> Figure:
    """One block per recording, of at most `n_images` rows."""
    sizes = [_size(one, n_images) for one in blocks]
    bar = 0.75 if any(one.has_grid for one in blocks) else 0.1
    width = max(width for width, _ in sizes)
    figure = style.new_figure(width, TOP + sum(height for _, height in sizes) + bar)
    top = TOP
    for one, (_, height) in zip(blocks, sizes, strict=True):
        if one.has_grid:
            _draw_maps(figure, one, top, n_images)
        else:
            _draw_scatter(figure, one, top)
        top += height
    if any(one.has_grid for one in blocks):
        _colour_bar(figure, top)
    return figure


def _size(one: Block, n_images: int) -> tuple[float, float]:
    """Width and height of a block (inches)."""
    models = len(one.predicted)
    if one.has_grid:
        rows = min(n_images, len(one.image_ids))
        columns = 4 + models
        return LEFT + columns * (CELL + GAP) + 2 * GAP + RIGHT, HEAD + rows * (CELL + GAP) + FOOT
    width = LEFT + 0.3 + models * (PLOT + PLOT_GAP) + RIGHT
    return max(width, 6.0), HEAD + 2 * (PLOT + PLOT_GAP) + FOOT


def _axes(figure: Figure, left: float, top: float, side: float) -> Axes:
    """Square axes of `side` inches whose upper left corner is at (left, top) inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, 1 - (top + side) / height, side / width, side / height))


def _write(figure: Figure, left: float, top: float, text: str, **options) -> None:
    """Text at (left, top) inches from the figure's upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, text, **options)


def _z(values: np.ndarray) -> np.ndarray:
    """One map in standard deviations from its mean; a constant one is zero everywhere."""
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1)


def _draw_maps(figure: Figure, one: Block, top: float, n_images: int) -> None:
    """Rows of photograph, recorded maps and predicted maps."""
    sites, rho = examples.sites(one), examples.alignment(one)
    recorded = [examples.site_average(one.recorded), *(one.recorded[..., k] for k, _ in sites)]
    heads = ["all sites", *(f"{what}\n{one.site_ids[k]}" for k, what in sites)]
    predicted = {label: examples.site_average(maps) for label, maps in one.predicted.items()}
    step = CELL + GAP
    starts = [LEFT + k * step + GAP * ((k > 0) + (k > 3)) for k in range(4 + len(predicted))]
    _write(figure, LEFT, top + 0.05, one.title, va="top", fontsize=10, fontweight="bold")
    _heads(figure, top, starts, ["photograph", *heads, *map(wrap, predicted)])
    for row, (image, rank) in enumerate(examples.images(rho, n_images)):
        y = top + HEAD + row * step
        text = f"{shorten(one.image_ids[image])}\nrank {rank} of {len(one.image_ids)}"
        _write(figure, LEFT - 0.08, y + CELL / 2, text, rotation=90, ha="right", va="center",
               fontsize=8, linespacing=1.15, multialignment="center")  # fmt: skip
        photograph = one.images[image]
        _photograph(_axes(figure, starts[0], y, CELL), photograph)
        for start, maps in zip(starts[1:4], recorded, strict=True):
            _map(_axes(figure, start, y, CELL), photograph, maps[image])
        for start, (label, maps) in zip(starts[4:], predicted.items(), strict=True):
            axes = _axes(figure, start, y, CELL)
            _map(axes, photograph, maps[image])
            _corner(axes, f"ρ {rho[label][image]:.2f}")


def _heads(figure: Figure, top: float, starts: list[float], texts: list[str]) -> None:
    """Names of the columns under two brackets: what was recorded, what was predicted."""
    width, height = figure.get_size_inches()
    for start, text in zip(starts, texts, strict=True):
        _write(figure, start + CELL / 2, top + HEAD - 0.06, text, ha="center", va="bottom",
               fontsize=8, linespacing=1.1)  # fmt: skip
    for text, first, last in (("recorded", 1, 3), ("predicted, all sites", 4, len(starts) - 1)):
        left, right = starts[first] + 0.03, starts[last] + CELL - 0.03
        y = 1 - (top + 0.42) / height
        figure.add_artist(
            mpl.lines.Line2D([left / width, right / width], [y, y], color=style.GREY, linewidth=0.8)
        )
        _write(figure, (left + right) / 2, top + 0.4, text, ha="center", va="bottom", fontsize=8)


def _photograph(axes: Axes, image: np.ndarray, grey: bool = False) -> None:
    """The photograph over the unit square, or its luminance (ITU-R 601) at half the contrast."""
    # full contrast would change the lightness of the map that lies over it
    shown = image if not grey else 85 + 0.5 * (image @ np.array([0.299, 0.587, 0.114]))
    axes.imshow(shown, extent=(0, 1, 1, 0), cmap="gray", vmin=0, vmax=255, aspect="auto")
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(1, 0))
    axes.spines[:].set_visible(False)


def _map(axes: Axes, image: np.ndarray, values: np.ndarray) -> None:
    """A map over the greyscale photograph: the grid's cells tile the whole image."""
    _photograph(axes, image, grey=True)
    axes.imshow(
        _z(values), extent=(0, 1, 1, 0), cmap=COLOURS, vmin=-LIMIT, vmax=LIMIT, alpha=OPACITY,
        interpolation="nearest", aspect="auto",
    )  # fmt: skip


def _corner(axes: Axes, text: str, colour: str = "white", edge: str = "black") -> None:
    """A number in the upper left corner that reads on any ground."""
    axes.text(
        0.04, 0.96, text.replace("-", "\N{MINUS SIGN}").replace("nan", "undefined"),
        transform=axes.transAxes, ha="left", va="top", fontsize=8, color=colour,
        fontweight="bold", path_effects=[withStroke(linewidth=1.8, foreground=edge)],
    )  # fmt: skip


def _colour_bar(figure: Figure, top: float) -> None:
    """The colour scale that all maps share."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((LEFT / width, 1 - (top + 0.2) / height, 2.4 / width, 0.1 / height))
    bar = figure.colorbar(
        ScalarMappable(Normalize(-LIMIT, LIMIT), COLOURS), cax=axes, orientation="horizontal",
        extend="both", ticks=[-2, -1, 0, 1, 2],
    )  # fmt: skip
    bar.outline.set_visible(False)
    bar.set_label("maps: response over the image's positions (z)", fontsize=8)


def _draw_scatter(figure: Figure, one: Block, top: float) -> None:
    """Recorded against predicted responses of two sites; a point is an image."""
    _write(figure, LEFT, top + 0.05, one.title, va="top", fontsize=10, fontweight="bold")
    for row, (site, what) in enumerate(examples.sites(one)):
        recorded = one.recorded[:, 0, 0, site]
        for column, (label, maps) in enumerate(one.predicted.items()):
            predicted = maps[:, 0, 0, site]
            left = LEFT + 0.3 + column * (PLOT + PLOT_GAP)
            axes = _axes(figure, left, top + HEAD + row * (PLOT + PLOT_GAP), PLOT)
            axes.plot(
                predicted, recorded, "o", color=style.CATEGORIES["cnn"].colour, alpha=0.5,
                markersize=3.2, markeredgewidth=0,
            )  # fmt: skip
            axes.axline((recorded.mean(),) * 2, slope=1, color=style.PALE, linewidth=1, zorder=0)
            r = pearson(recorded[:, None], predicted[:, None])[0]
            _corner(axes, f"r {r:.2f}", style.INK, "white")
            axes.locator_params(nbins=4)
            axes.margins(0.08)
            if row == 0:
                axes.set_title(wrap(label), fontsize=8, pad=6)
            else:
                axes.set_xlabel("predicted", fontsize=8, labelpad=2)
            if column == 0:
                text = f"{what}, {one.site_ids[site]}\nrecorded ({one.unit})"
                axes.set_ylabel(text, fontsize=8)


def wrap(name: str) -> str:
    """A model's name in lines of at most `LINE` characters, broken after ' ', '_', '.' or '-'."""
    pieces, piece = [], ""
    for letter in name:
        piece += letter
        if letter in " _.-":
            pieces.append(piece)
            piece = ""
    lines = [""]
    for part in [*pieces, piece]:
        if lines[-1] and len(lines[-1]) + len(part) > LINE:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def shorten(image_id: str) -> str:
    """A file name without its suffix, cut in the middle where it is too long for a row."""
    stem = image_id.rsplit(".", 1)[0]
    return stem if len(stem) <= 18 else f"{stem[:9]}…{stem[-8:]}"
