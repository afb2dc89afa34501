"""RSA with published RDMs: by depth of the layer and by ImageNet accuracy, one row per set of RDMs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from itcortex.errors import UserError
from itcortex.figures import accuracy, models, style
from itcortex.tables import panels

ORDINATE = "similarity of geometry (Spearman ρ)"
WIDTHS, HEIGHT, GAPS = (3.0, 4.4), 2.75, (0.35, 1.05)  # inches
STRIP, SPREAD = (0.17, 0.04), 0.26  # of untrained networks: shape, and reach of their points
CEILING_BAND = {"color": style.GREY, "alpha": 0.16, "linewidth": 0}
OTHER = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}
METHOD = "layer chosen on half of the images, scored on the rest; "
PATTERNS = {"map": "all its units", "pooled": "mean over positions"}
FINAL = {"markerfacecolor": "white", "markeredgewidth": 0.9, "linestyle": "none"}


@style.styled
def draw(table: pd.DataFrame, ceilings: pd.DataFrame) -> Figure:
    """Spearman's rho of layers' RDMs with recorded ones, against depth and against top-1 (%).

    Left: every layer on all images; dots are layers that were chosen, the larger the more random
    halves of the images chose them. Right: the chosen layer on images that did not choose it, with
    its 95 % interval over images, and (hollow) the network's last layer.

    Parameters
    ----------
    table : rows of one pattern of the rsa table.
    ceilings : the table of ceilings and other recordings' RDMs.
    """
    if table.empty:
        raise UserError("the rsa table has no rows: there is nothing to draw")
    count, looks = table.rdm.nunique(), models.looks(table)
    size = sum(WIDTHS) + GAPS[0], count * HEIGHT + (count - 1) * GAPS[1]
    figure, (whole,) = style.panel_grid(
        1, size, (0.75, 0.25, 0.62), _handles(table, looks, ceilings)
    )
    places = whole.subgridspec(
        count, 2, width_ratios=WIDTHS, wspace=2 * GAPS[0] / sum(WIDTHS), hspace=GAPS[1] / HEIGHT
    )
    limits, named = _limits(table, ceilings), []
    for k, rdm in enumerate(table.rdm.unique()):
        rows, known = table[table.rdm == rdm], ceilings[ceilings.rdm == rdm]
        others = [(_place(table, one.other), one.rho) for one in _of(known, "other_rdm")]
        left = figure.add_subplot(places[k, 0])
        left.set(ylim=limits, ylabel=ORDINATE)
        accuracy.draw_head(left, _title(rows), _about(rows, known))
        _references(left, known, others)
        models.draw_depths(left, rows.assign(score=rows.rho), looks)
        right = _accuracy_axes(figure, places[k, 1], rows, limits)
        for axes in right.both:
            _references(axes, known)
        named.append((right, _draw_accuracy(right, rows, looks)))
    for axes in figure.axes:
        axes.set_autoscale_on(False)
    for right, points in named if not any(look.thin for look in looks.values()) else ():
        _name_models(figure, right, points)
    return figure


def _of(ceilings: pd.DataFrame, quantity: str) -> list:
    """Rows of one quantity."""
    return list(ceilings[ceilings.quantity == quantity].itertuples())


def _place(table: pd.DataFrame, rdm: str) -> str:
    """Species and area of a set of RDMs; its name if the table does not know it."""
    rows = table[table.rdm == rdm]
    return rdm if rows.empty else f"{rows.species.iloc[0]} {rows.area.iloc[0]}"


def _title(rows: pd.DataFrame) -> str:
    """What was recorded where, and whether it is simulated."""
    place = _place(rows, rows.rdm.iloc[0])
    return panels.marked(place[0].upper() + place[1:], rows.simulated.iloc[0])


def _about(rows: pd.DataFrame, ceilings: pd.DataFrame) -> str:
    """How many images and subjects there are, and the noise ceiling or why there is none."""
    text = f"{rows.n_images.iloc[0]} images, "
    lower, upper = _of(ceilings, "ceiling_lower"), _of(ceilings, "ceiling_upper")
    if not lower:
        return text + "one RDM: no noise ceiling of its own"
    band = f"{lower[0].rho:.2f} to {upper[0].rho:.2f}"
    return text + f"{rows.n_subjects.iloc[0]} subjects, noise ceiling {band}"


def _limits(table: pd.DataFrame, ceilings: pd.DataFrame) -> tuple[float, float]:
    """Ordinate of all panels: scores with intervals, ceilings, zero."""
    columns = ["rho", "rho_chosen_held_out_low", "rho_chosen_held_out_high"]
    drawn = ceilings[ceilings.quantity != "session_reliability"].rho
    return accuracy.ordinate(np.concatenate([table[columns].to_numpy(float).ravel(), drawn]), 0.05)


def _references(axes: Axes, ceilings: pd.DataFrame, others: list | None = None) -> None:
    """Zero, the noise ceiling as a band, and other recordings' RDMs as lines (named if given)."""
    axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
    for low, high in zip(
        _of(ceilings, "ceiling_lower"), _of(ceilings, "ceiling_upper"), strict=True
    ):
        axes.axhspan(low.rho, high.rho, zorder=0, **CEILING_BAND)
    for one in _of(ceilings, "other_rdm"):
        axes.axhline(one.rho, zorder=1, **OTHER)
    for name, rho in others or []:
        axes.annotate(
            f"{name} RDM", (0, rho), (3, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", fontsize=8, color=style.INK, va="bottom",
        )  # fmt: skip


def _accuracy_axes(
    figure: Figure, place: SubplotSpec, rows: pd.DataFrame, ylim: tuple[float, float]
) -> accuracy.Pair:
    """Axes over accuracy, whose ordinate is that of the panel on their left."""
    pair = accuracy.add_pair(figure, place, rows, accuracy.limits(rows), ylim, STRIP)
    pair.left.tick_params(labelleft=False)
    without = int(rows.drop_duplicates(models.KEYS).top1.isna().sum())
    pair.trained.set_xlabel(accuracy.abscissa_label(without))
    accuracy.draw_head(pair.left, "", METHOD + PATTERNS[rows.pattern.iloc[0]])
    return pair


def _draw_accuracy(pair: accuracy.Pair, rows: pd.DataFrame, looks: dict) -> pd.DataFrame:
    """Draw every model as a marker with its interval, and its last layer; returns what was drawn."""
    points = rows[rows.final & np.isfinite(rows.top1)].sort_values(["top1", *models.KEYS])
    points = accuracy.placed(points, SPREAD)
    for one in points.itertuples():
        look = looks[one.model, one.weights]
        where = pair.axes_of(one.category)
        where.vlines(
            one.x, one.rho_chosen_held_out_low, one.rho_chosen_held_out_high, color=look.colour,
            **(accuracy.THIN_BAR if look.thin else accuracy.BAR),
        )  # fmt: skip
        if not look.thin:
            where.plot(one.x, one.rho, look.marker, color=look.colour, zorder=2.8,
                       markersize=0.75 * look.size, **FINAL)  # fmt: skip
        where.plot(
            one.x, one.rho_chosen_held_out, look.marker, color=look.colour, zorder=3,
            markersize=look.size * (0.8 if look.thin else 1.1), markeredgecolor="white",
            markeredgewidth=0.5, label=look.name,
        )  # fmt: skip
    keys = zip(points.model, points.weights, strict=True)
    return points.assign(colour=[looks[key].colour for key in keys])


def _name_models(figure: Figure, pair: accuracy.Pair, points: pd.DataFrame) -> None:
    """Write the models' names beside their points, also off those of their last layers."""
    final = [
        accuracy.around(pair.axes_of(one.category), one.x, one.rho) for one in points.itertuples()
    ]
    accuracy.name_points(figure, pair, points, "rho_chosen_held_out", final)


def _handles(table: pd.DataFrame, looks: dict, ceilings: pd.DataFrame) -> list:
    """Legend: models or categories, chosen and last layer, ceiling, other recordings."""
    handles = models.legend_handles(looks)
    grey = {"linestyle": "none", "marker": "o", "color": style.GREY}
    handles.append(Line2D([], [], label="chosen, on other images", markersize=6.5, **grey))
    if not any(look.thin for look in looks.values()):
        handles.append(Line2D([], [], label="last layer", markersize=4.5, **grey | FINAL))
    if (ceilings.quantity == "ceiling_lower").any():
        handles.append(Patch(label="noise ceiling", **CEILING_BAND))
    if (ceilings.quantity == "other_rdm").any():
        handles.append(Line2D([], [], label="another brain's RDM", **OTHER))
    return handles
