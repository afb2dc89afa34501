"""Predictivity against agreement with people: do networks that look where people look predict more?"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import MaxNLocator

from itcortex.figures import accuracy, style, twins
from itcortex.figures.attention import SETS
from itcortex.figures.gallery import KINDS
from itcortex.figures.models import KEYS, MOST_NAMED
from itcortex.tables import panels
from itcortex.tables.alignment import rank_trend

_MIDDLE = 0.95  # markers among arrows, with thin bars


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

    Seeds of one training are dots around their mean, and arrows run from strength 0 to what was trained.
    Where there are such, every panel has the limits of its own points.

    Parameters
    ----------
    attention, summary : the tables; score : column of the summary on the ordinate.
    saliency : rows of models that are drawn, `raw` or `blurred`.
    draws : of families, for intervals of rank correlations.
    """
    joined = join(attention, summary, score, saliency)
    kinds = list(attention[["attention", "map_kind"]].drop_duplicates().itertuples(index=False))
    cells = [(panel, *kind) for panel in panels.of_summary(summary) for kind in kinds]
    titles = [panel.title for panel, *_ in cells]
    by_condition = bool((joined.condition.fillna("") != "").any())
    few = by_condition or len(joined.drop_duplicates(KEYS)) <= MOST_NAMED
    handles = accuracy.category_handles(joined.category.unique())
    handles += twins.seed_handle(joined.drop_duplicates(KEYS))
    figure, places = style.panel_grid(
        titles,
        1.9,
        handles,
        notes=2,
        columns=2 if few else 3,
        between=0.65 if by_condition else 0.3,
    )
    size = {(True, False): accuracy.LARGE, (True, True): _MIDDLE}.get(
        (few, by_condition), accuracy.SMALL
    )
    shared, drawn = _limits(joined, score, intervals=True), []
    for (place, title), (panel, name, kind) in zip(places, cells, strict=True):
        rows = panel.of(joined)
        rows = rows[(rows.attention == name) & (rows.map_kind == kind)]
        networks = twins.networks(_one_interval(rows), score)
        xlim, ylim = _limits(rows, score, intervals=False) if by_condition else shared
        axes = figure.add_subplot(place, xlim=xlim, ylim=ylim)
        colours = [style.category(one).colour for one in networks.category]
        bar = accuracy.BAR if few and not by_condition else accuracy.THIN_BAR
        axes.hlines(networks[score], networks.x_low, networks.x_high, colours, **bar)
        pair = accuracy.Pair(axes)
        accuracy.draw_points(pair, networks, score, size)
        twins.draw_seeds(axes, rows, score)
        twins.draw_arrows(axes, networks, score)
        style.say_if_empty(axes, rows[score], "no network has both")
        said = accuracy.rho_text(trend(rows, score, draws, rng))
        style.head(axes, title, f"{SETS.get(name, name)}: {KINDS.get(kind, kind)}", said)
        axes.set_xlabel("agreement with people (ρ)")
        _label(axes, place, score, by_condition)
        axes.set_autoscale_on(False)
        drawn += [(pair, networks[~networks.borrowed], score)] if few else []
    for named in drawn:
        if len(named[1]) <= MOST_NAMED:
            accuracy.name_points(figure, *named)
    return figure


def _one_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` in which the mean of several seeds will have no interval of agreement either."""
    several = rows.weights.isin(twins.seeds(rows).weights)
    return rows.assign(**{end: rows[end].mask(several) for end in ("x_low", "x_high")})


def _limits(
    rows: pd.DataFrame, score: str, intervals: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of abscissa and ordinate: of points with zero and intervals, or of the points alone."""
    if intervals:
        columns = [c for c in (score, f"{score}_low", f"{score}_high") if c in rows]
        return (accuracy.ordinate(rows[["x_low", "x_high"]].to_numpy(float).ravel(), 0.05),
                accuracy.ordinate(rows[columns].to_numpy(float).ravel(), 0.05))  # fmt: skip
    if rows.empty:
        return (0.0, 1.0), (0.0, 1.0)
    ends = [(rows[name].min(), rows[name].max()) for name in ("x", score)]
    room = [0.15 * (high - low) or 0.01 for low, high in ends]
    (x, y) = ((low - one, high + one) for (low, high), one in zip(ends, room, strict=True))
    return x, y


def _label(axes: Axes, place: SubplotSpec, score: str, own_limits: bool) -> None:
    """Name the ordinate once a row; panels with limits of their own keep their numbers."""
    text = style.SCORES.get(score, score)
    if not own_limits:
        style.label_ordinate(axes, place, text)
    else:
        axes.set_ylabel(text if place.is_first_col() else "")
        axes.yaxis.set_major_locator(MaxNLocator(4))
