"""Images that were shown, by kind, so that a person can check what a table or a clustering says."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from itcortex.data.kinds import picture_statistics
from itcortex.figures import image_grid, style
from itcortex.figures.image_grid import Columns
from itcortex.numerics.sampling import spread

SIDE, GAP, LEFT, HEAD, TITLE = 0.55, 0.04, 0.75, 0.3, 0.3  # inches
EVEN, ODD = 7, 7  # images of a kind


@dataclass(frozen=True)
class Shown:
    """One set of stimuli: images (image, row, column, rgb) and the kind of each."""

    name: str
    images: np.ndarray
    kinds: tuple[str, ...]


def examples(shown: Shown) -> dict[str, tuple[list[int], list[int]]]:
    """Images (index) of every kind, the largest first: some spread over the file, and the oddest ones.

    The oddest have the statistics (`itcortex.data.kinds`) that are farthest from the median of their
    kind, in units of the spread of their kind.
    """
    statistics, kinds = picture_statistics(shown.images), np.array(shown.kinds)
    names, counts = np.unique(kinds, return_counts=True)
    found = {}
    for name in names[np.argsort(-counts, kind="stable")]:
        images = np.flatnonzero(kinds == name)
        apart = statistics[images] - np.median(statistics[images], axis=0)
        distance = ((apart / np.maximum(apart.std(0), 1e-9)) ** 2).sum(1)
        oddest = np.argsort(-distance, kind="stable")[: min(ODD, len(images))]
        found[str(name)] = (images[spread(len(images), EVEN)].tolist(), images[oddest].tolist())
    return found


def draw(sets: list[Shown]) -> Figure:
    """A row of images for each kind of each set."""
    columns = Columns(LEFT, SIDE, GAP, (EVEN, ODD), 3 * GAP)
    chosen = [examples(shown) for shown in sets]
    height = HEAD + sum(TITLE + (SIDE + GAP) * len(kinds) for kinds in chosen) + GAP
    figure, y = style.new_figure(columns.right + 2 * GAP, height), HEAD
    columns.bracket(figure, 0, 0.24, "spread over the set")
    columns.bracket(figure, 1, 0.24, "farthest from the others of their kind")
    for shown, kinds in zip(sets, chosen, strict=True):
        style.write_at(figure, LEFT, y + TITLE - 0.08, shown.name, fontsize=9)
        y += TITLE
        for name, (even, odd) in kinds.items():
            count = shown.kinds.count(name)
            columns.name_row(figure, y, SIDE, f"{name}\n{count}")
            places = [*range(len(even)), *range(EVEN, EVEN + len(odd))]
            for column, index in zip(places, [*even, *odd], strict=True):
                axes = columns.add_image(figure, column, y, SIDE)
                image_grid.draw_photograph(axes, shown.images[index])
            y += SIDE + GAP
    return figure
