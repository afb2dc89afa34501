"""RSA with published RDMs: by depth of the layer and by ImageNet accuracy, one row per set of RDMs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from itcortex.errors import UserError
from itcortex.figures import accuracy, models, style, twins
from itcortex.tables import panels

ORDINATE = "similarity of geometry (Spearman ρ)"
SCORE = "rho_chosen_held_out"
STRIP, SPREAD = (0.17, 0.04), 0.26  # of untrained networks: shape, and reach of their points
CEILING_BAND = {"color": style.GREY, "alpha": 0.16, "linewidth": 0}
OTHER = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}
METHOD = "layer chosen on half of the images,"
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
    table : rows of one pattern of the rsa table. Networks whose accuracy is not known stand at that of
        the network they start from (`accuracy.at_starts`); seeds of one training are dots around their
        mean.
    ceilings : the table of ceilings and other recordings' RDMs.
    """
    if table.empty:
        raise UserError("the rsa table has no rows: there is nothing to draw")
    looks, titles = models.looks(table), []
    for rdm in table.rdm.unique():
        titles += [_title(table[table.rdm == rdm]), ""]
    figure, places = style.panel_grid(
        titles, 2.3, _handles(table, looks, ceilings), columns=2, notes=2, between=0.25, foot=0.6
    )
    limits, named = _limits(table, ceilings), []
    for k, rdm in enumerate(table.rdm.unique()):
        rows, known = table[table.rdm == rdm], ceilings[ceilings.rdm == rdm]
        others = [(_place(table, one.other), one.rho) for one in _of(known, "other_rdm")]
        (place, title), (beside, _) = places[2 * k : 2 * k + 2]
        left = figure.add_subplot(place)
        style.head(left, title, *_about(rows, known))
        _references(left, known, others)
        models.draw_depths(left, rows, "rho", looks)
        left.set(ylim=limits, ylabel=ORDINATE)
        final = accuracy.at_starts(rows[rows.final])
        right = _accuracy_axes(figure, beside, final, limits)
        for axes in right.both:
            _references(axes, known)
        named.append((right, _draw_accuracy(right, final, looks)))
    for axes in figure.axes:
        axes.set_autoscale_on(False)
    for right, points in named if looks.few else ():
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


def _about(rows: pd.DataFrame, ceilings: pd.DataFrame) -> tuple[str, str]:
    """How many images and subjects there are, and the noise ceiling or why there is none."""
    text = f"{rows.n_images.iloc[0]} images"
    lower, upper = _of(ceilings, "ceiling_lower"), _of(ceilings, "ceiling_upper")
    if not lower:
        return text, "one RDM: no noise ceiling of its own"
    band = f"noise ceiling {lower[0].rho:.2f} to {upper[0].rho:.2f}"
    return f"{text}, {rows.n_subjects.iloc[0]} subjects", band


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
            f"{name} RDM", (1, rho), (-3, 2), xycoords=("axes fraction", "data"), ha="right",
            textcoords="offset points", fontsize=8, color=style.INK, va="bottom", zorder=5,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def _accuracy_axes(
    figure: Figure, place: SubplotSpec, rows: pd.DataFrame, ylim: tuple[float, float]
) -> accuracy.Pair:
    """Axes over accuracy, whose ordinate is that of the panel on their left."""
    pair = accuracy.add_pair(figure, place, rows, accuracy.limits(rows), ylim, STRIP)
    pair.left.tick_params(labelleft=False)
    style.head(pair.left, "", METHOD, f"scored on the rest; {PATTERNS[rows.pattern.iloc[0]]}")
    return pair


def _draw_accuracy(pair: accuracy.Pair, final: pd.DataFrame, looks: models.Looks) -> pd.DataFrame:
    """Draw every model as a marker with its interval, and its last layer; returns what was drawn.

    Of models too many to be told apart the last layer is not drawn, and seeds are dots.
    """
    points = final[np.isfinite(final.top1)].sort_values(["top1", *models.KEYS])
    low, high = pair.trained.get_xlim()
    step = accuracy.STEP * (high - low)
    points = accuracy.dodged(accuracy.placed(points, SPREAD), step)
    accuracy.mark_borrowed(pair.trained, points, step)
    if looks.thin:
        accuracy.draw_points(pair, twins.networks(points, SCORE), SCORE, accuracy.SMALL)
        twins.draw_seeds(pair.trained, points, SCORE)
    colours = looks.of(points)["name"].map(looks.by_name["palette"])
    points = points.assign(colour=colours.to_list())
    for axes in pair.both if looks.few else ():
        some = points[(points.category == accuracy.UNTRAINED) == (axes is pair.strip)]
        ends = some[f"{SCORE}_low"], some[f"{SCORE}_high"]
        axes.vlines(some.x, *ends, [*some.colour], **accuracy.BAR)
        models.draw_dots(axes, some, "x", "rho", looks, s=20, linewidth=0.9)
        last_layers = axes.collections[-1]
        last_layers.set_edgecolor(last_layers.get_facecolor())
        last_layers.set_facecolor("white")
        models.draw_dots(axes, some, "x", SCORE, looks, s=44)
    pair.trained.set_xlabel(accuracy.abscissa_label(len(final) - len(points)))
    return points


def _name_models(figure: Figure, pair: accuracy.Pair, points: pd.DataFrame) -> None:
    """Write the models' names beside their points, also off those of their last layers."""
    final = [
        accuracy.around(pair.axes_of(one.category), one.x, one.rho) for one in points.itertuples()
    ]
    accuracy.name_points(figure, pair, points, SCORE, final)


def _handles(table: pd.DataFrame, looks: models.Looks, ceilings: pd.DataFrame) -> list:
    """Legend: models or categories, chosen and last layer, ceiling, other recordings."""
    handles = looks.handles() + accuracy.borrowed_handle(accuracy.at_starts(table[table.final]))
    if looks.thin:
        handles += twins.seed_handle(table[table.final & (table.rdm == table.rdm.iloc[0])])
    grey = {"linestyle": "none", "marker": "o", "color": style.GREY}
    handles.append(Line2D([], [], label="chosen, on other images", markersize=6.5, **grey))
    if looks.few:
        handles.append(Line2D([], [], label="last layer", markersize=4.5, **grey | FINAL))
    if (ceilings.quantity == "ceiling_lower").any():
        handles.append(Patch(label="noise ceiling", **CEILING_BAND))
    if (ceilings.quantity == "other_rdm").any():
        handles.append(Line2D([], [], label="another brain's RDM", **OTHER))
    return handles
