"""Recorded against predicted responses: maps over the photograph or, without a grid, scatter plots.

The paper's figure 4. One block per recording: rows are example images, from the best to the worst
predicted one, so that nobody chose them.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from itcortex.encoding.map_alignment import site_average
from itcortex.figures import examples, image_grid, style
from itcortex.figures.examples import Block
from itcortex.figures.image_grid import Columns
from itcortex.figures.names import shorten_file, wrap
from itcortex.numerics.metrics import pearson
from itcortex.tables.numbers import number

CELL, GAP, LEFT, RIGHT, TOP = 1.12, 0.07, 0.55, 0.2, 0.1  # inches
HEAD, FOOT, PLOT_HEAD, PLOT, PLOT_GAP = 1.05, 0.2, 0.6, 1.45, 0.42
LIMITS, OPACITY = (-2.5, 2.5), 0.68  # LIMITS in standard deviations
SCALE = {-2: "\N{MINUS SIGN}2", -1: "\N{MINUS SIGN}1", 0: "0", 1: "1", 2: "2"}


@style.styled
def draw(blocks: list[Block], n_images: int) -> Figure:
    """One block per recording, of at most `n_images` rows."""
    sizes = [_size(block, n_images) for block in blocks]
    scale = 0.75 if any(block.has_grid for block in blocks) else 0.1
    width = max(width for width, _ in sizes)
    figure = style.new_figure(width, TOP + sum(height for _, height in sizes) + scale)
    top = TOP
    for block, (_, height) in zip(blocks, sizes, strict=True):
        title = {"va": "top", "fontsize": 10, "fontweight": "bold"}
        style.write_at(figure, LEFT, top + 0.05, block.title, **title)
        if block.has_grid:
            _draw_maps(figure, block, top, n_images)
        else:
            _draw_scatter(figure, block, top)
        top += height
    if any(block.has_grid for block in blocks):
        label = "maps: response over the image's positions (z)"
        image_grid.draw_scale(figure, LEFT, top + 0.1, LIMITS, SCALE, label, extend="both")
    return figure


def _columns(block: Block) -> Columns:
    """The photograph, three recorded maps, one predicted map of every model."""
    return Columns.fitting(LEFT, CELL, GAP, (1, 3, len(block.predicted)), GAP)


def _size(block: Block, n_images: int) -> tuple[float, float]:
    """Width and height of a block (inches)."""
    if block.has_grid:
        rows = min(n_images, len(block.image_ids))
        columns = _columns(block)
        return columns.right + 0.1, HEAD + rows * (columns.width + GAP) + FOOT
    width = LEFT + 0.3 + len(block.predicted) * (PLOT + PLOT_GAP) + RIGHT
    return max(width, 6.0), PLOT_HEAD + 2 * (PLOT + PLOT_GAP) + FOOT


def _z(values: np.ndarray) -> np.ndarray:
    """One map in standard deviations from its mean; a constant one is zero everywhere."""
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1)


def _draw_maps(figure: Figure, block: Block, top: float, n_images: int) -> None:
    """Rows of photograph, recorded maps and predicted maps."""
    sites, rho = examples.sites(block), examples.alignment(block)
    heads = ["photograph", "all sites", *(f"{what}\n{block.site_ids[k]}" for k, what in sites)]
    maps = [site_average(block.recorded), *(block.recorded[..., k] for k, _ in sites)]
    maps += [site_average(responses) for responses in block.predicted.values()]
    columns, cell = _columns(block), _columns(block).width
    heads += columns.wrap(block.predicted)
    columns.name_columns(figure, top + HEAD - 0.06, heads)
    columns.bracket(figure, 1, top + 0.42, "recorded")
    columns.bracket(figure, 2, top + 0.42, "predicted, all sites")
    for row, (image, rank) in enumerate(examples.images(rho, n_images)):
        y = top + HEAD + row * (cell + GAP)
        name = f"{shorten_file(block.image_ids[image])}\nrank {rank} of {len(block.image_ids)}"
        columns.name_row(figure, y, cell, name)
        photograph = block.images[image]
        image_grid.draw_photograph(columns.add_image(figure, 0, y, cell), photograph)
        cells = [columns.add_image(figure, k, y, cell) for k in range(1, 1 + len(maps))]
        for axes, responses in zip(cells, maps, strict=True):
            image_grid.draw_map(axes, photograph, _z(responses[image]), LIMITS, alpha=OPACITY,
                                interpolation="nearest")  # fmt: skip
        for axes, of_model in zip(cells[-len(rho) :], rho.values(), strict=True):
            image_grid.write_corner(axes, _named("ρ", of_model[image]))


def _named(name: str, value: float) -> str:
    """A number with its name, or that it is undefined."""
    return f"{name} {number(value) if np.isfinite(value) else 'undefined'}"


def _draw_scatter(figure: Figure, block: Block, top: float) -> None:
    """Recorded against predicted responses of two sites; a point is an image."""
    for row, (site, what) in enumerate(examples.sites(block)):
        recorded = block.recorded[:, 0, 0, site]
        for column, (label, maps) in enumerate(block.predicted.items()):
            left = LEFT + 0.3 + column * (PLOT + PLOT_GAP)
            y = top + PLOT_HEAD + row * (PLOT + PLOT_GAP)
            axes = style.axes_at(figure, left, y, PLOT, PLOT)
            _draw_site(axes, maps[:, 0, 0, site], recorded)
            if row == 0:
                axes.set_title(wrap(label), fontsize=8, pad=6)
            else:
                axes.set_xlabel("predicted", fontsize=8, labelpad=2)
            if column == 0:
                text = f"{what}, {block.site_ids[site]}\nrecorded ({block.unit})"
                axes.set_ylabel(text, fontsize=8)


def _draw_site(axes: Axes, predicted: np.ndarray, recorded: np.ndarray) -> None:
    """Draw every image as a point (both arrays: (image,)), and a line of slope 1 through the mean."""
    axes.plot(
        predicted, recorded, "o", color=style.CATEGORIES["cnn"].colour, alpha=0.5,
        markersize=3.2, markeredgewidth=0,
    )  # fmt: skip
    axes.axline((recorded.mean(),) * 2, slope=1, color=style.PALE, linewidth=1, zorder=0)
    r = pearson(recorded[:, None], predicted[:, None])[0]
    image_grid.write_corner(axes, _named("r", r), style.INK, "white")
    axes.locator_params(nbins=4)
    axes.margins(0.08)
