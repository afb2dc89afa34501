"""What human maps change, measure by measure: every condition minus strength 0, and minus controls."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from itcortex.errors import UserError
from itcortex.figures import changes, style
from itcortex.figures.attention import SETS
from itcortex.figures.gallery import KINDS
from itcortex.tables.condition_contrasts import CONTROLS, HUMAN, LABELS, NONE

#: A line for each contrast, from above: its place, and how it is called.
LINES = {
    (HUMAN, NONE): (0, LABELS[HUMAN]),
    (CONTROLS[0], NONE): (1, LABELS[CONTROLS[0]]),
    (CONTROLS[1], NONE): (2, LABELS[CONTROLS[1]]),
    (HUMAN, CONTROLS[0]): (3.6, "human − others"),
    (HUMAN, CONTROLS[1]): (4.6, "human − mean map"),
}
UNITS = {
    "r": "predictivity within sites, r",
    "r_over_ceiling": "within sites, r / ceiling",
    "rsa": "RSA, ρ",
    "attention": "agreement with people, ρ",
    "attention_partial": "beyond usual places, ρ",
    "agreement": "same first class, share",
    "divergence": "divergence, nats",
}
#: Measures that are drawn beside the main score of recordings; smoothed saliency is in the table alone.
_OTHERS, _SALIENCY = [*UNITS][2:], ("", *changes.SALIENCY)
_ANSWERS = "the network's own answers"
KEYS = ["measure", "target", "map_kind", "saliency"]
POOLED = {"marker": "D", "color": style.INK, "markersize": 5.0, "linestyle": "none", "zorder": 4}
_MODELS = [(look.colour, look.marker, look.size) for name, look in style.CATEGORIES.items()
           if name not in ("own", "untrained")]  # fmt: skip
#: Contrasts as lines over strengths: human maps minus a control are dotted, in the control's colour.
_LOOKS = {
    (first, other): {
        "color": (look := changes.LOOKS[first if other == NONE else other]).colour,
        "marker": look.marker, "markersize": 0.75 * look.size, "linewidth": 1.0, "zorder": 3,
        "linestyle": "-" if other == NONE else ":", "fillstyle": "full" if other == NONE else "none",
    }
    for first, other in LINES
}  # fmt: skip
_NAMES = {
    key: f"{name} − strength 0" if key[1] == NONE else name for key, (_, name) in LINES.items()
}
_DODGE = 0.36  # how far from a line's middle stand the mean over models, above, and the last model


@style.styled
def draw(table: pd.DataFrame, score: str = "r", mapping: str = "pls") -> Figure:
    """A panel for every measure: differences of single models and over models, with 95 % intervals.

    With several strengths, differences over models by strength.

    Parameters
    ----------
    table : the table `conditions`.
    score : measure of recordings that is drawn, `r` or `r_over_ceiling`.
    mapping : of recordings.
    """
    rows = shown(table, score, mapping)
    if rows.empty:
        raise UserError("the table of conditions has no rows to draw")
    over = rows[rows["model"] == ""]
    strengths = sorted(over["strength"].dropna().unique())
    if len(strengths) > 1:
        return _over_strengths(over.dropna(subset="strength"), strengths)
    models = list(dict.fromkeys(rows["model"][rows["model"] != ""]))
    if len(models) == 1:  # it is the estimate over models
        rows = over
    panels = list(rows.groupby(KEYS, sort=False))
    titles = [title(some.iloc[0]) for _, some in panels]
    figure, places = style.panel_grid(
        titles,
        1.2 if len(models) == 1 else 1.7,
        _handles(models) + changes.collapsed_handles(rows),
        notes=1,
        sides=(1.7, 0.2),
        between=0.2,
        foot=0.38,
    )
    for (place, named), (_, some) in zip(places, panels, strict=True):
        axes = figure.add_subplot(place)
        _draw_panel(axes, some, models)
        style.head(axes, named, UNITS[some["measure"].iloc[0]])
        if place.is_first_col():
            axes.set_yticklabels([label for _, label in LINES.values()])
    return figure


def _over_strengths(rows: pd.DataFrame, strengths: list[float]) -> Figure:
    """A panel for every measure: each contrast as a line over strengths, which are evenly spaced."""
    panels = list(rows.groupby(KEYS, sort=False))
    there = {*zip(rows["condition"], rows["compared_with"], strict=True)}
    looks = {key: look for key, look in _LOOKS.items() if key in there}
    handles = [Line2D([], [], label=_NAMES[key], **look) for key, look in looks.items()]
    handles += changes.collapsed_handles(rows)
    titles = [title(some.iloc[0]) for _, some in panels]
    figure, places = style.panel_grid(titles, 1.2, handles, notes=1, between=0.5)
    shifts = np.linspace(-_DODGE, _DODGE, len(looks) + 2)[1:-1] / 2
    for (place, named), (_, some) in zip(places, panels, strict=True):
        axes = figure.add_subplot(place)
        axes.axhline(0, color=style.GREY, linewidth=0.8, zorder=1)
        for shift, (key, look) in zip(shifts, looks.items(), strict=True):
            chosen = (some["condition"] == key[0]) & (some["compared_with"] == key[1])
            line = some[chosen].sort_values("strength")
            at = [strengths.index(strength) + shift for strength in line["strength"]]
            axes.vlines(at, line["low"], line["high"], look["color"], linewidth=1.2, zorder=2)
            axes.plot(at, line["difference"], **look)
            crossed = changes.has_collapsed(line)
            if crossed.any():
                axes.plot(np.array(at)[crossed], line["difference"][crossed], **changes.COLLAPSED)
        axes.set_xlim(-0.5, len(strengths) - 0.5)
        axes.set_xticks(range(len(strengths)), [f"{strength:g}" for strength in strengths])
        axes.yaxis.set_major_locator(MaxNLocator(4))
        style.head(axes, named, UNITS[some["measure"].iloc[0]])
        axes.set_xlabel("strength")
        style.say_if_empty(axes, some["difference"], "no two networks\nhave a score")
    return figure


def shown(table: pd.DataFrame, score: str, mapping: str) -> pd.DataFrame:
    """Rows that are drawn, recordings first: of an area and its recordings, RDMs, people, answers."""
    rows = table[table["saliency"].isin(_SALIENCY)]
    of_recordings = rows[(rows["measure"] == score) & (rows["mapping"] == mapping)]
    of_recordings = of_recordings.sort_values("n_targets", ascending=False, kind="stable")
    return pd.concat([of_recordings, rows[rows["measure"].isin(_OTHERS)]], ignore_index=True)


def title(row: pd.Series) -> str:
    """What a panel is about."""
    if row["measure"] in ("agreement", "divergence"):
        return _ANSWERS
    if row["map_kind"]:
        kind = KINDS.get(row["map_kind"], row["map_kind"])
        return f"{changes.SALIENCY[row['saliency']]}: {kind}"
    several = f", mean of {row['n_targets']} recordings" if row["n_targets"] > 1 else ""
    return SETS.get(row["target"], row["target"]) + several


def _draw_panel(axes: Axes, rows: pd.DataFrame, models: list[str]) -> None:
    axes.axvline(0, color=style.GREY, linewidth=0.8, zorder=1)
    shifts = np.linspace(-_DODGE, _DODGE, len(models) + 1) if (rows["model"] != "").any() else [0.0]
    for row in rows.assign(collapsed=changes.has_collapsed(rows)).to_dict("records"):
        place = LINES[row["condition"], row["compared_with"]][0]
        if row["model"]:
            index = models.index(row["model"])
            colour, marker, size = _MODELS[index % len(_MODELS)]
            axes.hlines([place + shifts[1 + index]], row["low"], row["high"], colour, linewidth=0.8,
                        alpha=0.7, zorder=2)  # fmt: skip
            axes.plot([row["difference"]], [place + shifts[1 + index]], linestyle="none", marker=marker,
                      color=colour, markersize=0.75 * size, markeredgewidth=0, zorder=3)  # fmt: skip
            _cross(axes, row, place + shifts[1 + index])
            continue
        _cross(axes, row, place + shifts[0])
        axes.hlines(
            [place + shifts[0]], row["low"], row["high"], style.INK, linewidth=1.6, zorder=2
        )
        axes.plot([row["difference"]], [place + shifts[0]], **POOLED)
    last = max(place for place, _ in LINES.values())
    axes.set(ylim=(last + 0.7, -0.7), yticks=[place for place, _ in LINES.values()])
    axes.set_yticklabels([])
    axes.xaxis.set_major_locator(MaxNLocator(3))
    style.say_if_empty(axes, rows["difference"], "no two networks\nhave a score")


def _cross(axes: Axes, row: dict, place: float) -> None:
    """A cross over a mean that collapsed trainings are part of."""
    if row["collapsed"]:
        axes.plot([row["difference"]], [place], **changes.COLLAPSED)


def _handles(models: list[str]) -> list[Line2D]:
    """Legend: models, and the estimate over them."""
    if len(models) == 1:
        return [Line2D([], [], label=f"{models[0]}, 95 % interval", **POOLED)]
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=0.75 * size,
               markeredgewidth=0, label=model)
        for model, (colour, marker, size) in zip(models, _cycled(len(models)), strict=True)
    ]  # fmt: skip
    return [*handles, Line2D([], [], label="all models, 95 % interval", **POOLED)]


def _cycled(count: int) -> list[tuple[str, str, float]]:
    return [_MODELS[index % len(_MODELS)] for index in range(count)]
