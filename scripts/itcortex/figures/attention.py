"""Agreement with human attention against ImageNet accuracy, over a gallery of photographs.

Each column is a kind of map. Above is the paper's measure. Below is what is left of it when the mean map
of the other photographs is regressed out: agreement beyond a liking for the places where people usually
look.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from itcortex.errors import UserError
from itcortex.figures import accuracy, style
from itcortex.figures import gallery as galleries
from itcortex.figures.gallery import KINDS, Gallery
from itcortex.figures.models import MOST_NAMED

PANEL, GAPS = (2.95, 2.0), (0.32, 0.42)  # inches
LEFT, RIGHT, TOP, FOOT = 0.72, 0.12, 0.62, 0.5
ROWS = {
    "rho": "agreement with people\n(Spearman ρ)",
    "rho_partial": "beyond the usual places\n(partial Spearman ρ)",
}
SETS = {"osie": "OSIE", "osie_held_out": "OSIE, held out", "clickme": "ClickMe"}
CENTRE = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}


@style.styled
def draw(table: pd.DataFrame, gallery: Gallery | None = None, saliency: str = "raw") -> Figure:
    """Mean score over photographs of every model, with 95 % intervals, against top-1 (%).

    Dashed: agreement of people with each other (the ceiling in use). Dotted: nearness to the centre
    of the photograph, a control without any model.

    Parameters
    ----------
    table : the attention table. Networks whose accuracy is not known stand at that of the network they
        start from (`accuracy.at_starts`).
    gallery : photographs to draw below.
    saliency : rows of models that are drawn, `raw` or `blurred`.
    """
    if table.empty:
        raise UserError("the attention table has no rows: there is nothing to draw")
    columns = list(table[["attention", "map_kind"]].drop_duplicates().itertuples(index=False))
    models = accuracy.at_starts(table[(table.control == "none") & (table.saliency == saliency)])
    figure, grid, top = _figure(len(columns), models, gallery)
    for row, score in enumerate(ROWS):
        limits = accuracy.limits(models), _ordinate(table, models, score)
        for column, (attention, kind) in enumerate(columns):
            rows = models[(models.attention == attention) & (models.map_kind == kind)]
            known = table[(table.attention == attention) & (table.map_kind == kind)]
            pair = accuracy.add_pair(figure, grid[row, column], rows, *limits)
            _references(pair, known, score)
            points = _points(pair, rows, score)
            style.label_ordinate(pair.left, grid[row, column], ROWS[score])
            if row == 0:
                title = f"{SETS.get(attention, attention)}: {KINDS.get(kind, kind)}"
                style.head(pair.left, title, *_about(rows))
            else:
                pair.trained.set_xlabel(accuracy.abscissa_label(len(rows) - len(points)))
            if row and not column:
                named = pair, points, score
    if len(named[1]) <= MOST_NAMED:  # once: all panels have the same models at the same places
        texts = [text.get_window_extent() for text in named[0].trained.texts]
        accuracy.name_points(figure, *named, texts)
    if gallery is not None:
        galleries.draw(figure, gallery, top)
    return figure


def _figure(
    count: int, models: pd.DataFrame, gallery: Gallery | None
) -> tuple[Figure, GridSpec, float]:
    """A figure with its legend, places of panels, and where (inches from above) the gallery begins."""
    handles = _handles(models)
    gaps = GAPS[0] * (count - 1)
    panel = min(PANEL[0], (style.PAGE - LEFT - RIGHT - gaps) / count)
    width = LEFT + count * panel + gaps + RIGHT
    if gallery is not None:
        width = max(width, gallery.size[0])
    columns = style.legend_columns(handles, width)
    legend = style.LEGEND_LINE * -(-len(handles) // columns)
    end = TOP + 2 * PANEL[1] + GAPS[1] + FOOT
    top = end + legend + 0.25
    height = top + gallery.size[1] if gallery is not None else top
    figure = style.new_figure(width, height)
    figure.legend(
        handles=handles, loc="upper center", ncols=columns, borderaxespad=0,
        bbox_to_anchor=(0.5, 1 - end / height),
    )  # fmt: skip
    grid = GridSpec(
        2, count, figure, left=LEFT / width, right=(LEFT + count * panel + gaps) / width,
        top=1 - TOP / height,
        bottom=1 - (TOP + 2 * PANEL[1] + GAPS[1]) / height,
        wspace=GAPS[0] / panel, hspace=GAPS[1] / PANEL[1],
    )  # fmt: skip
    return figure, grid, top


def _ordinate(table: pd.DataFrame, models: pd.DataFrame, score: str) -> tuple[float, float]:
    """Limits of the ordinate that the panels of a row share: scores with references, and zero."""
    ceiling = table["ceiling" + score.removeprefix("rho")]
    scores = models[[score, f"{score}_low", f"{score}_high"]].to_numpy(float).ravel()
    centre = table[table.control == "centre_bias"]["rho"] if score == "rho" else []
    return accuracy.ordinate(np.concatenate([scores, ceiling, centre]), 0.08)


def _references(pair: accuracy.Pair, known: pd.DataFrame, score: str) -> None:
    """The ceiling, the control without a model, and zero; each named on its line."""
    lines = [(known["ceiling" + score.removeprefix("rho")].iloc[0], "people", style.CEILING)]
    centre = known[known.control == "centre_bias"]["rho"]
    if score == "rho" and len(centre):
        lines.append((centre.iloc[0], "nearness to the centre", CENTRE))
    for axes in pair.both:
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
        for value, _, look in lines:
            if np.isfinite(value):
                axes.axhline(value, zorder=1, **look)
    for value, text, look in lines:
        if np.isfinite(value):
            pair.trained.annotate(
                f"{text} {value:.2f}", (1, value), (0, 2), ha="right", va="bottom", fontsize=8,
                xycoords=("axes fraction", "data"), textcoords="offset points", color=look["color"],
                path_effects=[withStroke(linewidth=2.5, foreground="white")], zorder=5,
            )  # fmt: skip


def _points(pair: accuracy.Pair, rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Draw every model as a marker with its interval; returns what was drawn, with its abscissa `x`."""
    points = accuracy.placed(rows[np.isfinite(rows.top1) & np.isfinite(rows[score])])
    low, high = pair.trained.get_xlim()
    step = accuracy.STEP * (high - low)
    points = accuracy.dodged(points, step)
    accuracy.mark_borrowed(pair.trained, points, step)
    size = accuracy.SMALL if len(points) > MOST_NAMED else accuracy.LARGE
    accuracy.draw_points(pair, points, score, size)
    return points


def _about(rows: pd.DataFrame) -> tuple[str, str]:
    """Which photographs and classes the scores of a column are of, in two lines."""
    classes = {"predicted": "predicted class", "label": "true class"}
    text = f"{rows.n_images.max():,} photographs" if len(rows) else "no model"
    text += "".join(f", {classes[name]}" for name in rows.label_source.unique())
    undefined = int(rows.undefined.max()) if len(rows) else 0
    more = ["smoothed saliency"] if (rows.saliency == "blurred").any() else []
    return text, ", ".join([*more, *([f"up to {undefined} undefined"] if undefined else [])])


def _handles(models: pd.DataFrame) -> list[Line2D]:
    """Legend: the categories that are there, and the two kinds of lines."""
    marks = accuracy.category_handles(models.category.unique())
    lines = {"agreement of people": style.CEILING, "centre bias (control)": CENTRE}
    marks += accuracy.borrowed_handle(models)
    return marks + [Line2D([], [], label=label, **look) for label, look in lines.items()]
