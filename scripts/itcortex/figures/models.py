"""How single models look in line plots, and their legend."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from itcortex.figures import style
from itcortex.tables import panels

KEYS = ["model", "weights"]
MOST_NAMED = 12  # with more models names hide the data: categories stand for them
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1, 1.5)))
THIN = {"linewidth": 0.5, "alpha": 0.25}
DARKEST = 0.55  # share of dark grey in the last model of a category


@dataclass(frozen=True)
class Look:
    """One model's name, colour, marker and dashes; `thin` where it is one of many."""

    name: str
    category: str
    colour: tuple[float, float, float]
    marker: str
    size: float
    dashes: str | tuple
    thin: bool

    @property
    def line(self) -> dict:
        """How its line is drawn."""
        width = THIN if self.thin else {"linewidth": 1.5}
        return {"color": self.colour, "linestyle": self.dashes, "label": self.name, **width}


def looks(summary: pd.DataFrame) -> dict[tuple[str, str], Look]:
    """Look of every (model, weights) of a summary.

    With few models those of one category get shades of its colour and different dashes, ordered by
    accuracy; with more than `MOST_NAMED` all of them get the category's own look.
    """
    models = summary.drop_duplicates(KEYS)
    models = models.assign(name=panels.model_names(models))
    thin = len(models) > MOST_NAMED
    found = {}
    for category in models.category.unique():
        style.category(category)  # an unknown one is an error
    for category in style.CATEGORIES:
        some = models[models.category == category].sort_values(["top1", "name"])
        look = style.category(category)
        for k, row in enumerate(some.itertuples()):
            dark = 0.0 if thin else DARKEST * k / max(len(some) - 1, 1)
            colour = tuple(np.array(to_rgb(look.colour)) * (1 - dark) + 0.15 * dark)
            dashes = "-" if thin else DASHES[k % len(DASHES)]
            found[row.model, row.weights] = Look(
                row.name, look.label, colour, look.marker, look.size, dashes, thin
            )
    return found


def legend_handles(looks_of: dict[tuple[str, str], Look]) -> list[Line2D]:
    """One legend entry a model or, where they are thin, a category."""
    handles = {}
    for look in looks_of.values():
        label = look.category if look.thin else look.name
        handles[label] = Line2D(
            [], [], label=label, color=look.colour, linestyle=look.dashes, marker=look.marker,
            markersize=look.size, markeredgecolor="white", markeredgewidth=0.5,
        )  # fmt: skip
    return list(handles.values())


def draw_medians(axes: Axes, courses: pd.DataFrame, looks_of: dict[tuple[str, str], Look]) -> None:
    """One bold line per category of thin models: the median at each abscissa.

    `courses` has columns model, weights, x and y; every model has a value at (nearly) every x.
    """
    look_of = [looks_of[keys] for keys in zip(courses.model, courses.weights, strict=True)]
    courses = courses.assign(category=[look.category for look in look_of])
    for look in {look.category: look for look in look_of}.values():
        median = courses[courses.category == look.category].groupby("x").y.median()
        axes.plot(
            median.index, median, color=look.colour, linewidth=1.8, marker=look.marker, zorder=4,
            markersize=0.75 * look.size, markeredgecolor="white", markeredgewidth=0.4,
            label=look.category,
        )  # fmt: skip
