"""Agreement with human attention against ImageNet accuracy, over a gallery of photographs.

One column a kind of map. Above, the paper's measure; below, what is left of it when the mean map of the
other photographs is regressed out: agreement beyond a liking for the places where people usually look.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from itcortex import panels
from itcortex.errors import UserError
from itcortex.figures import gallery as galleries
from itcortex.figures import labels, style
from itcortex.figures.gallery import KINDS, Gallery

MOST_NAMED = 12  # models in a panel; with more, names hide the points
PANEL, GAPS = (3.05, 2.3), (0.32, 0.42)  # inches
LEFT, RIGHT, TOP, FOOT = 0.72, 0.15, 0.5, 0.5
ROWS = {
    "rho": "agreement with people\n(Spearman ρ)",
    "rho_partial": "beyond the usual places\n(partial Spearman ρ)",
}
SETS = {"osie": "OSIE", "clickme": "ClickMe"}
CENTRE = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}
BAR = {"linewidth": 1.2, "alpha": 0.8, "zorder": 2.5}


@style.styled
def draw(table: pd.DataFrame, gallery: Gallery | None = None, saliency: str = "raw") -> Figure:
    """Mean score over photographs of every model, with 95 % intervals, against top-1 (%).

    Dashed: agreement of people with each other (the ceiling in use). Dotted: nearness to the centre
    of the photograph, a control without any model.

    Parameters
    ----------
    table : the attention table.
    gallery : photographs to draw below.
    saliency : rows of models that are drawn, `raw` or `blurred`.
    """
    if table.empty:
        raise UserError("the attention table has no rows: there is nothing to draw")
    columns = list(table[["attention", "map_kind"]].drop_duplicates().itertuples(index=False))
    models = table[(table.control == "none") & (table.saliency == saliency)]
    figure, grid, top = _figure(len(columns), models, gallery)
    for row, score in enumerate(ROWS):
        limits = _limits(table, models, score)
        for column, (attention, kind) in enumerate(columns):
            rows = models[(models.attention == attention) & (models.map_kind == kind)]
            known = table[(table.attention == attention) & (table.map_kind == kind)]
            pair = _axes(figure, grid[row, column], rows, limits)
            _references(pair, known, score)
            points = _points(pair, rows, score)
            style.label_ordinate(pair[0] or pair[1], grid[row, column], ROWS[score])
            if row == 0:
                _head(pair[0] or pair[1], rows, attention, kind)
            else:
                pair[1].set_xlabel("ImageNet top-1 accuracy (%)")
            if row and not column:
                named = pair, points, score
    if len(named[1]) <= MOST_NAMED:  # once: all panels have the same models at the same places
        _name_models(figure, *named)
    if gallery is not None:
        galleries.draw(figure, gallery, top)
    return figure


def _figure(
    count: int, models: pd.DataFrame, gallery: Gallery | None
) -> tuple[Figure, GridSpec, float]:
    """A figure with its legend, places of panels, and where (inches from above) the gallery begins."""
    handles = _handles(models)
    width = LEFT + count * (PANEL[0] + GAPS[0]) - GAPS[0] + RIGHT
    if gallery is not None:
        width = max(width, gallery.size[0])
    columns = max(1, min(len(handles), int((width - 0.2) / style.LEGEND_COLUMN)))
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
        2, count, figure, left=LEFT / width, right=1 - RIGHT / width, top=1 - TOP / height,
        bottom=1 - (TOP + 2 * PANEL[1] + GAPS[1]) / height,
        wspace=GAPS[0] / PANEL[0], hspace=GAPS[1] / PANEL[1],
    )  # fmt: skip
    return figure, grid, top


def _limits(table: pd.DataFrame, models: pd.DataFrame, score: str) -> tuple[float, ...]:
    """Limits that the panels of a row share: accuracy of trained models, scores with references."""
    trained = models[models.category != "untrained"].top1
    low, high = (trained.min(), trained.max()) if trained.notna().any() else (0.0, 100.0)
    margin = max(0.12 * (high - low), 1.5)
    ceiling = table["ceiling" + score.removeprefix("rho")]
    values = models[[score, f"{score}_low", f"{score}_high"]].to_numpy(float).ravel()
    centre = table[table.control == "centre_bias"]["rho"] if score == "rho" else []
    values = np.concatenate([values, ceiling, centre, [0.0]]).astype(float)
    bottom, top = np.nanmin(values), np.nanmax(values)
    room = 0.08 * max(top - bottom, 0.1)
    return low - margin, high + margin, bottom - room, top + room


def _axes(
    figure: Figure, place: SubplotSpec, rows: pd.DataFrame, limits: tuple
) -> tuple[Axes | None, Axes]:
    """A strip at chance for untrained models, if there are any, and axes for the trained ones."""
    left, right, bottom, top = limits
    if not (rows.category == "untrained").any():
        strip, axes = None, figure.add_subplot(place)
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
    return strip, axes


def _references(pair: tuple, known: pd.DataFrame, score: str) -> None:
    """The ceiling, the control without a model, and zero; each named on its line."""
    lines = [(known["ceiling" + score.removeprefix("rho")].iloc[0], "people", style.CEILING)]
    centre = known[known.control == "centre_bias"]["rho"]
    if score == "rho" and len(centre):
        lines.append((centre.iloc[0], "nearness to the centre", CENTRE))
    for axes in filter(None, pair):
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
        for value, _, look in lines:
            if np.isfinite(value):
                axes.axhline(value, zorder=1, **look)
    for value, text, look in lines:
        if np.isfinite(value):
            pair[1].annotate(
                f"{text} {value:.2f}", (1, value), (0, 2), ha="right", va="bottom", fontsize=8,
                xycoords=("axes fraction", "data"), textcoords="offset points", color=look["color"],
                path_effects=[withStroke(linewidth=2.5, foreground="white")], zorder=5,
            )  # fmt: skip


def _points(pair: tuple, rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """One marker a model with its interval; returns what was drawn, with its abscissa `x`."""
    rows = rows[np.isfinite(rows.top1) & np.isfinite(rows[score])].reset_index(drop=True)
    rows = rows.assign(x=rows.top1)
    untrained = rows.index[rows.category == "untrained"]
    spread = 0.22 if len(untrained) > 1 else 0.0
    rows.loc[untrained, "x"] = np.linspace(-spread, spread, len(untrained))
    crowded = len(rows) > MOST_NAMED
    for name in rows.category.value_counts().index:
        look, some = style.category(name), rows[rows.category == name]
        axes = pair[0] if name == "untrained" else pair[1]
        axes.vlines(some.x, some[f"{score}_low"], some[f"{score}_high"], color=look.colour, **BAR)
        axes.plot(
            some.x, some[score], look.marker, color=look.colour, zorder=3, label=name,
            markersize=look.size * (0.8 if crowded else 1.1), markeredgecolor="white",
            markeredgewidth=0.5,
        )  # fmt: skip
    return rows


def _head(axes: Axes, rows: pd.DataFrame, attention: str, kind: str) -> None:
    """Title of a column, and a smaller line under it that says what the scores are over."""
    axes.set_title(
        f"{SETS.get(attention, attention)}: {KINDS.get(kind, kind)}",
        loc="left",
        pad=19,
        fontweight="bold",
    )
    undefined = int(rows.undefined.max()) if len(rows) else 0
    classes = {"predicted": "predicted class", "label": "true class"}
    text = f"{rows.n_images.max():,} photographs" if len(rows) else "no model"
    text += "".join(f", {classes[name]}" for name in rows.label_source.unique())
    text += ", smoothed saliency" if (rows.saliency == "blurred").any() else ""
    text += f", up to {undefined} undefined" if undefined else ""
    axes.annotate(
        text, (0, 1), (0, 6), va="bottom", fontsize=8, color=style.GREY,
        xycoords="axes fraction", textcoords="offset points",
    )  # fmt: skip


def _handles(models: pd.DataFrame) -> list[Line2D]:
    """Legend: the categories that are there, and the two kinds of lines."""
    present = set(models.category)
    for name in present:
        style.category(name)  # an unknown one is an error
    marks = [
        Line2D([], [], linestyle="none", marker=look.marker, color=look.colour, label=look.label,
               markersize=look.size, markeredgecolor="white", markeredgewidth=0.5)
        for name, look in style.CATEGORIES.items() if name in present
    ]  # fmt: skip
    lines = {"agreement of people": style.CEILING, "centre bias (control)": CENTRE}
    return marks + [Line2D([], [], label=label, **look) for label, look in lines.items()]


def _name_models(figure: Figure, pair: tuple, points: pd.DataFrame, score: str) -> None:
    """Write the models' names beside their points."""
    names, obstacles = [], []
    for row, text in zip(points.to_dict("records"), panels.model_names(points), strict=True):
        axes = pair[0] if row["category"] == "untrained" else pair[1]
        look = style.category(row["category"])
        names.append(labels.Label(axes, row["x"], row[score], text, look.colour))
        x, y = axes.transData.transform((row["x"], row[score]))
        ends = [(row["x"], row[f"{score}_{end}"]) for end in ("low", "high")]
        low, high = axes.transData.transform(ends)[:, 1]
        obstacles += [
            Bbox.from_bounds(x - 5, y - 5, 10, 10),
            Bbox.from_extents(x - 2, low, x + 2, high),
        ]
    obstacles += [text.get_window_extent() for text in pair[1].texts]
    within = Bbox.union([axes.get_window_extent() for axes in pair if axes is not None])
    labels.place(figure, names, obstacles, within)
