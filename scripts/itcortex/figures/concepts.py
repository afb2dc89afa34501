"""Concepts of networks: a row for each, with its numbers and the crops that answer most to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from itcortex.figures import image_grid, style
from itcortex.figures.image_grid import Columns
from itcortex.tables.numbers import bounds, number

LEFT, MOST, GAP, HEAD, TITLE, FOOT = 3.72, 0.6, 0.05, 0.35, 0.52, 0.1  # inches
#: Columns of numbers: what they are called, where they stand (inches), and their digits.
NUMBERS = {
    "importance": ("importance", 0.5, 2),
    "r_alone": ("r alone", 1.5, 2),
    "drop": ("r lost without", 2.5, 3),
}


@dataclass(frozen=True)
class Network:
    """Concepts of one network.

    Attributes
    ----------
    about : its row of the table `concept_encoding`.
    rows : its rows of the table `concepts`.
    examples : crops uint8 (crop, row, column, rgb) by the concept's number, counted from 1.
    """

    about: Mapping
    rows: pd.DataFrame
    examples: dict[int, np.ndarray]


def examples_of(arrays: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
    """Crops by the concept's number, from the arrays that rule find_concepts wrote."""
    return {
        int(name.removeprefix("examples/")): crops
        for name, crops in arrays.items()
        if name.startswith("examples/")
    }


@style.styled
def draw(networks: list[Network]) -> Figure:
    """A row for every concept of every network, in the order of the tables."""
    most = max(len(crops) for one in networks for crops in one.examples.values())
    columns = Columns.fitting(LEFT, MOST, GAP, (most,), 0)
    side = columns.width
    height = HEAD + sum(TITLE + (side + GAP) * len(one.rows) for one in networks) + FOOT
    figure, y = style.new_figure(columns.right + GAP, height), HEAD
    columns.bracket(figure, 0, 0.28, "crops that answer most")
    for label, left, _ in NUMBERS.values():
        style.write_at(figure, left, 0.25, f"{label}\n[95 % CI]", va="center")
    for one in networks:
        _write_title(figure, y, one.about)
        y += TITLE
        for row in one.rows.to_dict("records"):
            _write_numbers(figure, y + side / 2, row)
            for column, crop in enumerate(one.examples[row["concept"]]):
                image_grid.draw_photograph(columns.add_image(figure, column, y, side), crop)
            y += side + GAP
    return figure


def _write_title(figure: Figure, top: float, about: Mapping) -> None:
    """The network, its layer, and what its concepts keep of the layer's predictivity."""
    name = f"{about['model']} {about['weights']}"
    kept = (
        f"{about['layer']}: r = {number(about['r_layer'])} of the layer, "
        f"{number(about['r_concepts'])} of its {about['n_concepts']} concepts"
    )
    style.write_at(figure, 0.1, top + 0.2, name, fontsize=9, fontweight="bold")
    style.write_at(figure, 0.1, top + 0.38, kept, color=style.GREY)


def _write_numbers(figure: Figure, middle: float, row: Mapping) -> None:
    """Number of a concept, and its measures with their intervals."""
    style.write_at(figure, 0.1, middle, str(row["concept"]), va="center", fontsize=9)
    for name, (_, left, digits) in NUMBERS.items():
        text, ends = number(row[name], digits), (row[f"{name}_low"], row[f"{name}_high"])
        if np.isfinite(ends).all():
            text += "\n[{}, {}]".format(*bounds(*ends, digits))
        style.write_at(figure, left, middle, text, va="center", linespacing=1.2)
