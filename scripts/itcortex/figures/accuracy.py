"""Panels over ImageNet accuracy: trained networks at their top-1 (%), untrained ones at chance.

The figures of predictivity, of RSA and of human attention share these axes, points and names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from itcortex.figures import labels, style
from itcortex.tables import panels
from itcortex.tables.condition_contrasts import CONTROLS, HUMAN
from itcortex.tables.numbers import bounds, number
from itcortex.tables.trend_limits import MINIMUM_MODELS

UNTRAINED = "untrained"
BAR = {"linewidth": 1.2, "alpha": 0.8, "zorder": 2.5}
THIN_BAR = {"linewidth": 0.7, "alpha": 0.45, "zorder": 2.5}
#: Of the abscissa, between conditions of networks that stand at the accuracy of their start.
STEP = 0.07
#: What stands at a borrowed accuracy is drawn on this ground.
BORROWED = {"color": "#F6F0DC", "alpha": 1, "linewidth": 0, "zorder": -1}
LARGE, SMALL = 1.1, 0.8  # markers, where models are few and where they are many
SLASH = {"marker": [(-0.5, -1), (0.5, 1)], "markersize": 7, "linestyle": "none",
         "color": style.GREY, "markeredgewidth": 0.9, "clip_on": False}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Axes of one panel: of trained networks and, if there are any, of untrained ones on their left."""

    trained: Axes
    strip: Axes | None = None

    @property
    def both(self) -> list[Axes]:
        """The axes there are, from left to right."""
        return [axes for axes in (self.strip, self.trained) if axes is not None]

    @property
    def left(self) -> Axes:
        """The axes that carry the title and the ordinate."""
        return self.strip or self.trained

    @property
    def extent(self) -> Bbox:
        """The panel's box (px)."""
        return Bbox.union([axes.get_window_extent() for axes in self.both])

    def axes_of(self, category: str) -> Axes:
        """The axes that networks of a category are drawn in."""
        return self.strip if category == UNTRAINED and self.strip else self.trained


def add_pair(
    figure: Figure,
    place: SubplotSpec,
    rows: pd.DataFrame,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    strip: tuple[float, float] = (0.2, 0.05),
) -> Pair:
    """Axes for `rows` (columns category and top1) with these limits, split if they must be.

    `strip` holds the width of the strip over that of the rest, and the gap between the two over
    their mean width. The strip comes first in `figure.axes`.
    """
    chance = rows[rows.category == UNTRAINED].top1.dropna()
    if chance.empty:
        pair = Pair(figure.add_subplot(place))
    else:
        left, right = place.subgridspec(1, 2, width_ratios=[strip[0], 1], wspace=strip[1])
        at_chance = figure.add_subplot(left)
        pair = Pair(figure.add_subplot(right, sharey=at_chance), at_chance)
        at_chance.set(xlim=(-0.5, 0.5), xticks=[0], xticklabels=[f"{chance.iloc[0]:g}"])
        pair.trained.patch.set_visible(False)  # names of the strip's points may reach over
        pair.trained.spines["left"].set_visible(False)
        pair.trained.tick_params(left=False, labelleft=False)
        for axes, end in ((at_chance, 1), (pair.trained, 0)):
            axes.plot([end], [0], transform=axes.transAxes, **SLASH)
    pair.trained.set(xlim=xlim, ylim=ylim)
    return pair


def limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Abscissa (%) around the trained networks of `rows`, with room for those that `dodged` moves."""
    trained = rows[rows.category != UNTRAINED].top1
    if trained.isna().all():
        return 0.0, 100.0
    margin = max(0.12 * (trained.max() - trained.min()), 1.5)
    low, high = trained.min() - margin, trained.max() + margin
    moved = "borrowed" in rows and rows.borrowed.any()
    return low, high + moved * (len(CONTROLS) + 2) * STEP * (high - low)


def ordinate(scores: np.ndarray, room: float) -> tuple[float, float]:
    """Limits of an ordinate with zero and all defined scores, and a share `room` of it on both sides."""
    values = np.append(np.asarray(scores, dtype=float), 0.0)
    bottom, top = np.nanmin(values), np.nanmax(values)
    margin = room * max(top - bottom, 0.1)
    return bottom - margin, top + margin


def abscissa_label(without: int = 0) -> str:
    """Label of the abscissa; says how many networks have no value and are not drawn."""
    noun = "model" if without == 1 else "models"
    missing = f"\n{without} {noun} without a value" if without else ""
    return "ImageNet top-1 (%)" + missing


def rho_text(trend: Mapping) -> str:
    """A rank correlation with its interval: `value`, `low`, `high` and `n_models`."""
    ends = trend["low"], trend["high"]
    interval = " [{}, {}]".format(*bounds(*ends)) if np.isfinite(ends).all() else ""
    if not np.isfinite(trend["value"]):
        noun = "model" if trend["n_models"] == 1 else "models"
        return f"no ρ: {trend['n_models']} {noun}, {MINIMUM_MODELS} are needed"
    return f"ρ = {number(trend['value'])}{interval}, n = {trend['n_models']}"


def placed(rows: pd.DataFrame, spread: float = 0.22) -> pd.DataFrame:
    """`rows` with their abscissa `x`: top-1, or for untrained networks a place in the strip.

    Untrained ones stand side by side in the order of the rows, at most `spread` from the middle.
    """
    untrained = rows.category == UNTRAINED
    reach = spread if untrained.sum() > 1 else 0.0
    rows = rows.assign(x=rows.top1.astype(float))
    rows.loc[untrained, "x"] = np.linspace(-reach, reach, untrained.sum())
    return rows


def at_starts(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` in which networks without an accuracy of their own stand at that of their start.

    Of a network that was fine-tuned here with its own answers as labels no accuracy is known. If its
    `condition` says that it is compared with others, it gets the top-1 of the fetched weights of its
    model, where these have one alone; controls get their condition as category, and `borrowed` is true.
    """
    trained = rows.condition.fillna("") != ""
    fetched = rows[~trained & np.isfinite(rows.top1)]
    of_models = fetched.groupby(fetched.model.astype(str))["top1"]
    known = of_models.first()[of_models.nunique() == 1]
    borrowed = trained & rows.top1.isna() & rows.model.astype(str).isin(known.index)
    top1 = rows.top1.where(~borrowed, rows.model.astype(str).map(known))
    return panels.by_condition(rows).assign(top1=top1, borrowed=borrowed)


def dodged(rows: pd.DataFrame, step: float) -> pd.DataFrame:
    """`rows` whose abscissa `x` is moved right, by condition, where the accuracy is borrowed."""
    places = {name: k * step for k, name in enumerate(("none", HUMAN, *CONTROLS), start=1)}
    moved = rows.condition.map(places).astype(float).fillna(0.0).where(rows.borrowed, 0.0)
    return rows.assign(x=rows.x + moved)


def mark_borrowed(axes: Axes, points: pd.DataFrame, step: float) -> None:
    """A ground of its own behind the points (of `dodged`) whose accuracy is that of their start."""
    moved = points[points.borrowed]
    for _, rows in moved.groupby(moved.model.astype(str), sort=False):
        axes.axvspan(rows.x.min() - 0.6 * step, rows.x.max() + 0.6 * step, **BORROWED)


def borrowed_handle(rows: pd.DataFrame) -> list[Patch]:
    """Legend entry of the ground behind points at a borrowed accuracy, where there are any."""
    text = "accuracy not measured: beside their start"
    return [Patch(label=text, **BORROWED)] if rows.borrowed.any() else []


def draw_points(pair: Pair, points: pd.DataFrame, score: str, size: float = LARGE) -> None:
    """Draw every row of `points` at (x, score) as a marker of `size` times its category's size.

    Intervals are the columns `{score}_low` and `{score}_high`. Rare categories lie on top of frequent
    ones.
    """
    counts = points.category.map(points.category.value_counts()).astype(int)
    points = points.loc[counts.sort_values(ascending=False, kind="stable").index]
    bar = BAR if size == LARGE else THIN_BAR
    for axes in pair.both if len(points) else ():
        rows = points[[pair.axes_of(name) is axes for name in points.category]]
        if f"{score}_low" in rows:
            colours = [style.category(name).colour for name in rows.category]
            axes.vlines(rows.x, rows[f"{score}_low"], rows[f"{score}_high"], colours, **bar)
        sns.scatterplot(
            rows, x="x", y=score, hue="category", style="category", size="category",
            palette=style.COLOURS, markers=style.MARKERS,
            sizes={name: (size * look.size) ** 2 for name, look in style.LOOKS.items()},
            linewidth=0.5, legend=False, zorder=3, ax=axes,
        )  # fmt: skip
        axes.set(xlabel="", ylabel="")


def name_points(
    figure: Figure, pair: Pair, points: pd.DataFrame, score: str, obstacles: Iterable[Bbox] = ()
) -> None:
    """Write the models' names beside their points, off the points and their intervals.

    `points` have columns x, `score` and, where there are intervals, `{score}_low` and `_high`, `x_low`
    and `x_high`;
    `colour`, where it is there, is the names' colour instead of their category's. `obstacles` are
    further boxes (px) to keep clear.
    """
    names, obstacles = [], list(obstacles)
    for row, text in zip(points.to_dict("records"), panels.model_names(points), strict=True):
        axes, y = pair.axes_of(row["category"]), row[score]
        colour = row.get("colour", style.category(row["category"]).colour)
        names.append(labels.Label(axes, row["x"], y, text, colour))
        obstacles.append(around(axes, row["x"], y))
        ends = [row.get(f"{score}_{end}", np.nan) for end in ("low", "high")]
        if np.isfinite(ends).any():
            ends = [(row["x"], end(ends)) for end in (np.nanmin, np.nanmax)]
            (x, low), (_, high) = axes.transData.transform(ends)
            obstacles.append(Bbox.from_extents(x - 2, low, x + 2, high))
        if np.isfinite([row.get("x_low", np.nan), row.get("x_high", np.nan)]).all():
            ends = [(row[end], y) for end in ("x_low", "x_high")]
            (low, y), (high, _) = axes.transData.transform(ends)
            obstacles.append(Bbox.from_extents(low, y - 2, high, y + 2))
    labels.place(figure, names, obstacles, pair.extent)


def around(axes: Axes, x: float, y: float) -> Bbox:
    """The box (px) that a marker at (x, y) covers."""
    x, y = axes.transData.transform((x, y))
    return Bbox.from_bounds(x - 5, y - 5, 10, 10)


def category_handles(categories: Iterable[str]) -> list[Line2D]:
    """Legend entries of the categories that are there; an unknown one is an error."""
    present = {name: style.category(name) for name in categories}
    return [
        Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, label=look.label,
               markersize=look.size, markeredgecolor="white", markeredgewidth=0.5)
        for name, look in style.LOOKS.items() if name in present
    ]  # fmt: skip
