"""Where time and memory went: sums of time and peaks of memory, by rule and by model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from itcortex.errors import UserError
from itcortex.figures import style
from itcortex.figures.names import shorten
from itcortex.tables import benchmarks, panels

MOST = 20  # rules, and models, that are drawn one by one; the others are summed up
LONGEST = 30  # characters of a name beside its bar
COLOURED = 6  # rules with a colour of their own: those that took most time
REST = "#B8B8B8"
LINE, GAP, TOP, BOTTOM = 0.235, 0.75, 1.0, 1.0  # inches; LINE is one rule or model
LEFT, RIGHT, BETWEEN = 2.05, 0.2, 0.25
WIDTHS = (2.9, 1.8)  # inches of the panels of time and of memory
UNITS = ((7200.0, 3600.0, "h"), (100.0, 60.0, "min"), (0.0, 1.0, "s"))  # from, seconds, name


@dataclass(frozen=True)
class Rows:
    """What one pair of panels shows from top to bottom.

    seconds : summed time, a row for every name and a column for every rule.
    memory : a row for every job: name, memory_mb.
    notes : what is written behind every bar.
    """

    seconds: pd.DataFrame
    memory: pd.DataFrame
    notes: list[str]
    ordinate: str


@style.styled
def draw(jobs: pd.DataFrame, title: str) -> Figure:
    """Bars of summed time and points of every job's peak memory; `jobs` is a `benchmarks.collect`.

    The rules that took most time have the same colours in all panels. Above are all rules, below the
    models, if there are any. Raises `UserError` without jobs.
    """
    if jobs.empty:
        raise UserError("no benchmark: there is nothing to draw")
    rules = benchmarks.by_rule(jobs)
    colours = rule_colours(list(rules.index))
    groups = [rows_of(jobs, jobs["rule"], rules.index, "rule")]
    own = jobs[jobs["model"] != ""]
    if len(own):
        names = panels.model_names(own)
        order = (
            own.groupby(names)["seconds"].sum().sort_values(ascending=False, kind="stable").index
        )
        groups.append(rows_of(own, names, order, "model"))
    heights = [LINE * (len(rows.seconds) + 0.6) for rows in groups]
    width = LEFT + sum(WIDTHS) + BETWEEN + RIGHT
    height = TOP + sum(heights) + GAP * (len(groups) - 1) + BOTTOM
    figure = style.new_figure(width, height)
    grid = GridSpec(
        len(groups), 2, figure=figure, left=LEFT / width, right=1 - RIGHT / width,
        top=1 - TOP / height, bottom=BOTTOM / height, width_ratios=WIDTHS, height_ratios=heights,
        wspace=BETWEEN / np.mean(WIDTHS), hspace=GAP / np.mean(heights),
    )  # fmt: skip
    for k, rows in enumerate(groups):
        times, memory = figure.add_subplot(grid[k, 0]), figure.add_subplot(grid[k, 1])
        _draw_times(times, rows, colours)
        _draw_memory(memory, rows)
    _write(figure, jobs, colours, title)
    return figure


def rule_colours(rules: list[str]) -> dict[str, str]:
    """Colours of the first rules, from dark to light; grey for all others."""
    ramp = [to_hex(colormaps["viridis"](step)) for step in np.linspace(0.12, 0.88, COLOURED)]
    return {rule: ramp[k] if k < COLOURED else REST for k, rule in enumerate(rules)}


def rows_of(jobs: pd.DataFrame, names: pd.Series, order: pd.Index, ordinate: str) -> Rows:
    """Jobs by name (job,), in this order; names beyond `MOST` become one row of the others."""
    kept = list(order[: MOST - 1] if len(order) > MOST else order)
    other = f"{len(order) - len(kept)} others"
    shown = names.where(names.isin(kept), other)
    rows = kept + ([other] if len(order) > len(kept) else [])
    seconds = jobs.groupby([shown, "rule"])["seconds"].sum().unstack(fill_value=0.0).loc[rows]
    seconds = seconds[[rule for rule in benchmarks.by_rule(jobs).index if rule in seconds]]
    grouped = jobs.groupby(shown)["seconds"]
    size, median = grouped.size(), grouped.median()
    notes = [
        f"{span(seconds.loc[row].sum())}  ({size[row]} × {span(median[row])})"
        if size[row] > 1 else span(median[row])
        for row in rows
    ]  # fmt: skip
    memory = pd.DataFrame({"name": shown, "memory_mb": jobs["memory_mb"]})
    return Rows(seconds, memory, notes, ordinate)


def span(seconds: float) -> str:
    """A time in the unit that suits it: 3.1 s, 12 min, 5.2 h."""
    size, unit = next((size, unit) for start, size, unit in UNITS if seconds >= start)
    value = seconds / size
    return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"


def _draw_times(axes: Axes, rows: Rows, colours: dict[str, str]) -> None:
    """Stacked bars, longest at the top, and what they are made of."""
    total = rows.seconds.sum(axis=1)
    size, unit = next((size, unit) for start, size, unit in UNITS if total.max() >= start)
    long = (
        rows.seconds.rename_axis(index="name", columns="rule").stack().rename("time").reset_index()
    )
    long["name"] = pd.Categorical(long["name"], rows.seconds.index)
    sns.histplot(
        long.assign(time=long["time"] / size), y="name", weights="time", hue="rule",
        hue_order=[*rows.seconds][::-1], palette=colours, multiple="stack", shrink=0.72, alpha=1,
        linewidth=0, legend=False, ax=axes,
    )  # fmt: skip
    left = total.to_numpy() / size
    for k, note in enumerate(rows.notes):
        axes.annotate(
            note, (left[k], k), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8, color=style.GREY,
        )  # fmt: skip
    axes.set_yticks(range(len(total)), [shorten(name, LONGEST) for name in rows.seconds.index])
    axes.set_ylim(len(total) - 0.4, -0.6)
    axes.set_xlim(0, left.max() * 1.62 if left.max() else 1)  # room for the notes
    axes.set(xlabel=f"time, summed over jobs ({unit})", ylabel="")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _draw_memory(axes: Axes, rows: Rows) -> None:
    """Every job as a point; the largest of each row has its number beside it."""
    names = list(rows.seconds.index)
    known = rows.memory.dropna()
    known = known.assign(memory=known["memory_mb"] / 1024)
    largest = known.groupby("name")["memory"].max()
    shared = {
        "x": "memory",
        "y": "name",
        "order": names,
        "jitter": False,
        "color": style.INK,
        "ax": axes,
    }
    sns.stripplot(known, size=3.5, alpha=0.3, **shared)
    sns.stripplot(largest.reset_index(), size=4.5, **shared)
    for name, value in largest.items():
        axes.annotate(
            f"{value:.1f}" if value >= 0.095 else f"{value:.2f}", (value, names.index(name)),
            xytext=(5, 0), textcoords="offset points", va="center", fontsize=8, color=style.GREY,
        )  # fmt: skip
    for k in set(range(len(names))) - {names.index(name) for name in largest.index}:
        axes.text(0, k, " too short to measure", va="center", fontsize=8, color=style.GREY)
    axes.set_yticks([])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, largest.max() * 1.2 if len(largest) else 1)
    axes.set(xlabel="peak memory of a job (GB)", ylabel="")
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _write(figure: Figure, jobs: pd.DataFrame, colours: dict[str, str], title: str) -> None:
    """Title, what all jobs took together, and the legend of the rules with a colour."""
    width, height = figure.get_size_inches()
    left = 0.15 / width
    figure.text(left, 1 - 0.15 / height, title, va="top", fontsize=11, fontweight="bold")
    cpu = jobs["cpu_seconds"].sum()
    figure.text(
        left, 1 - 0.42 / height,
        f"{len(jobs)} jobs: {span(jobs['seconds'].sum())} summed over them, {span(cpu)} of CPU time. "
        "Beside bars: sum (jobs × median).\nMemory is resident, as sampled while they ran; that of "
        "GPUs is not measured.",
        va="top", fontsize=8, color=style.GREY, linespacing=1.4,
    )  # fmt: skip
    shown = [rule for rule, colour in colours.items() if colour != REST]
    handles = [Patch(color=colours[rule], label=rule) for rule in shown]
    handles += [Patch(color=REST, label="all other rules")] if len(colours) > len(shown) else []
    figure.legend(handles=handles, loc="lower center", ncols=4, handlelength=1.2)
