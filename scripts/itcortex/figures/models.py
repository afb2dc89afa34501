"""How single models look in line plots, and their legend."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from itcortex.figures import style
from itcortex.tables import panels

KEYS = ["model", "weights"]
MOST_NAMED = 12  # with more models names hide the data: categories stand for them
DASHES = ("", (5, 1.5), (1.2, 1.2), (5, 1.5, 1, 1.5))  # seaborn writes a solid line as ''
THIN = {"linewidth": 0.5, "alpha": 0.25}
COMMON_DEPTHS = np.linspace(0, 1, 11)  # where models with different layers are averaged
DARKEST = 0.55  # share of dark grey in the last model of a category


@dataclass(frozen=True)
class Looks:
    """Names, colours, dashes and markers of models; `thin` where they are too many to tell apart.

    Attributes
    ----------
    table : a row for every model: model, weights, name, category, colour, dashes; by category, then
        by accuracy.
    """

    table: pd.DataFrame

    @property
    def thin(self) -> bool:
        """Whether categories stand for models."""
        return len(self.table) > MOST_NAMED

    @property
    def few(self) -> bool:
        """Whether models have names."""
        return not self.thin

    @cached_property
    def by_name(self) -> dict:
        """What seaborn draws every single model with."""
        names = [*self.table["name"]]
        palette = dict(zip(names, self.table["colour"], strict=True))
        return {"hue": "name", "hue_order": names, "palette": palette, "style": "name",
                "style_order": names}  # fmt: skip

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`rows` with the columns name and category of their model."""
        rows = rows.drop(columns=["name", "category"], errors="ignore")
        return rows.merge(self.table[[*KEYS, "name", "category"]], on=KEYS)

    def handles(self) -> list[Line2D]:
        """One legend entry for every model or, where they are thin lines, for every category."""
        shown = self.table.drop_duplicates("category") if self.thin else self.table
        handles = []
        for one in shown.to_dict("records"):
            look = style.category(one["category"])
            handles.append(Line2D(
                [], [], label=look.label if self.thin else one["name"], marker=look.marker,
                color=look.colour if self.thin else one["colour"], markersize=look.size,
                linestyle=(0, one["dashes"]) if one["dashes"] and self.few else "-",
                markeredgecolor="white", markeredgewidth=0.5,
            ))  # fmt: skip
        return handles


def looks(summary: pd.DataFrame) -> Looks:
    """Look of every (model, weights) of a table with columns category and top1.

    Models of one category get shades of its colour and different dashes, ordered by accuracy. Controls
    (column condition, where it is there) are categories of their own, see `panels.by_condition`.
    """
    models = panels.by_condition(summary.drop_duplicates(KEYS))
    models = models.assign(name=panels.model_names(models))
    found = []
    for category in models["category"].unique():
        style.category(category)  # an unknown one is an error
    for category, look in style.LOOKS.items():
        some = models[models["category"] == category].sort_values(["top1", "name"])
        dark = DARKEST * np.arange(len(some)) / max(len(some) - 1, 1)
        colours = [tuple(np.array(to_rgb(look.colour)) * (1 - d) + 0.15 * d) for d in dark]
        dashes = [DASHES[k % len(DASHES)] for k in range(len(some))]
        some = some[[*KEYS, "name", "category"]]
        found.append(some.assign(colour=pd.Series(colours, some.index, dtype=object),
                                 dashes=pd.Series(dashes, some.index, dtype=object)))  # fmt: skip
    return Looks(pd.concat(found, ignore_index=True))


def draw_lines(
    axes: Axes, rows: pd.DataFrame, x: str, y: str, looks_of: Looks, errorbar: str | None = None
) -> None:
    """Every model's mean of `y` at every `x` as a line, with `errorbar` (as seaborn knows it) as a band.

    Models too many to be told apart are thin lines in the colours of their categories.
    """
    rows = looks_of.of(rows)
    if looks_of.thin:
        means = rows.groupby(["name", "category", x], observed=True)[y].mean().reset_index()
        sns.lineplot(
            means, x=x, y=y, hue="category", palette=style.COLOURS, units="name", estimator=None,
            legend=False, ax=axes, zorder=2, **THIN,
        )  # fmt: skip
    else:
        dashes = dict(zip(looks_of.table["name"], looks_of.table["dashes"], strict=True))
        sns.lineplot(
            rows, x=x, y=y, **looks_of.by_name, dashes=dashes, errorbar=errorbar,
            err_kws={"alpha": 0.12, "linewidth": 0}, legend=False, ax=axes, zorder=2, linewidth=1.5,
        )  # fmt: skip
    axes.set(xlabel="", ylabel="")


def draw_dots(axes: Axes, rows: pd.DataFrame, x: str, y: str, looks_of: Looks, **options) -> None:
    """A marker for every row of models with names; `options` as of seaborn's scatter plot."""
    categories = zip(looks_of.table["name"], looks_of.table["category"], strict=True)
    markers = {name: style.LOOKS[category].marker for name, category in categories}
    sns.scatterplot(
        looks_of.of(rows), x=x, y=y, **looks_of.by_name, markers=markers, legend=False, ax=axes,
        zorder=3, **{"linewidth": 0.5} | options,
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")


def draw_medians(axes: Axes, rows: pd.DataFrame, x: str, y: str, looks_of: Looks) -> None:
    """One bold line per category of thin models: the median at each abscissa."""
    sns.lineplot(
        looks_of.of(rows), x=x, y=y, hue="category", style="category", palette=style.COLOURS,
        markers=style.MARKERS, dashes=False, estimator="median", errorbar=None, legend=False,
        ax=axes, zorder=4, linewidth=1.8, markersize=5, markeredgewidth=0.4,
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")


def draw_depths(axes: Axes, layers: pd.DataFrame, score: str, looks_of: Looks) -> None:
    """Every model's line over the relative depth of its layers, and dots at chosen ones.

    With models too many to be told apart, bold lines are the medians of categories instead of dots.

    Parameters
    ----------
    layers : one row or several (folds, whose standard error is a band) for every layer: model,
        weights, depth, `score` and the share of choices that fell on it (`chosen`).
    """
    draw_lines(axes, layers, "depth", score, looks_of, "se")
    means = layers.groupby([*KEYS, "depth"], observed=True)[[score, "chosen"]].mean().reset_index()
    if looks_of.thin:
        courses = []
        for key, some in means.groupby(KEYS, observed=True):
            values = np.interp(COMMON_DEPTHS, some.depth, some[score])
            course = pd.DataFrame({"depth": COMMON_DEPTHS, score: values})
            courses.append(course.assign(**dict(zip(KEYS, key, strict=True))))
        draw_medians(axes, pd.concat(courses), "depth", score, looks_of)
    else:
        picked = means[(means["chosen"] > 0) & means[score].notna()]
        draw_dots(axes, picked, "depth", score, looks_of, s=8 + 70 * picked["chosen"].to_numpy())
    axes.set(xlabel="relative depth of the layer", xlim=(-0.04, 1.04))
