"""The recordings: photographs that were shown, with the activity over them (the paper's figure 2).

A recording without a grid of positions shows photographs from the weakest to the strongest response.
"""

import numpy as np
from matplotlib.figure import Figure

from itcortex.encoding.map_alignment import site_average
from itcortex.figures import image_grid, style
from itcortex.figures.examples import Block
from itcortex.figures.image_grid import Columns
from itcortex.figures.names import shorten_file
from itcortex.numerics.sampling import spread
from itcortex.tables.numbers import number

CELL, GAP, LEFT, HEAD, NAME, FOOT = 1.1, 0.07, 0.35, 0.38, 0.2, 0.22  # inches
IMAGES, OPACITY = 6, 0.68
PERCENT = {0: "0 %", 50: "50 %", 100: "100 %"}


@style.styled
def draw(blocks: list[Block]) -> Figure:
    """A block for every recording: photographs, and under them the mean activity over their positions.

    Activity is the mean over sites (each z-scored), from the lowest to the highest of the recording.
    """
    columns = Columns.fitting(LEFT, CELL, GAP, (IMAGES,), 0)
    has_scale = any(block.has_grid for block in blocks)
    heights = [_height(block, columns) for block in blocks]
    figure = style.new_figure(style.PAGE, 0.1 + sum(heights) + 0.6 * has_scale)
    top = 0.1
    for block, height in zip(blocks, heights, strict=True):
        _draw_block(figure, block, columns, top)
        top += height
    if has_scale:
        label = "activity, of the recording's range"
        image_grid.draw_scale(figure, LEFT, top + 0.02, (0, 100), PERCENT, label)
    return figure


def chosen(block: Block) -> list[int]:
    """Images that are shown: spread over the file or, without maps, from weak to strong responses."""
    if block.has_grid:
        return spread(len(block.image_ids), IMAGES)
    order = np.argsort(site_average(block.recorded)[:, 0, 0], kind="stable")
    return [int(order[rank]) for rank in spread(len(order), IMAGES)]


def percent(maps: np.ndarray) -> np.ndarray:
    """Activity in percent, from the lowest to the highest value; 50 where it does not vary."""
    low, high = np.nanmin(maps), np.nanmax(maps)
    return 100 * (maps - low) / (high - low) if high > low else np.full(maps.shape, 50.0)


def _height(block: Block, columns: Columns) -> float:
    """Height of a block (inches)."""
    tallest = max(columns.height(block.images[image]) for image in chosen(block))
    return HEAD + NAME + (1 + block.has_grid) * (tallest + GAP) + FOOT


def _draw_block(figure: Figure, block: Block, columns: Columns, top: float) -> None:
    """Title, photographs, and maps or the mean response in the corner."""
    style.write_at(figure, LEFT, top, block.title, va="top", fontsize=9, fontweight="bold")
    n_images, height, width, n_sites = block.recorded.shape
    about = f"{n_images:,} images, {n_sites} sites"
    about += f", {width} x {height} positions" if block.has_grid else ", one position"
    style.write_at(figure, LEFT, top + 0.19, about, va="top", color=style.GREY)
    images, activity = chosen(block), site_average(block.recorded)
    names = [shorten_file(block.image_ids[image], 16) for image in images]
    columns.name_columns(figure, top + HEAD + NAME - 0.05, [*names, *[""] * (IMAGES - len(names))])
    y = top + HEAD + NAME
    for column, image in enumerate(images):
        pixels = block.images[image]
        tall = columns.height(pixels)
        axes = columns.add_image(figure, column, y, tall)
        image_grid.draw_photograph(axes, pixels)
        if block.has_grid:
            below = columns.add_image(figure, column, y + tall + GAP, tall)
            image_grid.draw_map(below, pixels, percent(activity)[image], (0, 100), alpha=OPACITY,
                                interpolation="nearest")  # fmt: skip
        else:
            image_grid.write_corner(axes, f"z {number(activity[image, 0, 0])}")
