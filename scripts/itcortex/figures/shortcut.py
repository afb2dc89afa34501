"""What networks read of digits with a shortcut, over the strength of the harmonization, and examples.

Maps are drawn as ranks over pixels, because ranks are all that their score sees; a white line goes
around the object. A single regime (a model, trained in one way) has three panels that hold all measures.
Several regimes have a row of small panels for every factor, in which each is set against the first one,
the base.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from itcortex.errors import UserError
from itcortex.figures import image_grid, style
from itcortex.figures.image_grid import Columns
from itcortex.figures.names import wrap

GAP, APART, HEAD, NOTE = 0.07, 0.13, 0.62, 0.42  # inches: between images and groups, above, below
LARGEST = 1.3  # an image, inches
PANEL, BETWEEN = (1.74, 1.6), 0.62
LEFT, RIGHT, TOP, FOOT = 0.62, 0.12, 0.34, 0.98
KINDS = {"gradient": "gradient", "occlusion": "covering"}
RED, BLUE, GREEN = "#D55E00", "#0072B2", "#009E73"
#: Panels: ordinate, and what is drawn: column, label, colour, marker.
PANELS = {
    "share of test images": (
        ("accuracy_intact", "correct, shortcut intact", style.GREY, "o"),
        ("accuracy_broken", "correct, shortcut broken", RED, "s"),
        ("shortcut_answers", "broken: shortcut's class", BLUE, "v"),
    ),
    "agreement with object (ρ)": (
        ("alignment_gradient", "gradient", BLUE, "o"),
        ("alignment_occlusion", "covering", RED, "s"),
    ),
    "predictivity (r / ceiling)": (
        ("r_over_ceiling", "SIMULATED sites", GREEN, "D"),
    ),
}  # fmt: skip
CHANCE = 0.1
#: Columns of the small panels, a measure each: column of the table, title.
MEASURES = {
    "accuracy_intact": "correct,\nshortcut intact",
    "accuracy_broken": "correct,\nshortcut broken",
    "alignment_gradient": "agreement (ρ),\ngradient",
    "alignment_occlusion": "agreement (ρ),\ncovering",
    "r_over_ceiling": "predictivity\n(r / ceiling)",
}
SMALL, NEAR = (0.8, 0.9), (0.36, 0.36)  # inches: small panels, and between them
NAMES, TITLE, ABSCISSA = 1.02, 0.92, 0.5  # inches: beside, above and below all small panels
LEVELS = (("#D55E00", "s"), ("#0072B2", "^"), ("#009E73", "D"), ("#CC79A7", "v"), ("#E69F00", "P"))


@dataclass(frozen=True)
class Examples:
    """Maps of one network on a few test images.

    Attributes
    ----------
    title : of the network.
    images : uint8 (image, row, column, rgb); human : (image, row, column), where the object is.
    maps : {"gradient", "occlusion": (image, row, column)}.
    """

    title: str
    images: np.ndarray
    human: np.ndarray
    maps: dict[str, np.ndarray]

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray], attributes: dict) -> "Examples":
        """What rule score_shortcut kept."""
        strength = attributes["strength"]
        title = f"harmonized, strength {strength:g}" if strength > 0 else "baseline"
        return cls(title, arrays["images"], arrays["human"], {kind: arrays[kind] for kind in KINDS})


@style.styled
def draw(table: pd.DataFrame, examples: list[Examples], n_images: int, base: str = "") -> Figure:
    """Above: images, where the object is, and maps of some networks. Below: measures over strength.

    Points are networks; lines go through the means over seeds. `table` is that of rule
    collect_shortcut; a series with one strength, from which others were fine-tuned, has no curve.
    `base` is the model that the others are set against, if there are others.
    """
    if table.empty:
        raise UserError("the table of the digits study has no rows: there is nothing to draw")
    regimes = regimes_of(table)
    several = len(regimes) > 1
    factors = _factors(regimes, base) if several else {}
    span, panels = _grid_size(len(factors)) if several else _panels_size()
    count = min([n_images, *(len(example.images) for example in examples)]) if examples else 0
    columns = _columns(examples, span)
    top = HEAD + count * (columns.width + GAP) + NOTE if count else 0.0
    figure = style.new_figure(LEFT + span + RIGHT, top + panels)
    if count:
        _draw_examples(figure, columns, examples, count)
    if several:
        _draw_grid(figure, regimes, factors, top)
    else:
        _draw_panels(figure, *regimes.popitem(), top)
    return figure


def regimes_of(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of the table by model, and by series of trainings where a model has several.

    A series with a single strength is left out, unless there are no others.
    """
    parts = dict(list(table.groupby(["model", "series"], sort=False)))
    curves = {key: part for key, part in parts.items() if part["strength"].nunique() > 1} or parts
    models = [model for model, _ in curves]
    return {
        model if models.count(model) == 1 else f"{model} {series}": part
        for (model, series), part in curves.items()
    }


# --- examples -------------------------------------------------------------------------------------


def _columns(examples: list[Examples], span: float) -> Columns:
    """The image and where its object is, then the maps of one network after another."""
    groups = (2, *[len(KINDS)] * len(examples))
    count = sum(groups)
    width = (span - len(examples) * APART - (count - 1) * GAP) / count
    return Columns(LEFT, min(LARGEST, width), GAP, groups, APART)


def _draw_examples(figure: Figure, columns: Columns, examples: list[Examples], count: int) -> None:
    first, side = examples[0], columns.width
    maps = [(first.human, first.human)]
    for group, example in enumerate(examples, start=1):
        columns.bracket(figure, group, 0.34, example.title)
        maps += [(example.maps[kind], example.human) for kind in KINDS]
    names = ["image", "“human” map", *[*KINDS.values()] * len(examples)]
    columns.name_columns(figure, HEAD - 0.06, names)
    for row in range(count):
        top = HEAD + row * (side + GAP)
        cells = [columns.add_image(figure, k, top, side) for k in range(len(names))]
        cells[0].imshow(first.images[row])
        for axes, (values, human) in zip(cells[1:], maps, strict=True):
            _map(axes, values[row], human[row])
    note = (
        "maps: ranks over pixels, bright is high; white: around the object; the shortcut is intact"
    )
    below = HEAD + count * (side + GAP) + 0.02
    style.write_at(figure, LEFT, below, note, va="top", color=style.GREY)


def _map(axes: Axes, values: np.ndarray, human: np.ndarray) -> None:
    """Ranks of a map, and a line around the object; where it has none, the panel says so."""
    ranks = image_grid.rank_map(values)
    if ranks is None:
        style.message(axes, "undefined")
        return
    axes.imshow(ranks, cmap=image_grid.COLOURS)
    axes.contour(human, [0.35 * human.max()], colors="white", linewidths=0.9)


# --- measures -------------------------------------------------------------------------------------


def _panels_size() -> tuple[float, float]:
    """Width without margins and height of the panels of one regime, inches."""
    span = len(PANELS) * PANEL[0] + (len(PANELS) - 1) * BETWEEN
    return span, TOP + PANEL[1] + FOOT


def _draw_panels(figure: Figure, name: str, part: pd.DataFrame, top: float) -> None:
    width, height = figure.get_size_inches()
    span, _ = _panels_size()
    grid = GridSpec(
        1, len(PANELS), figure, left=LEFT / width, right=(LEFT + span) / width,
        top=1 - (top + TOP) / height, bottom=FOOT / height, wspace=BETWEEN / PANEL[0],
    )  # fmt: skip
    for column, (ordinate, lines) in enumerate(PANELS.items()):
        axes = figure.add_subplot(grid[0, column])
        _panel(axes, part, ordinate, lines)
        if column == 0:
            title = f"{part['recording'].iloc[0]} (SIMULATED), {name}"
            axes.set_title(title, loc="left", fontweight="bold", pad=9)


def _curve(axes: Axes, part: pd.DataFrame, name: str, strengths: list, colour, marker) -> None:
    """One measure of one regime: seeds as points side by side, and a line through their means."""
    place = part.assign(place=part["strength"].map(strengths.index))
    sns.lineplot(place, x="place", y=name, errorbar=None, color=colour, ax=axes, zorder=2)
    order = part.groupby("strength")["seed"].rank(method="dense") - 1
    place["place"] += 0.1 * (order - order.max() / 2) / max(order.max(), 1)
    sns.scatterplot(place, x="place", y=name, color=colour, marker=marker, s=15, alpha=0.55,
                    linewidth=0, ax=axes, zorder=3)  # fmt: skip
    axes.set(xlabel="", ylabel="")


def _panel(axes: Axes, part: pd.DataFrame, ordinate: str, lines: tuple) -> None:
    """Every network as a point, a line through the means; strengths stand side by side."""
    strengths = sorted(part["strength"].unique())
    for name, _, colour, marker in lines:
        _curve(axes, part, name, strengths, colour, marker)
    if lines[0][0].startswith("accuracy"):
        axes.axhline(CHANCE, color=style.GREY, linewidth=0.8, linestyle=(0, (1, 1.6)), zorder=1)
        axes.annotate("chance", (1, CHANCE), (0, 2), color=style.GREY, fontsize=8, ha="right",
                      xycoords=("axes fraction", "data"), textcoords="offset points")  # fmt: skip
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), max(axes.get_ylim()[1], 0.5))
        axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(strengths)), [f"{strength:g}" for strength in strengths])
    axes.set_xlim(-0.35, len(strengths) - 0.65)
    axes.set_xlabel("strength of the harmonization")
    axes.set_ylabel(ordinate)
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.8, label=label)
        for _, label, colour, marker in lines
    ]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.02, -0.27), borderaxespad=0,
                labelspacing=0.25)  # fmt: skip


# --- several regimes ------------------------------------------------------------------------------


def _factors(regimes: dict[str, pd.DataFrame], base: str) -> dict[str, list[str]]:
    """Names of regimes by what they vary (column family): the base, then those that differ from it."""
    if base not in regimes:
        raise UserError(f"digits study: no model {base} to set the others against")
    found = {}
    for name, part in regimes.items():
        if name != base:
            found.setdefault(part["family"].iloc[0], [base]).append(name)
    return found


def _grid_size(rows: int) -> tuple[float, float]:
    """Width without margins and height of the small panels, inches."""
    span = len(MEASURES) * SMALL[0] + (len(MEASURES) - 1) * NEAR[0] + NAMES
    return span, TITLE + rows * SMALL[1] + (rows - 1) * NEAR[1] + ABSCISSA


def _draw_grid(figure: Figure, regimes: dict, factors: dict, top: float) -> None:
    width, height = figure.get_size_inches()
    span, _ = _grid_size(len(factors))
    grid = GridSpec(
        len(factors), len(MEASURES), figure, left=LEFT / width,
        right=(LEFT + span - NAMES) / width, top=1 - (top + TITLE) / height,
        bottom=ABSCISSA / height, wspace=NEAR[0] / SMALL[0], hspace=NEAR[1] / SMALL[1],
    )  # fmt: skip
    title = "SIMULATED: one factor at a time; points are seeds, lines go through their means"
    figure.text(LEFT / width, 1 - (top + 0.1) / height, title, va="top", fontweight="bold")
    strengths = sorted({value for part in regimes.values() for value in part["strength"]})
    limits = {name: _limits(regimes, name) for name in MEASURES}
    for row, (factor, names) in enumerate(factors.items()):
        looks = dict(zip(names, [(style.GREY, "o"), *LEVELS], strict=False))
        for column, (measure, heading) in enumerate(MEASURES.items()):
            axes = figure.add_subplot(grid[row, column])
            for name, look in looks.items():
                _curve(axes, regimes[name], measure, strengths, *look)
            axes.set(xlim=(-0.35, len(strengths) - 0.65), ylim=limits[measure])
            shown = [f"{strength:g}" for strength in strengths]
            axes.set_xticks(range(len(strengths)), shown, fontsize=8)
            if row == 0:
                axes.set_title(heading, loc="left", fontsize=8, pad=20)
            if row < len(factors) - 1:
                axes.tick_params(labelbottom=False)
            elif column == len(MEASURES) // 2:
                axes.set_xlabel("strength of the harmonization")
            axes.locator_params(axis="y", nbins=3)
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            if column == 0:
                axes.annotate(factor, (0, 1), (-22, 5), fontsize=9, fontweight="bold",
                              xycoords="axes fraction", textcoords="offset points")  # fmt: skip
            level = CHANCE if measure.startswith("accuracy") else 0
            axes.axhline(level, color=style.GREY, linewidth=0.8, linestyle=(0, (1, 1.6)), zorder=1)
        handles = [
            Line2D([], [], color=colour, marker=marker, markersize=3.8, label=wrap(name, 12))
            for name, (colour, marker) in looks.items()
        ]
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.04, 1.06), handlelength=1.6,
                    borderaxespad=0, labelspacing=0.3)  # fmt: skip


def _limits(regimes: dict[str, pd.DataFrame], measure: str) -> tuple[float, float]:
    """Ordinates that hold a measure of all regimes; shares of images are from 0 to 1."""
    if measure.startswith("accuracy"):
        return -0.04, 1.04
    values = pd.concat(list(regimes.values()))[measure]
    low, high = min(0.0, values.min()), max(0.5, values.max())
    return low - 0.05 * (high - low), high + 0.05 * (high - low)
