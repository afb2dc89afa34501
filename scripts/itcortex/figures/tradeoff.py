"""Predictivity against ImageNet accuracy, one panel per recording (the paper's main figure)."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from itcortex.figures import accuracy, style, twins
from itcortex.figures.models import MOST_NAMED
from itcortex.tables import panels
from itcortex.tables.numbers import number
from itcortex.tables.statistics import ONE_TEST, baseline, frontier
from itcortex.tables.trend_limits import MINIMUM_MODELS

FRONTIER = {"color": "#B8B8B8", "linewidth": 7, "alpha": 0.65, "solid_joinstyle": "round"}
UNTRAINED_BAND = {"color": style.CATEGORIES["untrained"].colour, "alpha": 0.13, "linewidth": 0}
BENEATH = {"color": "#A8A8A8", "s": 8, "linewidth": 0, "alpha": 0.6, "zorder": 1.5}
SHUFFLED = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}


@style.styled
def draw(
    summary: pd.DataFrame,
    tradeoff: pd.DataFrame | None = None,
    score: str = "r_over_ceiling",
    arrows: bool = True,
    published: pd.DataFrame | None = None,
) -> Figure:
    """Score against top-1 accuracy (%) with 95 % intervals, in the main window.

    Parameters
    ----------
    summary : the summary table. Arrows run from the network in column `baseline` to its harmonized
        twins, strength by strength; seeds of one strength are dots around their mean. Networks whose
        accuracy is not known stand at that of the network they start from (`accuracy.at_starts`).
    tradeoff : the trade-off table; its rank correlation is written into the panels.
    score : column of the summary on the ordinate.
    arrows : draw the arrows to harmonized twins.
    published : published scores in their layout; those that were read off a figure of the same
        recordings lie beneath our points where both are r over a ceiling.
    """
    main = summary[summary.main_window.astype(bool)]
    placed = accuracy.at_starts(main)
    shown, beneath = panels.of_summary(main), _read_off(published, score)
    few = len(main[main.condition == ""].drop_duplicates(["model", "weights"])) <= MOST_NAMED
    notes = 1 + (score == "r_over_ceiling")
    figure, places = style.panel_grid(
        [panel.title for panel in shown], 2.4, _handles(main, placed, score, beneath), notes=notes,
        columns=2 if few else 3, foot=0.6 if _without(placed, score) else 0.48,
    )  # fmt: skip
    columns = [c for c in (score, f"{score}_low", f"{score}_high") if c in main]
    xlim, ylim = accuracy.limits(placed), accuracy.ordinate(main[columns].to_numpy(float), 0.07)
    named = []
    for (place, title), panel in zip(places, shown, strict=True):
        rows = panel.of(main)
        pair = accuracy.add_pair(figure, place, rows, xlim, ylim)
        _background(pair, rows, score)
        others = beneath[beneath.recording == panel.recording]
        sns.scatterplot(others, x="accuracy", y="score", ax=pair.trained, legend=False, **BENEATH)
        points, networks = _points(pair, panel.of(placed), score)
        style.say_if_empty(pair.trained, points[score], "no network has\naccuracy and score")
        if arrows:
            twins.draw_arrows(pair.trained, networks, score)
        style.head(pair.left, title, _rank_text(panel, tradeoff, score), *_ceiling(rows, score))
        pair.trained.set(
            xlabel=accuracy.abscissa_label(_without(panel.of(placed), score)), ylabel=""
        )
        style.label_ordinate(pair.left, place, style.SCORES.get(score, score))
        named += [(pair, points, networks)] if _are_few(networks) else []
    for axes in figure.axes:
        axes.set_autoscale_on(False)
    for drawn in named:
        _name(figure, *drawn, score)
    return figure


def _read_off(published: pd.DataFrame | None, score: str) -> pd.DataFrame:
    """Published points with a column `recording`: "M1 PL" of a figure is our `m1_pl`."""
    if published is None or score != "r_over_ceiling":
        return pd.DataFrame(columns=["recording", "accuracy", "score"])
    rows = published[published["metric"] == "pls_over_ceiling"]
    return rows.assign(recording=rows["benchmark"].str.lower().str.replace(" ", "_"))


def _background(pair: accuracy.Pair, rows: pd.DataFrame, score: str) -> None:
    """Frontier of the trained models, range of the untrained ones, control around zero."""
    models = _trained(rows, score)
    if len(models) >= MINIMUM_MODELS:
        points = frontier(models.top1.to_numpy(), models[score].to_numpy())
        pair.trained.plot(*points.T, **FRONTIER)
    real = rows[rows.control == "none"]
    untrained = real[real.category == "untrained"][score].dropna()
    shuffled = rows[rows.control == "shuffled_images"][score].dropna()
    for axes in pair.both:
        if len(untrained):
            axes.axhspan(untrained.min(), untrained.max(), **UNTRAINED_BAND)
        if len(shuffled):
            axes.axhline(shuffled.mean(), **SHUFFLED)
            axes.axhspan(shuffled.min(), shuffled.max(), color=style.INK, alpha=0.08, linewidth=0)


def _trained(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Models that the trade-off statistics are about and that have both numbers."""
    models = baseline(rows)
    return models[np.isfinite(models.top1) & np.isfinite(models[score])]


def _points(
    pair: accuracy.Pair, rows: pd.DataFrame, score: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw every network as a marker with its interval, and single seeds as dots.

    Returns the rows that can be drawn, with their abscissa `x`, and the networks they are of.
    """
    known = (rows.control == "none") & np.isfinite(rows.top1) & np.isfinite(rows[score])
    low, high = pair.trained.get_xlim()
    step = accuracy.STEP * (high - low)
    points = accuracy.dodged(accuracy.placed(rows[known]), step)
    accuracy.mark_borrowed(pair.trained, points, step)
    networks = twins.networks(points, score)
    size = accuracy.LARGE if _are_few(networks) else accuracy.SMALL
    accuracy.draw_points(pair, networks, score, size)
    twins.draw_seeds(pair.trained, points, score)
    return points, networks


def _are_few(networks: pd.DataFrame) -> bool:
    """Whether networks have names, not counting those that stand at the accuracy of their start."""
    return (~networks.borrowed).sum() <= MOST_NAMED


def _name(
    figure: Figure, pair: accuracy.Pair, points: pd.DataFrame, networks: pd.DataFrame, score: str
) -> None:
    """Write the networks' names, off their seeds too.

    Those that stand at the accuracy of their start, beside it, are told by the legend.
    """
    unnamed = pd.concat([twins.seeds(points), networks[networks.borrowed]])
    dots = [accuracy.around(pair.trained, *at) for at in unnamed[["x", score]].to_numpy(float)]
    accuracy.name_points(figure, pair, networks[~networks.borrowed], score, dots)


def _rank_text(panel: panels.Panel, tradeoff: pd.DataFrame | None, score: str) -> str:
    """The rank correlation with its interval, or why there is none."""
    if tradeoff is None or tradeoff.empty:
        return ""
    rows = panel.of(tradeoff)
    rows = rows[(rows.statistic == "spearman") & (rows.group == "all") & (rows.score == score)]
    if rows.empty:
        return ""
    rank = rows.iloc[0]
    if not np.isfinite(rank.value):
        return f"no ρ: {rank.note.split(';')[0]}"
    return accuracy.rho_text(rank)


def _without(rows: pd.DataFrame, score: str) -> int:
    """How many models have no value and are not drawn."""
    real = rows[rows.control == "none"]
    return int((~(np.isfinite(real.top1) & np.isfinite(real[score]))).sum())


def _ceiling(rows: pd.DataFrame, score: str) -> list[str]:
    """The noise ceiling (r) behind ceiled scores, as a line under the title."""
    known = rows[np.isfinite(rows.ceiling)]
    if score != "r_over_ceiling":
        return []
    if known.empty:
        return ["no noise ceiling"]
    name = str(known.ceiling_name.iloc[0]).replace("_", " ")
    return [f"ceiling {number(known.ceiling.iloc[0])} ({name})"]


def _handles(main: pd.DataFrame, placed: pd.DataFrame, score: str, beneath: pd.DataFrame) -> list:
    """Legend: the categories that are there, frontier, range of the untrained, control."""
    handles = accuracy.category_handles(placed.category.unique()) + accuracy.borrowed_handle(placed)
    handles += twins.seed_handle(main.drop_duplicates(["model", "weights"]))
    if beneath.recording.isin(main.recording).any():
        handles.append(Line2D([], [], linestyle="none", marker="o", markersize=3, alpha=0.6,
                              color=BENEATH["color"], label="published, read off"))  # fmt: skip
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
