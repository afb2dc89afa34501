"""Variance that each of two networks explains beyond the other, and that both share, pair by pair."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from itcortex.figures import style
from itcortex.figures.names import wrap
from itcortex.tables.condition_contrasts import LABELS

KEYS = ["model", "weights"]
#: Columns of the table, what they are called, and how they are drawn.
PARTS = {
    "unique": ("first network only", "#D55E00", "*", 9.0),
    "shared": ("both", style.GREY, "s", 5.2),
    "unique_other": ("second network only", "#0072B2", "o", 5.4),
}
#: Parts of the left and of the right axes of a panel: what both share is a hundred times the rest.
AXES = (("unique", "unique_other"), ("shared",))
TALLEST = 10.0  # inches, of all panels: with more pairs, lines come nearer
_ROW, _LEAST, _LINE = 0.34, 0.16, 0.125  # inches: a pair, the nearest pairs, a line of its names
_LETTERS = 30
_SEEDS = {
    "marker": "|",
    "markersize": 4.5,
    "markeredgewidth": 0.8,
    "linestyle": "none",
    "alpha": 0.8,
}
_BESIDE = 0.17  # of a row, how far seeds stand from the mean of them


def of_conditions(table: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """The table `unique_variance` with `condition`, `strength` and `seed` of every pair's first network.

    `models` is the table `models`; networks that were not trained here have the condition "".
    """
    known = models[[*KEYS, "condition", "strength", "seed"]].astype(dict.fromkeys(KEYS, str))
    rows = table.astype(dict.fromkeys(KEYS, str)).merge(known, "left", on=KEYS)
    return rows.assign(condition=rows["condition"].fillna(""))


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for every pair, or network, condition and strength, of every recording: means over seeds.

    The interval is the mean of the intervals of the seeds, over images and sites. Seeds are not drawn:
    what differs between them is in `{part}_lowest` and `{part}_highest`. `pair` names the row.

    `rows` are as of `of_conditions`; conditions come in the order of `LABELS`.
    """
    rows = rows.assign(pair=_pairs(rows))
    values = [f"{part}{end}" for part in PARTS for end in ("", "_low", "_high")]
    groups = rows.groupby(["pair", "recording"], sort=False, observed=True)
    means = groups[["model", "condition", "strength"]].first().join(groups[values].mean())
    for part in PARTS:
        means[f"{part}_lowest"], means[f"{part}_highest"] = groups[part].min(), groups[part].max()
    means = means.join(groups.size().rename("n_seeds")).reset_index()
    order = {name: place for place, name in enumerate(["", *LABELS])}
    models = {name: place for place, name in enumerate(means["model"].unique())}
    keys = [means["model"].map(models), means["condition"].map(order), means["strength"].fillna(0)]
    return means.iloc[np.lexsort([*reversed(keys)])].reset_index(drop=True)


@style.styled
def draw(table: pd.DataFrame) -> Figure:
    """A panel for every recording, a line for every pair: shares of variance with 95 % intervals.

    `table` is what `of_conditions` makes. Pairs that differ in the seed alone are one line, with a small
    mark for each seed beside it.
    """
    means = over_seeds(table)
    recordings = list(dict.fromkeys(table["recording"].astype(str)))
    lines = _lines(means)
    tall = _height(lines, -(-len(recordings) // 2))
    figure, places = style.panel_grid(
        recordings, tall * len(lines) + 0.1, _handles(means), columns=2, notes=1, sides=(2.0, 0.15),
        between=0.25, foot=0.55,
    )  # fmt: skip
    for (place, title), recording in zip(places, recordings, strict=True):
        some = means[means["recording"].astype(str) == recording]
        seeds = table[table["recording"].astype(str) == recording]
        seeds = seeds.assign(pair=_pairs(seeds))
        _draw_panel(figure, place, title, some, seeds, lines)
    return figure


def _draw_panel(
    figure: Figure, place: SubplotSpec, title: str, means: pd.DataFrame, seeds: pd.DataFrame,
    lines: Sequence[tuple[str, str]],
) -> None:  # fmt: skip
    """One recording: what one network alone explains, and beside it what both do."""
    y = {pair: k for k, (pair, _) in enumerate(lines)}
    several = seeds[seeds["pair"].isin(means["pair"][means["n_seeds"] > 1])]
    for column, (cell, parts) in enumerate(
        zip(place.subgridspec(1, 2, width_ratios=(3, 2), wspace=0.12), AXES, strict=True)
    ):
        axes = figure.add_subplot(cell)
        shifts = np.linspace(-0.2, 0.2, len(parts)) if len(parts) > 1 else (0.0,)
        for shift, part in zip(shifts, parts, strict=True):
            _, colour, marker, size = PARTS[part]
            at = means["pair"].map(y).astype(float) + shift
            axes.hlines(at, means[f"{part}_low"], means[f"{part}_high"], colour, linewidth=1.2)
            axes.plot(
                means[part], at, linestyle="none", marker=marker, color=colour, markersize=size
            )
            beside = several["pair"].map(y).astype(float) + shift + np.copysign(_BESIDE, shift or 1)
            axes.plot(several[part], beside, color=colour, **_SEEDS)
        _finish(axes, lines, first=column == 0)
        if column == 0:
            axes.axvline(0, color=style.PALE, linewidth=0.8, zorder=0)
            style.head(axes, title, "share of variance")
            if place.is_first_col():
                axes.set_yticklabels([label for _, label in lines])
                for text, (pair, _) in zip(axes.get_yticklabels(), lines, strict=True):
                    text.set_fontweight("normal" if pair else "bold")


def _finish(axes: Axes, lines: Sequence[tuple[str, str]], first: bool) -> None:
    axes.set(ylim=(len(lines) - 0.4, -0.6), yticks=range(len(lines)))
    axes.set_yticklabels([])
    axes.tick_params(axis="y", length=0)
    if not first:
        axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(2))
    axes.set_xlabel("one network alone" if first else "both")


def _pairs(rows: pd.DataFrame) -> list[str]:
    """What names the pair of every row: the network, condition and strength, or both networks."""
    return [
        f"{row.model}\0{row.condition}\0{row.strength:g}"
        if row.condition
        else f"{row.model} {row.weights}\0{row.other_model} {row.other_weights}"
        for row in rows.itertuples()
    ]


def _lines(means: pd.DataFrame) -> list[tuple[str, str]]:
    """Lines of a panel from above: pair (empty above the conditions of one network), and its label."""
    lines, above = [], None
    trained = means[means["condition"] != ""]
    several = trained.groupby(["model", "condition"])["strength"].nunique().gt(1).any()
    for row in means.drop_duplicates("pair").itertuples():
        if not row.condition:
            lines.append((row.pair, _names(*row.pair.split("\0"))))
            continue
        if row.model != above:
            lines.append(("", wrap(row.model, _LETTERS)))
            above = row.model
        label = LABELS[row.condition] + (f", {row.strength:g}" if several else "")
        lines.append((row.pair, label))
    return lines


def _names(first: str, second: str) -> str:
    """Names of both networks in lines; a model's name stands once where it is that of both."""
    (model, weights), (other, other_weights) = (one.split(" ", 1) for one in (first, second))
    lines = [model, weights, f"and {other_weights}"] if model == other else [first, f"and {second}"]
    return "\n".join(wrap(line, _LETTERS) for line in lines)


def _height(lines: Sequence[tuple[str, str]], n_rows: int) -> float:
    """Inches of a line of a panel: as its names need, and nearer where there are many of one line."""
    written = max(label.count("\n") + 1 for _, label in lines)
    if written > 1:
        return max(_ROW, _LINE * (1.5 + written))
    return float(np.clip(TALLEST / (n_rows * len(lines)), _LEAST, _ROW))


def _handles(means: pd.DataFrame) -> list[Line2D]:
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=size, label=label)
        for label, colour, marker, size in PARTS.values()
    ]
    if (means["n_seeds"] > 1).any():
        handles.append(Line2D([], [], color=style.GREY, label="seeds", **_SEEDS))
    return handles
