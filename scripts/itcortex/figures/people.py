"""Predictivity against agreement with people: do networks that look where people look predict more?"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from itcortex.figures import accuracy, style
from itcortex.figures.attention import SETS
from itcortex.figures.gallery import KINDS
from itcortex.figures.models import KEYS, MOST_NAMED
from itcortex.tables import panels
from itcortex.tables.alignment import rank_trend


def join(attention: pd.DataFrame, summary: pd.DataFrame, score: str, saliency: str) -> pd.DataFrame:
    """Networks that have both: rows of the summary's main window with their agreement with people.

    Columns of the summary, and `attention`, `map_kind`, `x`, `x_low`, `x_high`; `category` and
    `borrowed` as `accuracy.at_starts` gives them.
    """
    agreement = attention[(attention.control == "none") & (attention.saliency == saliency)]
    agreement = agreement[["attention", "map_kind", *KEYS, "rho", "rho_low", "rho_high"]]
    names = {"rho": "x", "rho_low": "x_low", "rho_high": "x_high"}
    real = summary[summary.main_window.astype(bool) & (summary.control == "none")]
    rows = real.merge(agreement.rename(columns=names), on=KEYS)
    return accuracy.at_starts(rows.dropna(subset=[score, "x"]))


def trend(rows: pd.DataFrame, score: str, draws: int, rng: np.random.Generator) -> dict[str, float]:
    """Rank correlation over networks trained for accuracy alone, without those fine-tuned here."""
    return rank_trend(rows[~rows.borrowed], "x", score, draws, rng)


@style.styled
def draw(
    attention: pd.DataFrame, summary: pd.DataFrame, score: str, saliency: str, draws: int,
    rng: np.random.Generator,
) -> Figure:  # fmt: skip
    """A panel for every recording and kind of human map; intervals of 95 % in both directions.

    Parameters
    ----------
    attention, summary : the tables; score : column of the summary on the ordinate.
    saliency : rows of models that are drawn, `raw` or `blurred`.
    draws : of families, for intervals of rank correlations.
    """
    joined = join(attention, summary, score, saliency)
    kinds = list(attention[["attention", "map_kind"]].drop_duplicates().itertuples(index=False))
    cells = [(panel, *kind) for panel in panels.of_summary(summary) for kind in kinds]
    few = len(joined.drop_duplicates(KEYS)) <= MOST_NAMED
    titles = [panel.title for panel, *_ in cells]
    handles = accuracy.category_handles(joined.category.unique())
    figure, places = style.panel_grid(titles, 1.9, handles, notes=2, columns=2 if few else 3)
    columns = [c for c in (score, f"{score}_low", f"{score}_high") if c in joined]
    ylim = accuracy.ordinate(joined[columns].to_numpy(float).ravel(), 0.05)
    xlim = accuracy.ordinate(joined[["x_low", "x_high"]].to_numpy(float).ravel(), 0.05)
    drawn = []
    for (place, title), (panel, name, kind) in zip(places, cells, strict=True):
        rows = panel.of(joined)
        rows = rows[(rows.attention == name) & (rows.map_kind == kind)]
        axes = figure.add_subplot(place, xlim=xlim, ylim=ylim)
        pair = accuracy.Pair(axes)
        colours = [style.category(one).colour for one in rows.category]
        bar = accuracy.BAR if few else accuracy.THIN_BAR
        axes.hlines(rows[score], rows.x_low, rows.x_high, colours, **bar)
        accuracy.draw_points(pair, rows, score, accuracy.LARGE if few else accuracy.SMALL)
        style.say_if_empty(axes, rows[score], "no network has both")
        said = accuracy.rho_text(trend(rows, score, draws, rng))
        style.head(axes, title, f"{SETS.get(name, name)}: {KINDS.get(kind, kind)}", said)
        axes.set_xlabel("agreement with people (ρ)")
        style.label_ordinate(axes, place, style.SCORES.get(score, score))
        axes.set_autoscale_on(False)
        drawn += [(pair, rows, score)] if few else []
    for named in drawn:
        accuracy.name_points(figure, *named)
    return figure
