"""Learning curves: what every training of one network noted of itself, by strength and condition."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, MaxNLocator, NullLocator, StrMethodFormatter

from itcortex.errors import UserError
from itcortex.figures import style
from itcortex.tables.condition_contrasts import LABELS

RAMP: Colormap = colormaps["plasma"]  # its dark and middle part: readable on white
BASELINE = style.CATEGORIES["cnn"].colour
#: By title: what is drawn solid (validation, or training where there is nothing else), what is drawn
#: dashed, and whether it is written in percent.
PANELS = {
    "cross-entropy": ("validation_cross_entropy", "cross_entropy", False),
    "accuracy (%)": ("validation_accuracy", "accuracy", True),
    "agreement with human maps (ρ)": ("validation_alignment", None, False),
    "harmonization loss": ("harmonization", None, False),
    "std of the saliency": ("saliency_std", None, False),
    "learning rate": ("learning_rate", None, False),
}
#: The same where the labels are the network's own answers before the training.
OF_OWN_LABELS = {
    "cross-entropy": PANELS["cross-entropy"],
    "same first class as before (%)": ("validation_agreement", "agreement", True),
    "divergence from before (nats)": ("validation_divergence", None, False),
    "agreement with human maps (ρ)": PANELS["agreement with human maps (ρ)"],
    "harmonization loss": PANELS["harmonization loss"],
    "std of the saliency": PANELS["std of the saliency"],
}
LOGARITHMIC = ("std of the saliency", "learning rate")
AGREEMENT = "validation_agreement"
FLOOR = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (1, 1.6))}


class _Plain(LogFormatter):
    """Labels of a logarithmic axis as plain numbers, at the ticks that `LogFormatter` would label."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of one tick; empty where there is none."""
        return f"{x:g}" if super().__call__(x, pos) else ""


def with_start(history: pd.DataFrame, before: dict) -> pd.DataFrame:
    """One training's `history` with a row at epoch 0, of what was measured before the first step.

    `before` holds that, by the names of the columns; what only training measures is missing there.
    """
    if not before:
        return history
    first = {name: before.get(name, np.nan) for name in history if name.startswith("validation_")}
    about = history.iloc[0][["strength", "seed"]].to_dict()
    row = pd.DataFrame([first | about | {"epoch": 0, "kept": False}])
    return pd.concat([row, history], ignore_index=True)


@style.styled
def draw(history: pd.DataFrame, title: str, floor: float | None = None) -> Figure:
    """Every measure against epochs in a panel of its own: colours are strengths and conditions.

    `history` holds rows of several trainings of one network, with columns strength and seed, and
    `condition` where trainings have one; a line is a training. Solid lines are of validation, dashed
    ones of training, and dots mark the epoch that was kept (column `kept`), or the last one. The panel
    of a measure that was not made says so. `floor` is the share of photographs that must keep their
    first class for an epoch to be chosen, a line where that is drawn.
    """
    if history.empty:
        raise UserError("the history has no rows: there is nothing to draw")
    history = history.assign(of=groups_of(history))
    colours = colours_of_groups(history)
    shown = OF_OWN_LABELS if "validation_agreement" in history else PANELS
    made = history["strength"] > 0  # at strength 0 no saliency is made: that is no loss of 0
    history = history.assign(harmonization=history["harmonization"].where(made))
    floor = floor if AGREEMENT in history else None
    handles = _handles(colours, floor)
    figure, places = style.panel_grid([*shown], 1.7, handles, between=0.55, heading=title)
    for (place, name), (solid, dashed, percent) in zip(places, shown.values(), strict=True):
        axes = figure.add_subplot(place)
        style.head(axes, name)
        if solid not in history or history[solid].isna().all():
            style.message(axes, "not measured")
            continue
        scaled = history.assign(
            **{c: history[c] * (100 if percent else 1) for c in (solid, dashed) if c}
        )
        shared = {"x": "epoch", "hue": "of", "palette": colours, "legend": False, "ax": axes}
        lines = {"units": "seed", "estimator": None, "linewidth": 1.3}
        if dashed:
            sns.lineplot(scaled, y=dashed, linestyle=(0, (3, 2)), alpha=0.6, **shared, **lines)
        sns.lineplot(scaled, y=solid, **shared, **lines)
        sns.scatterplot(kept(scaled), y=solid, s=14, linewidth=0, zorder=3, **shared)
        if solid == AGREEMENT and floor is not None:
            axes.axhline(100 * floor, zorder=1, **FLOOR)
        _finish(axes, name, history["epoch"], place.is_last_row())
    return figure


def groups_of(history: pd.DataFrame) -> pd.Series:
    """What every row is called in the legend: its strength, and its condition if there are several."""
    names = history["strength"].map("strength {:g}".format)
    if "condition" in history and history["condition"][history["strength"] > 0].nunique() > 1:
        names = history["condition"].map(LABELS) + ", " + names
    return names.where(history["strength"] > 0, "baseline (strength 0)")


def colours_of_groups(history: pd.DataFrame) -> dict[str, str]:
    """Colour of every group (column `of`): of controls their own, else that of the strength."""
    first = history.drop_duplicates("of").sort_values("strength", kind="stable")
    control = first.get("condition", pd.Series("", first.index)).isin(style.CONTROLS)
    of_strengths = colours_of(sorted(first["strength"][~control].unique()))
    several = "condition" in first and control.any()
    return {
        row.of: style.CONTROLS[row.condition].colour
        if several and row.condition in style.CONTROLS
        else of_strengths[row.strength]
        for row in first.itertuples()
    }


def kept(history: pd.DataFrame) -> pd.DataFrame:
    """Rows of the epochs whose weights are kept: the last ones, where the history does not say."""
    if "kept" in history:
        return history[history["kept"].astype(bool)]
    return history[history["epoch"] == history["epoch"].max()]


def colours_of(strengths: list[float]) -> dict[float, str]:
    """Blue for the baseline (strength 0), and from dark to light with rising strength."""
    above = [strength for strength in strengths if strength > 0]
    steps = np.linspace(0.62, 0.85, len(above)) if len(above) > 1 else [0.7]
    ramp = {strength: to_hex(RAMP(step)) for strength, step in zip(above, steps, strict=False)}
    return {strength: ramp.get(strength, BASELINE) for strength in strengths}


def _finish(axes: Axes, name: str, epoch: pd.Series, last: bool) -> None:
    first, epochs = epoch.min(), epoch.max()
    axes.set(xlabel="epoch" if last else "", ylabel="")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlim(first - 0.02 * epochs, epochs * 1.03)
    if name in LOGARITHMIC:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # no formulas, see `style.LOOK`
        few = _Plain(labelOnlyBase=False, minor_thresholds=(1, 0.4))
        axes.yaxis.set_minor_formatter(few)
        low, high = axes.get_ylim()
        if high < 10 * low:  # no power of ten, or one: ticks as on a linear axis
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_minor_locator(NullLocator())
    elif name == "harmonization loss":
        axes.set_ylim(bottom=0)


def _handles(colours: dict[str, str], floor: float | None) -> list[Line2D]:
    """Legend: groups of trainings, and what lines are of."""
    strengths = [
        Line2D([], [], color=colour, marker="o", markersize=3.5, label=name)
        for name, colour in colours.items()
    ]
    kinds = [
        Line2D([], [], color=style.GREY, label="validation, or as named"),
        Line2D([], [], color=style.GREY, linestyle=(0, (3, 2)), label="training"),
    ]
    if floor is not None:
        kinds.append(Line2D([], [], label="least agreement of a chosen epoch", **FLOOR))
    return strengths + kinds
