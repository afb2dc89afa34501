"""Pictures of the parts into which a network's features divide the images of a recording."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from itcortex.figures import image_grid, style
from itcortex.figures.image_grid import Columns
from itcortex.numerics.sampling import spread

GAP, LEFT, HEAD, TITLE, MOST = 0.04, 0.95, 0.3, 0.3, 0.55  # inches
IMAGES = 11  # of a part


@dataclass(frozen=True)
class Divided:
    """One division of a recording: `images` (image, row, column, rgb) and the table of their parts."""

    title: str
    images: np.ndarray
    parts: pd.DataFrame


def examples(parts: pd.DataFrame, most: int = IMAGES) -> dict[str, list[int]]:
    """Images (index) of every part, spread from its smallest to its largest distance."""
    found = {}
    for part in sorted(parts["part"].unique()):
        rows = np.flatnonzero(parts["part"] == part)
        order = rows[np.argsort(parts["distance"].to_numpy()[rows], kind="stable")]
        found[part] = order[spread(len(order), most)].tolist()
    return found


@style.styled
def draw(divisions: list[Divided]) -> Figure:
    """A row of images for each part of each division, from the smallest to the largest distance."""
    columns = Columns.fitting(LEFT, MOST, GAP, (IMAGES,), 0)
    side = columns.width
    chosen = [examples(one.parts) for one in divisions]
    height = HEAD + sum(TITLE + (side + GAP) * len(parts) for parts in chosen) + GAP
    figure, y = style.new_figure(style.PAGE, height), HEAD
    columns.bracket(figure, 0, 0.24, "smallest to largest distance")
    for one, parts in zip(divisions, chosen, strict=True):
        style.write_at(figure, 0.1, y + TITLE - 0.08, one.title, fontsize=9, fontweight="bold")
        y += TITLE
        for part, images in parts.items():
            columns.name_row(figure, y, side, f"{part}\n{(one.parts['part'] == part).sum()}")
            for column, index in enumerate(images):
                axes = columns.add_image(figure, column, y, side)
                image_grid.draw_photograph(axes, one.images[index])
            y += side + GAP
    return figure
