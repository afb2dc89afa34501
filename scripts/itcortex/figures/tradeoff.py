"""Predictivity against ImageNet accuracy, one panel per recording (the paper's main figure)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from itcortex import panels
from itcortex.figures import labels, style
from itcortex.statistics import MINIMUM_MODELS, ONE_TEST, baseline, frontier

MOST_NAMED = 12  # models in a panel; with more, names hide the points
FRONTIER = {"color": "#B8B8B8", "linewidth": 7, "alpha": 0.65, "solid_joinstyle": "round"}
UNTRAINED_BAND = {"color": style.CATEGORIES["untrained"].colour, "alpha": 0.13, "linewidth": 0}
SHUFFLED = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}


@style.styled
def draw(
    summary: pd.DataFrame,
    tradeoff: pd.DataFrame | None = None,
    score: str = "r_over_ceiling",
    arrows: bool = True,
) -> Figure:
    """Score against top-1 accuracy (%) with 95 % intervals, in the main window.

    Parameters
    ----------
    summary : the summary table. Where it has a column `baseline` ("model weights", empty for
        others), an arrow runs from that model to its harmonized twin.
    tradeoff : the trade-off table; its rank correlation is written into the panels.
    score : column of the summary on the ordinate.
    arrows : draw the arrows to harmonized twins.
    """
    main = summary[summary.main_window.astype(bool)]
    shown = panels.of_summary(main)
    figure, places = style.panel_grid(
        len(shown), (3.2, 3.0), (0.75, 0.4, 0.62), _handles(main, score), (0.5, 1.3)
    )
    limits = _limits(main, score)
    for place, panel in zip(places, shown, strict=True):
        rows = panel.of(main)
        axes, strip = _axes(figure, place, rows, limits)
        _background(axes, strip, rows, score)
        _points(axes, strip, rows, score)
        if arrows and "baseline" in rows:
            _arrows(axes, rows, score)
        left = strip or axes
        _head(left, panel.title, _rank_text(panel, tradeoff, score))
        axes.set_xlabel(_abscissa(rows, score))
        _ceiling_note(axes, rows, score)
        style.label_ordinate(left, place, style.SCORES.get(score, score))
    for axes in figure.axes:
        axes.set_autoscale_on(False)
    _name_models(figure, shown, main, score)
    return figure


def _head(axes: Axes, title: str, below: str) -> None:
    """Title of a panel with a smaller line under it."""
    axes.set_title(title, loc="left", pad=19, fontweight="bold")
    axes.annotate(
        below, (0, 1), (0, 6), va="bottom", fontsize=8, color=style.GREY,
        xycoords="axes fraction", textcoords="offset points",
    )  # fmt: skip


def _limits(main: pd.DataFrame, score: str) -> tuple[float, float, float, float]:
    """Axis limits shared by all panels: accuracy of trained models (%), score with intervals."""
    trained = main[main.category != "untrained"].top1
    low, high = (trained.min(), trained.max()) if trained.notna().any() else (0.0, 100.0)
    margin = max(0.12 * (high - low), 1.5)
    columns = [c for c in (score, f"{score}_low", f"{score}_high") if c in main]
    values = np.append(main[columns].to_numpy(float), 0.0)
    bottom, top = np.nanmin(values), np.nanmax(values)
    room = 0.07 * max(top - bottom, 0.1)
    return low - margin, high + margin, bottom - room, top + room


def _axes(
    figure: Figure, place: SubplotSpec, rows: pd.DataFrame, limits: tuple
) -> tuple[Axes, Axes | None]:
    """Axes for trained models and, for untrained ones if any, a strip at chance on their left."""
    left, right, bottom, top = limits
    if not (rows.category == "untrained").any():
        axes, strip = figure.add_subplot(place), None
    else:
        halves = place.subgridspec(1, 2, width_ratios=[0.2, 1], wspace=0.05)
        strip = figure.add_subplot(halves[0])
        axes = figure.add_subplot(halves[1], sharey=strip)
        chance = rows[rows.category == "untrained"].top1.iloc[0]
        strip.set(xlim=(-0.5, 0.5), xticks=[0], xticklabels=[f"{chance:g}"])
        axes.patch.set_visible(False)  # names of the strip's points may reach over
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False, labelleft=False)
        slash = {"marker": [(-0.5, -1), (0.5, 1)], "markersize": 7, "linestyle": "none",
                 "color": style.GREY, "markeredgewidth": 0.9, "clip_on": False}  # fmt: skip
        strip.plot([1], [0], transform=strip.transAxes, **slash)
        axes.plot([0], [0], transform=axes.transAxes, **slash)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return axes, strip


def _background(axes: Axes, strip: Axes | None, rows: pd.DataFrame, score: str) -> None:
    """Frontier of the trained models, range of the untrained ones, control around zero."""
    models = _trained(rows, score)
    if len(models) >= MINIMUM_MODELS:
        axes.plot(*frontier(models.top1.to_numpy(), models[score].to_numpy()).T, **FRONTIER)
    both = [axes] if strip is None else [axes, strip]
    real = rows[rows.control == "none"]
    untrained = real[real.category == "untrained"][score].dropna()
    shuffled = rows[rows.control == "shuffled_images"][score].dropna()
    for one in both:
        if len(untrained):
            one.axhspan(untrained.min(), untrained.max(), **UNTRAINED_BAND)
        if len(shuffled):
            one.axhline(shuffled.mean(), **SHUFFLED)
            one.axhspan(shuffled.min(), shuffled.max(), color=style.INK, alpha=0.08, linewidth=0)


def _trained(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Models that the trade-off statistics are about and that have both numbers."""
    models = baseline(rows)
    return models[np.isfinite(models.top1) & np.isfinite(models[score])]


def _placed(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Rows that can be drawn, with their abscissa `x`: accuracy, or a place in the strip."""
    rows = rows[(rows.control == "none") & np.isfinite(rows.top1) & np.isfinite(rows[score])]
    rows = rows.assign(x=rows.top1)
    untrained = rows.index[rows.category == "untrained"]
    spread = 0.22 if len(untrained) > 1 else 0.0
    rows.loc[untrained, "x"] = np.linspace(-spread, spread, len(untrained))
    return rows


def _points(axes: Axes, strip: Axes | None, rows: pd.DataFrame, score: str) -> None:
    """One marker a model with its interval; rare categories on top of frequent ones."""
    placed = _placed(rows, score)
    crowded = len(placed) > MOST_NAMED
    for name in placed.category.value_counts().index:
        look, some = style.category(name), placed[placed.category == name]
        where = strip if name == "untrained" else axes
        if f"{score}_low" in some:
            where.vlines(
                some.x, some[f"{score}_low"], some[f"{score}_high"], color=look.colour,
                linewidth=0.7 if crowded else 1.2, alpha=0.45 if crowded else 0.8, zorder=2.5,
            )  # fmt: skip
        where.plot(
            some.x, some[score], look.marker, color=look.colour, zorder=3, label=name,
            markersize=look.size * (0.8 if crowded else 1.1), markeredgecolor="white",
            markeredgewidth=0.5,
        )  # fmt: skip


def _arrows(axes: Axes, rows: pd.DataFrame, score: str) -> None:
    """An arrow from every baseline model to its harmonized twin."""
    placed = _placed(rows, score)
    placed = placed.set_index(placed.model + " " + placed.weights)
    twins = placed[(placed.category == "harmonized") & placed.baseline.isin(placed.index)]
    for twin in twins.itertuples():
        start = placed.loc[twin.baseline]
        axes.annotate(
            "", (twin.x, getattr(twin, score)), (start.x, start[score]), zorder=2.8,
            arrowprops={"arrowstyle": "-|>", "color": style.CATEGORIES["harmonized"].colour,
                        "lw": 1.0, "shrinkA": 3, "shrinkB": 5, "mutation_scale": 8},
        )  # fmt: skip


def _rank_text(panel: panels.Panel, tradeoff: pd.DataFrame | None, score: str) -> str:
    """The rank correlation with its interval, or why there is none."""
    if tradeoff is None or tradeoff.empty:
        return ""
    found = panel.of(tradeoff)
    found = found[(found.statistic == "spearman") & (found.group == "all") & (found.score == score)]
    if found.empty:
        return ""
    one = found.iloc[0]
    if not np.isfinite(one.value):
        return f"no rank correlation: {one.note.split(';')[0]}"
    interval = f" [{one.low:.2f}, {one.high:.2f}]" if np.isfinite(one.low) else ""
    text = f"Spearman ρ = {one.value:.2f}{interval}, {one.n_models} models"
    return text.replace("-", "\N{MINUS SIGN}")


def _abscissa(rows: pd.DataFrame, score: str) -> str:
    """Label of the abscissa; counts the models that have no value and are not drawn."""
    real = rows[rows.control == "none"]
    without = int((~(np.isfinite(real.top1) & np.isfinite(real[score]))).sum())
    noun = "model" if without == 1 else "models"
    missing = f"\nnot shown: {without} {noun} without a value" if without else ""
    return "ImageNet top-1 accuracy (%)" + missing


def _ceiling_note(axes: Axes, rows: pd.DataFrame, score: str) -> None:
    """Write the raw noise ceiling along the right edge of a panel of ceiled scores."""
    known = rows[np.isfinite(rows.ceiling)]
    if score != "r_over_ceiling" or known.empty:
        return
    one = known.iloc[0]
    axes.annotate(
        f"noise ceiling r = {one.ceiling:.2f} ({str(one.ceiling_name).replace('_', ' ')})",
        (1, 0.5), (5, 0), xycoords="axes fraction", textcoords="offset points", rotation=90,
        ha="left", va="center", fontsize=8, color=style.GREY,
    )  # fmt: skip


def _handles(main: pd.DataFrame, score: str) -> list:
    """Legend: the categories that are there, frontier, range of the untrained, control."""
    handles = [
        Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, label=look.label,
               markersize=look.size, markeredgecolor="white", markeredgewidth=0.5)
        for name, look in style.CATEGORIES.items()
        if (main.category == name).any()
    ]  # fmt: skip
    if (main.category == "untrained").any():
        handles.append(Patch(label="range of untrained", **UNTRAINED_BAND))
    if any(
        len(_trained(rows, score)) >= MINIMUM_MODELS
        for _, rows in main.groupby(ONE_TEST, observed=True)
    ):
        handles.append(
            Patch(label="convex upper frontier", color=FRONTIER["color"], alpha=0.65, lw=0)
        )
    if (main.control == "shuffled_images").any():
        handles.append(Line2D([], [], label="shuffled images (control)", **SHUFFLED))
    return handles


def _name_models(figure: Figure, shown: list, main: pd.DataFrame, score: str) -> None:
    """Write the models' names beside their points, in panels with few of them."""
    axes = iter(figure.axes)
    for panel in shown:
        rows = panel.of(main)
        strip = next(axes) if (rows.category == "untrained").any() else None
        right = next(axes)
        placed = _placed(rows, score)
        if len(placed) > MOST_NAMED:
            continue
        names, obstacles = [], []
        for row, text in zip(placed.to_dict("records"), panels.model_names(placed), strict=True):
            where = strip if row["category"] == "untrained" else right
            look = style.category(row["category"])
            names.append(labels.Label(where, row["x"], row[score], text, look.colour))
            low, high = row.get(f"{score}_low", np.nan), row.get(f"{score}_high", np.nan)
            ends = [value for value in (low, high) if np.isfinite(value)] or [row[score]]
            x, y = where.transData.transform((row["x"], row[score]))
            obstacles.append(Bbox.from_bounds(x - 5, y - 5, 10, 10))
            bar = where.transData.transform([(row["x"], min(ends)), (row["x"], max(ends))])[:, 1]
            obstacles.append(Bbox.from_extents(x - 2, bar[0], x + 2, bar[1]))
        within = Bbox.union([a.get_window_extent() for a in (strip, right) if a is not None])
        labels.place(figure, names, obstacles, within)
