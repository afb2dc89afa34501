"""One recording at a glance: responses, sites, repeats, the session, and the pictures behind them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from itcortex.figures import image_grid, style
from itcortex.figures.image_grid import Columns

WIDTH, LEFT, PANEL, TOP, ABOVE = 7.6, 0.62, 1.55, 0.42, 0.75  # inches
SIDE, GAP, N_SHOWN = 0.62, 0.05, 10
COLOUR, MARKED = style.CATEGORIES["cnn"].colour, style.CATEGORIES["harmonized"].colour
_MOST_NAMED = 3


@style.styled
def draw(
    sites: pd.DataFrame,
    average: np.ndarray,
    time: tuple[np.ndarray, np.ndarray] | None,
    session: tuple[np.ndarray, np.ndarray],
    photographs: Sequence[np.ndarray],
    unit: str,
) -> Figure:
    """Panels of responses, sites, reliability, and time or session; pictures by their responses.

    Parameters
    ----------
    sites : a row for each site, see `itcortex.encoding.site_checks.table`.
    average : (image, y, x, site), responses in the main window.
    time : starts of bins (ms) and the mean response in each, or None without a time axis.
    session : times (s) of presentations and what responses then differ, (presentation, site).
    photographs : pixels of every image, in the order of `average`.
    """
    has_grid = average.shape[1] * average.shape[2] > 1
    rows = 4 if has_grid else 2
    height = ABOVE + PANEL + 0.75 + rows * (SIDE + GAP) + (0.62 if has_grid else 0.3)
    figure = style.new_figure(WIDTH, height)
    step = (WIDTH - LEFT - 0.1) / 4
    panels = [style.axes_at(figure, LEFT + k * step, TOP, step - 0.6, PANEL) for k in range(4)]
    _responses(panels[0], average, sites, unit)
    _sites(panels[1], sites, unit)
    _reliability(panels[2], sites)
    _course(panels[3], time, session)
    _pictures(figure, TOP + PANEL + 0.95, average, photographs, has_grid)
    return figure


def _responses(axes: Axes, average: np.ndarray, sites: pd.DataFrame, unit: str) -> None:
    """Distribution of responses, every site in its own standard deviations."""
    varying = ~sites["constant"].to_numpy()
    flat = average.reshape(-1, average.shape[-1])[:, varying]
    axes.set_title("responses")
    if not flat.size:
        style.message(axes, "no site varies")
        return
    z = ((flat - flat.mean(0)) / flat.std(0)).ravel()
    axes.hist(z.clip(-5, 5), bins=np.linspace(-5, 5, 41), color=COLOUR)
    axes.set(xlabel="standard deviations from\na site's mean", ylabel="responses", xlim=(-5, 5))


def _sites(axes: Axes, sites: pd.DataFrame, unit: str) -> None:
    """Mean and standard deviation of every site; loud ones by name."""
    axes.set_title(f"sites ({len(sites)})")
    marked = sites["loud"] | sites["constant"]
    for rows, colour in ((sites[~marked], COLOUR), (sites[marked], MARKED)):
        axes.plot(rows["mean"], rows["sd"], "o", markersize=3, color=colour, markeredgewidth=0)
    for row in sites[marked].head(_MOST_NAMED).itertuples():
        axes.annotate(
            str(row.site), (row.mean, row.sd), (3, 3), textcoords="offset points", fontsize=8
        )
    axes.set(xlabel=f"mean ({unit})", ylabel=f"sd over images ({unit})")
    axes.locator_params(nbins=4)


def _reliability(axes: Axes, sites: pd.DataFrame) -> None:
    """Split-half reliability of every site, in order."""
    axes.set_title("reliability")
    known = np.sort(sites["reliability"].dropna())[::-1]
    if not len(known):
        style.message(axes, "no repeats")
        return
    axes.plot(
        np.arange(1, len(known) + 1), known, "o", markersize=3, color=COLOUR, markeredgewidth=0
    )
    axes.axhline(0, color=style.PALE, linewidth=0.8, zorder=1)
    axes.axhline(np.median(known), zorder=1, **style.CEILING)
    axes.set(
        xlabel="sites, in order",
        ylabel="split halves (r, corrected)",
        ylim=(min(-0.1, known[-1]), 1),
    )
    axes.locator_params(axis="x", nbins=4, integer=True)


def _course(axes: Axes, time, session) -> None:
    """Mean response over time after onset, or else the drift over the session."""
    if time is not None:
        axes.set_title("time course")
        axes.plot(*time, color=COLOUR)
        axes.set(xlabel="ms after onset", ylabel="mean response")
        return
    times, differences = session
    axes.set_title("session")
    if not len(times):
        style.message(axes, "no times")
        return
    axes.plot(times / 60, differences.mean(1), ".", markersize=2, color=style.PALE)
    parts = np.array_split(np.arange(len(times)), min(12, len(times)))
    centres = [times[part].mean() / 60 for part in parts]
    axes.plot(centres, [differences[part].mean() for part in parts], color=COLOUR)
    axes.set(xlabel="minutes", ylabel="mean over sites (sd)")


def _pictures(figure: Figure, top: float, average: np.ndarray, photographs, has_grid: bool) -> None:
    """Images with the strongest and the weakest mean response, and their maps."""
    strength = _standardised(average).mean((1, 2, 3))
    n_shown = min(N_SHOWN, len(strength))
    order = np.argsort(-strength, kind="stable")
    columns = Columns(LEFT, SIDE, GAP, (n_shown,), 0)
    maps = _standardised(average).mean(3)
    spread = float(np.abs(maps).max()) or 1.0
    for name, chosen in (("strongest", order[:n_shown]), ("weakest", order[::-1][:n_shown])):
        columns.name_row(figure, top, SIDE, name)
        for column, index in enumerate(chosen):
            image_grid.draw_photograph(
                columns.add_image(figure, column, top, SIDE), photographs[index]
            )
            if has_grid:
                axes = columns.add_image(figure, column, top + SIDE + GAP, SIDE)
                image_grid.draw_map(
                    axes, photographs[index], maps[index], (-spread, spread), alpha=0.75
                )
        top += (2 if has_grid else 1) * (SIDE + GAP)
    if has_grid:
        ticks = {-spread: f"{-spread:.1f}", 0.0: "0", spread: f"{spread:.1f}"}
        image_grid.draw_scale(
            figure, LEFT, top + 0.1, (-spread, spread), ticks, "mean over sites (sd)"
        )


def _standardised(average: np.ndarray) -> np.ndarray:
    """Responses of every site in standard deviations from its mean; 0 where it does not vary."""
    spread = average.std((0, 1, 2))
    return (average - average.mean((0, 1, 2))) / np.where(spread > 0, spread, 1)
