"""Specification curve: every answer in order, and below it the choices that gave it."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from itcortex.figures import style
from itcortex.figures.names import shorten

FALLS, RISES, OPEN = "#D55E00", "#0072B2", "#9A9A9A"
SIGNS = {"falls": FALLS, "rises": RISES, "open": OPEN}
WIDTH, CURVE, LINE = 6.75, 2.2, 0.135  # inches: figure, curve, one value of a choice
LEFT, RIGHT, TOP, BOTTOM, GAP = 1.75, 0.15, 0.3, 0.45, 0.12
MOST_VALUES = 14  # of a choice; more (windows of a long course) are drawn as every n-th


@style.styled
def draw(multiverse: pd.DataFrame, influence: pd.DataFrame) -> Figure:
    """The curve over a matrix of choices; choices with one value alone are left out.

    Parameters
    ----------
    multiverse, influence : tables of `itcortex.tables.multiverse`.
    """
    if multiverse.empty:
        figure = style.new_figure(3.5, 1.5)
        style.message(figure.add_subplot(), "fewer than five trained networks: no specification")
        return figure
    rows = multiverse.sort_values("value", kind="stable", ignore_index=True)
    rows = rows.assign(place=np.arange(1, len(rows) + 1), sign=_signs(rows))
    choices = influence[influence["values"] > 1].to_dict("records")
    counts = [len(_values(rows, one["choice"])) for one in choices]
    height = TOP + CURVE + BOTTOM + sum(GAP + LINE * (count + 1) for count in counts)
    figure = style.new_figure(WIDTH, height)
    width = WIDTH - LEFT - RIGHT
    curve = style.axes_at(figure, LEFT, TOP, width, CURVE)
    _curve(curve, rows)
    top = TOP + CURVE + GAP
    for one, count in zip(choices, counts, strict=True):
        axes = style.axes_at(figure, LEFT, top + LINE, width, LINE * count)
        _choice(axes, rows, one)
        top += GAP + LINE * (count + 1)
    figure.axes[-1].tick_params(labelbottom=True, bottom=True)
    figure.axes[-1].set_xlabel("specifications, in the order of their answer")
    return figure


def _signs(rows: pd.DataFrame) -> pd.Series:
    """Whether the interval lies below zero, above it, or holds it (or is none)."""
    sign = pd.Series("open", index=rows.index)
    return sign.mask(rows["high"] < 0, "falls").mask(rows["low"] > 0, "rises")


def _curve(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axhline(0, color=style.GREY, linewidth=0.8, zorder=1)
    band = {"color": style.PALE, "alpha": 0.8, "linewidth": 0, "zorder": 1, "step": "mid"}
    axes.fill_between(rows["place"], rows["low"], rows["high"], **band)
    sns.scatterplot(
        rows, x="place", y="value", hue="sign", palette=SIGNS, s=6, linewidth=0, legend=False,
        ax=axes, zorder=3, rasterized=len(rows) > 500,
    )  # fmt: skip
    main = rows[rows["main"]]
    axes.plot(main["place"], main["value"], "D", color=style.INK, markersize=4, zorder=4)
    below = 100 * (rows["value"] < 0).mean()
    title = f"{len(rows)} specifications, {below:.0f} % below zero"
    axes.set_title(title, loc="left", fontsize=9)
    axes.set(ylim=(-1, 1), xlim=(0, len(rows) + 1), xlabel="", ylabel="Spearman ρ")
    axes.tick_params(labelbottom=False)


def _values(rows: pd.DataFrame, choice: str) -> list[str]:
    """Values of a choice in the order of its rows, from top to bottom."""
    values = rows[choice].drop_duplicates()
    numeric = pd.to_numeric(values.astype(str).str.split("-").str[0], errors="coerce")
    ordered = values.iloc[np.lexsort((values.astype(str), numeric.fillna(-1)))]
    step = -(-len(ordered) // MOST_VALUES)
    return [str(value) for value in ordered][::step]


def _choice(axes: Axes, rows: pd.DataFrame, one: dict) -> None:
    """A mark for every specification on the line of the value that it chose."""
    names = _values(rows, one["choice"])
    line = rows[one["choice"]].astype(str).map({name: k for k, name in enumerate(names)})
    known = rows.assign(line=line).dropna(subset="line")
    sns.scatterplot(
        known, x="place", y="line", hue="sign", palette=SIGNS, marker="|", s=9, linewidth=0.6,
        legend=False, ax=axes, rasterized=len(rows) > 500,
    )  # fmt: skip
    moves = one["moves"]
    moved = "" if not np.isfinite(moves) else f" ({moves:.2f})"
    axes.set_title(f"{one['choice']}{moved}", loc="left", fontsize=8, pad=1, x=-0.34)
    axes.set_yticks(range(len(names)), [shorten(name, 26) for name in names], fontsize=7)
    axes.set(xlim=(0, len(rows) + 1), ylim=(len(names) - 0.5, -0.5), xlabel="", ylabel="")
    axes.tick_params(labelbottom=False, bottom=False)
