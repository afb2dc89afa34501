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
COMMON_DEPTHS = np.linspace(0, 1, 11)  # where models with different layers are averaged
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
    """One legend entry for every model or, where models are thin lines, for every category."""
    handles = {}
    for look in looks_of.values():
        label = look.category if look.thin else look.name
        handles[label] = Line2D(
            [], [], label=label, color=look.colour, linestyle=look.dashes, marker=look.marker,
            markersize=look.size, markeredgecolor="white", markeredgewidth=0.5,
        )  # fmt: skip
    return list(handles.values())


def draw_depths(axes: Axes, layers: pd.DataFrame, looks_of: dict[tuple[str, str], Look]) -> None:
    """Every model's line over the relative depth of its layers, and dots at chosen ones.

    With models too many to be told apart, bold lines are the medians of categories instead of dots.

    Parameters
    ----------
    layers : a row for every layer: model, weights, depth, score, the share of choices that fell on it
        (`chosen`) and, if there is one, its standard error (`error`), drawn as a band.
    """
    courses = []
    for keys, of_model in layers.sort_values("depth").groupby(KEYS, observed=True):
        look = looks_of[keys]
        axes.plot(of_model.depth, of_model.score, zorder=2, **look.line)
        if look.thin:
            y = np.interp(COMMON_DEPTHS, of_model.depth, of_model.score)
            course = pd.DataFrame({"x": COMMON_DEPTHS, "y": y})
            courses.append(course.assign(model=keys[0], weights=keys[1]))
            continue
        if "error" in of_model:
            low, high = of_model.score - of_model.error, of_model.score + of_model.error
            axes.fill_between(of_model.depth, low, high, color=look.colour, alpha=0.12, linewidth=0)
        picked = of_model[of_model.chosen > 0]
        axes.scatter(
            picked.depth, picked.score, s=8 + 70 * picked.chosen, zorder=3, color=look.colour,
            marker=look.marker, edgecolor="white", linewidth=0.6,
        )  # fmt: skip
    if courses:
        draw_medians(axes, pd.concat(courses), looks_of)
    axes.set(xlabel="relative depth of the layer", xlim=(-0.04, 1.04))


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
