"""Networks beside other recordings, as predictors of the responses to the images that they share."""

import textwrap
from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from itcortex.figures import accuracy, style
from itcortex.figures.models import KEYS, MOST_NAMED
from itcortex.tables.numbers import bounds, number
from itcortex.tables.panels import marked

LINE = {"color": style.INK, "linewidth": 1.2, "linestyle": (0, (4, 2))}
BAND = {"color": style.INK, "alpha": 0.10, "linewidth": 0}


@style.styled
def draw(
    pairs: pd.DataFrame, shared: pd.DataFrame, mapping: str, simulated: Collection[str] = ()
) -> Figure:
    """A panel for each pair of recordings: networks on the shared images, and the other recording.

    Parameters
    ----------
    pairs, shared : the tables recording_pairs and shared_images.
    mapping : rows of this one are drawn.
    simulated : names of recordings that are called so.
    """
    shown = scored(pairs, mapping)
    if shown.empty:
        return _nothing(pairs)
    few = len(shared.drop_duplicates(KEYS)) <= MOST_NAMED
    records = shown.to_dict("records")
    titles = [marked(title(pair), pair["recording"] in simulated) for pair in records]
    figure, places = style.panel_grid(
        titles, 2.4, _handles(shared), notes=1,
        columns=2 if few else 3, foot=0.6 if shared["top1"].isna().any() else 0.48,
    )  # fmt: skip
    ends = [table[["r_low", "r_high"]].to_numpy(float).ravel() for table in (shared, shown)]
    limits = accuracy.limits(shared), accuracy.ordinate(np.concatenate(ends), 0.07)
    drawn = []
    for (place, text), pair in zip(places, records, strict=True):
        rows = shared[(shared[_PAIR].astype(str) == [pair[name] for name in _PAIR]).all(axis=1)]
        panel = accuracy.add_pair(figure, place, rows, *limits)
        for axes in panel.both:
            axes.axhline(pair["r"], zorder=1, **LINE)
            axes.axhspan(pair["r_low"], pair["r_high"], **BAND)
        points = accuracy.placed(rows[np.isfinite(rows["top1"]) & np.isfinite(rows["r"])])
        accuracy.draw_points(panel, points, "r", accuracy.LARGE if few else accuracy.SMALL)
        style.say_if_empty(panel.trained, points["r"], "no network has\naccuracy and score")
        style.head(panel.left, text, _note(pair))
        panel.trained.set_xlabel(accuracy.abscissa_label(len(rows) - len(points)))
        style.label_ordinate(panel.left, place, style.SCORES["r"])
        drawn += [(panel, points, pair["r"])] if few else []
    for axes in figure.axes:
        axes.set_autoscale_on(False)
    for panel, points, level in drawn:
        accuracy.name_points(figure, panel, points, "r", [_line(panel, level)])
    return figure


_WHOSE = {
    "yes": "same animal", "partly": "partly same animal", "no": "other animal",
    "unknown": "animal not named",
}  # fmt: skip
_PAIR = ["recording", "ceiling_name"]


def scored(pairs: pd.DataFrame, mapping: str) -> pd.DataFrame:
    """The pairs that have a score with a mapping."""
    return pairs[(pairs["mapping"].astype(str) == mapping) & np.isfinite(pairs["r"])]


def title(pair: dict) -> str:
    """Which recording is predicted from which."""
    return f"{pair['recording']} from {pair['sources']}"


def score(pair: dict) -> str:
    """What the other recording reaches, with its interval."""
    low, high = bounds(pair["r_low"], pair["r_high"])
    return f"r = {number(pair['r'])} [{low}, {high}]"


def _note(pair: dict) -> str:
    """The line under a panel's title."""
    return f"{_WHOSE[pair['same_monkey']]}, {pair['n_shared']} images: {score(pair)}"


def _line(panel: accuracy.Pair, level: float) -> Bbox:
    """The box (px) of the other recording's line, which names keep clear of."""
    y = panel.trained.transData.transform((0, level))[1]
    return Bbox.from_extents(panel.extent.x0, y - 2, panel.extent.x1, y + 2)


def _handles(shared: pd.DataFrame) -> list:
    """Legend: the categories that are there, and the other recording."""
    return [
        *accuracy.category_handles(shared["category"].unique()),
        Line2D([], [], label="other recording", **LINE),
        Patch(label="its 95 % interval", **BAND),
    ]


def _nothing(pairs: pd.DataFrame) -> Figure:
    """A figure that says why no pair is drawn."""
    reasons = [textwrap.fill(text, 90) for text in pairs["note"].unique()[:6]]
    figure = style.new_figure(style.PAGE, 1.0 + 0.3 * len(reasons))
    text = "\n".join(["No recording predicts another here.", *reasons])
    style.message(figure.add_subplot(), text)
    return figure
