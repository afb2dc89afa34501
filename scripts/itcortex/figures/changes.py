"""What training changes of predictivity against what it changes of the agreement with people: arrows.

Every arrow starts at the same place: strength 0 of the same network and seed. No accuracy is borrowed.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from itcortex.errors import UserError
from itcortex.figures import style
from itcortex.figures.attention import SETS
from itcortex.figures.gallery import KINDS
from itcortex.tables import condition_words
from itcortex.tables.condition_contrasts import HUMAN, LABELS, NONE

#: Looks of conditions; of people those that harmonized networks have everywhere.
LOOKS = {HUMAN: style.CATEGORIES["harmonized"]} | style.CONTROLS
#: Kinds of saliency that have panels, and their names.
SALIENCY = {"raw": "gradient", "covering": "covering"}
KINDS_OF_MAP = ["target", "map_kind", "saliency"]
#: What is one arrow (NaN is the strength of models at their own), and one marker.
_ARROW = ["model", "condition", "strength"]
_MARKER = [*_ARROW, "seed"]
ARROW = {"arrowstyle": "-|>", "lw": 1.8, "shrinkA": 0, "shrinkB": 2, "mutation_scale": 10}
_SHAPES = ("o", "s", "^", "D", "v", "P")
SEED = {"markersize": 3.4, "markeredgewidth": 0, "linestyle": "none", "alpha": 0.75, "zorder": 3}
_BAR = {"linewidth": 1.0, "alpha": 0.6, "zorder": 2.5}
#: Over a mean that collapsed trainings are part of.
COLLAPSED = {"marker": "x", "color": style.INK, "markersize": 7, "linestyle": "none", "zorder": 6}
_TIP = {"markeredgecolor": "white", "markeredgewidth": 0.5, "linestyle": "none", "zorder": 5}


@style.styled
def draw(
    conditions: pd.DataFrame,
    seeds: pd.DataFrame,
    score: str,
    mapping: str,
) -> Figure:
    """A panel for every area (or recording), kind of human map and kind of saliency.

    Parameters
    ----------
    conditions : the table of that name; rows over models at main strengths are arrows with crosses of
        95 % intervals, those of single models, where there are several, thin arrows.
    seeds : the table `condition_seeds`; its rows are markers.
    score : of recordings, `r` or `r_over_ceiling`; mapping : of recordings.
    """
    rows, seeds = (
        table[table["main_strength"].astype(bool) & (table["compared_with"] == NONE)]
        for table in (conditions, seeds)
    )
    rows = rows.assign(collapsed=has_collapsed(rows))
    people = rows[(rows["measure"] == "attention") & rows["saliency"].isin([*SALIENCY])]
    kinds = list(people[KINDS_OF_MAP].drop_duplicates().itertuples(index=False, name=None))
    cells = [
        (one, *kind) for one in condition_words.headline(rows, score, mapping) for kind in kinds
    ]
    if not cells:
        raise UserError("no network has a change of both predictivity and agreement with people")
    models = list(dict.fromkeys(rows["model"][rows["model"] != ""]))
    present = [name for name in LOOKS if (rows["condition"] == name).any()]
    handles = _handles(present, models) + collapsed_handles(rows)
    figure, places = style.panel_grid(
        [f"{target}, {SETS.get(name, name)}" for target, name, *_ in cells], 2.3,
        handles, columns=2, notes=1, sides=(0.8, 0.15), between=0.8,
    )  # fmt: skip
    for (place, title), (target, *kind) in zip(places, cells, strict=True):
        axes = figure.add_subplot(place)
        means = _both(rows, kind, target, score, mapping, _ARROW)
        _draw_panel(axes, means, _both(seeds, kind, target, score, mapping, _MARKER), models)
        _, map_kind, saliency = kind
        style.head(axes, title, f"{SALIENCY[saliency]}, {KINDS.get(map_kind, map_kind)}")
        axes.set_xlabel("change of agreement with people (ρ)")
        axes.set_ylabel(
            f"change of {style.SCORES.get(score, score)}" if place.is_first_col() else ""
        )
    return figure


def has_collapsed(rows: pd.DataFrame) -> pd.Series:
    """Which rows of the table of conditions are means that collapsed trainings are part of."""
    return (rows["n_collapsed"] > 0) | (rows["n_collapsed_other"] > 0)


def collapsed_handles(rows: pd.DataFrame) -> list[Line2D]:
    """Legend of the crosses over such means; nothing where there are none."""
    label = "with collapsed trainings"
    return [Line2D([], [], label=label, **COLLAPSED)] if has_collapsed(rows).any() else []


def _both(
    rows: pd.DataFrame,
    people: Sequence[str],
    target: str,
    score: str,
    mapping: str,
    keys: Sequence[str],
) -> pd.DataFrame:
    """Changes of one kind of agreement with people (suffix _x) beside those of predictivity (_y).

    `people` are values of `KINDS_OF_MAP`; `keys` say which rows belong together.
    """
    of_people = (rows["measure"] == "attention") & (rows[KINDS_OF_MAP] == people).all(axis=1)
    of_target = (
        (rows["measure"] == score) & (rows["mapping"] == mapping) & (rows["target"] == target)
    )
    return rows[of_people].merge(rows[of_target], on=[*keys], suffixes=("_x", "_y"))


def _draw_panel(
    axes: Axes, means: pd.DataFrame, seeds: pd.DataFrame, models: Sequence[str]
) -> None:
    for name in ("axhline", "axvline"):
        getattr(axes, name)(0, color=style.PALE, linewidth=0.8, zorder=0)
    for row in seeds.itertuples():
        shape = _SHAPES[models.index(str(row.model)) % len(_SHAPES)]
        tip = (row.difference_x, row.difference_y)
        axes.plot(*tip, marker=shape, color=LOOKS[row.condition].colour, **SEED)
    for row in means.dropna(subset=["difference_x", "difference_y"]).itertuples():
        colour, tip = LOOKS[row.condition].colour, (row.difference_x, row.difference_y)
        if row.collapsed_x and (not row.model or len(models) > 1):
            axes.plot(*tip, **COLLAPSED)
        if row.model:
            if len(models) > 1:
                thin = ARROW | {"lw": 0.6, "mutation_scale": 6, "alpha": 0.6}
                axes.annotate("", tip, (0, 0), zorder=2, arrowprops=thin | {"color": colour})
            continue
        axes.hlines([tip[1]], row.low_x, row.high_x, colour, **_BAR)
        axes.vlines([tip[0]], row.low_y, row.high_y, colour, **_BAR)
        axes.annotate("", tip, (0, 0), zorder=4, arrowprops=ARROW | {"color": colour})
        look = LOOKS[row.condition]  # an arrow may be shorter than its head
        axes.plot(*tip, marker=look.marker, markersize=0.8 * look.size, color=colour, **_TIP)
    crosses = means[means["model"] == ""]  # single models have no intervals here
    for direction, axis in (("x", axes.set_xlim), ("y", axes.set_ylim)):
        tips = pd.concat([means, seeds])[f"difference_{direction}"].to_numpy(float)
        ends = crosses[[f"low_{direction}", f"high_{direction}"]].to_numpy(float).ravel()
        values = np.concatenate([tips, ends, [0.0]])
        low, high = np.nanmin(values), np.nanmax(values)
        room = 0.06 * (high - low) or 0.01
        axis(low - room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    style.say_if_empty(axes, means["difference_x"], "no two networks\nhave both")


def _handles(present: Sequence[str], models: Sequence[str]) -> list[Line2D]:
    """Legend: conditions, seeds, and the shapes of several models."""
    handles = [
        Line2D(
            [],
            [],
            color=LOOKS[name].colour,
            linewidth=1.8,
            marker=LOOKS[name].marker,
            markersize=0.8 * LOOKS[name].size,
            label=f"{LABELS[name]}, 95 % intervals",
        )
        for name in present
    ]
    if len(models) == 1:
        return [*handles, Line2D([], [], marker="o", color=style.GREY, label="seeds", **SEED)]
    for k, model in enumerate(models):
        shape = _SHAPES[k % len(_SHAPES)]
        label = f"seeds of {model}"
        handles.append(Line2D([], [], marker=shape, color=style.GREY, label=label, **SEED))
    return handles
