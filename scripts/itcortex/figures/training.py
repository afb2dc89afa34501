"""Learning curves: what every training of one network noted of itself, strength by strength."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, MaxNLocator, StrMethodFormatter

from itcortex.errors import UserError
from itcortex.figures import style

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
LOGARITHMIC = ("std of the saliency", "learning rate")


@style.styled
def draw(history: pd.DataFrame, title: str) -> Figure:
    """Every measure against epochs in a panel of its own: colours are strengths, lines are seeds.

    `history` holds rows of several trainings of one network, with columns strength and seed. Solid
    lines are of validation, dashed ones of training. The panel of a measure that was not made says so.
    """
    if history.empty:
        raise UserError("the history has no rows: there is nothing to draw")
    colours = colours_of(sorted(history["strength"].unique()))
    made = history["strength"] > 0  # at strength 0 no saliency is made: that is no loss of 0
    history = history.assign(harmonization=history["harmonization"].where(made))
    figure, places = style.panel_grid(
        [*PANELS], 1.7, _handles(colours), between=0.55, heading=title
    )
    for (place, name), (solid, dashed, percent) in zip(places, PANELS.values(), strict=True):
        axes = figure.add_subplot(place)
        style.head(axes, name)
        if solid not in history or history[solid].isna().all():
            style.message(axes, "not measured")
            continue
        scaled = history.assign(
            **{c: history[c] * (100 if percent else 1) for c in (solid, dashed) if c}
        )
        shared = {"x": "epoch", "hue": "strength", "palette": colours, "legend": False, "ax": axes}
        lines = {"units": "seed", "estimator": None, "linewidth": 1.3}
        if dashed:
            sns.lineplot(scaled, y=dashed, linestyle=(0, (3, 2)), alpha=0.6, **shared, **lines)
        sns.lineplot(scaled, y=solid, **shared, **lines)
        last = scaled[scaled["epoch"] == scaled["epoch"].max()]
        sns.scatterplot(last, y=solid, s=14, linewidth=0, zorder=3, **shared)
        _finish(axes, name, history["epoch"].max(), place.is_last_row())
    return figure


def colours_of(strengths: list[float]) -> dict[float, str]:
    """Blue for the baseline (strength 0), and from dark to light with rising strength."""
    above = [strength for strength in strengths if strength > 0]
    steps = np.linspace(0.62, 0.85, len(above)) if len(above) > 1 else [0.7]
    ramp = {strength: to_hex(RAMP(step)) for strength, step in zip(above, steps, strict=False)}
    return {strength: ramp.get(strength, BASELINE) for strength in strengths}


def _finish(axes: Axes, name: str, epochs: int, last: bool) -> None:
    axes.set(xlabel="epoch" if last else "", ylabel="")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlim(1 - 0.02 * epochs, epochs * 1.03)
    if name in LOGARITHMIC:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # no formulas, see `style.LOOK`
        few = LogFormatter(labelOnlyBase=False, minor_thresholds=(1, 0.4))
        axes.yaxis.set_minor_formatter(few)
    elif name == "harmonization loss":
        axes.set_ylim(bottom=0)


def _handles(colours: dict[float, str]) -> list[Line2D]:
    """Legend: strengths, and what lines are of."""
    names = {0.0: "baseline (strength 0)"}
    strengths = [
        Line2D([], [], color=colour, marker="o", markersize=3.5,
               label=names.get(strength, f"strength {strength:g}"))
        for strength, colour in colours.items()
    ]  # fmt: skip
    kinds = [
        Line2D([], [], color=style.GREY, label="validation, or as named"),
        Line2D([], [], color=style.GREY, linestyle=(0, (3, 2)), label="training"),
    ]
    return strengths + kinds
