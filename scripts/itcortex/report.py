"""One self-contained page: what was asked, what was found, figures, tables, settings.

The page loads nothing: images are embedded, style and script are inline, and its content security
policy forbids the rest. It holds no time stamp: same input, same bytes.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import yaml

from itcortex import findings, panels
from itcortex.errors import UserError
from itcortex.findings import number

TEMPLATE = Path(__file__).with_name("report_template.html")
FIGURES = {
    "tradeoff": (
        "Predictivity against ImageNet accuracy",
        "One panel per recording, one marker per network; bars are 95 % bootstrap intervals over "
        "images and sites. Untrained networks stand at chance accuracy, left of the break; the grey "
        "band repeats their range. The dotted line is the control with shuffled images. A thick "
        "grey line, where there are at least five trained networks, is the convex upper frontier.",
    ),
    "layers": (
        "Predictivity of every layer",
        "Mean over folds with its standard error, against the layer's relative depth. Dots mark the "
        "layers that were chosen without the test images; the larger, the more folds chose them.",
    ),
    "maps": (
        "Recorded and predicted responses",
        "Maps over the photograph for images from the best to the worst predicted one, each map in "
        "standard deviations from its mean; ρ is the rank correlation of the site-averaged maps. "
        "Recordings without a grid show single sites instead: a point is an image.",
    ),
    "timecourse": (
        "Predictivity over time",
        "Score in every time window, at the window's centre, with 95 % bands. The yellow window is "
        "the one of all other results; the dashed line is the noise ceiling.",
    ),
}


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is shown, and what its column is sorted by."""

    text: str
    key: str | float
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the page; the first column names its rows."""

    caption: str
    columns: list[str]
    rows: list[list[Cell]]


def text(value) -> Cell:
    """A cell of text; an en dash where there is none."""
    shown = "\N{EN DASH}" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 (NaN)
    return Cell(shown, shown)


def figure(value: float, digits: int = 2, low: float = np.nan, high: float = np.nan) -> Cell:
    """A cell with a number and, where it has one, its 95 % interval."""
    shown = number(value, digits)
    if np.isfinite(low) and np.isfinite(high):
        shown += f" [{number(low, digits)}, {number(high, digits)}]"
    return Cell(shown, float(value) if np.isfinite(value) else "", True)


def summary_table(panel: panels.Panel, summary: pd.DataFrame) -> Table:
    """Every model in the main window of one recording, best first, with its shuffled control."""
    rows = panel.of(summary)
    rows = rows[rows.main_window.astype(bool)]
    shuffled = rows[rows.control == "shuffled_images"].set_index(["model", "weights"]).r
    real = rows[rows.control == "none"].sort_values(["r", "model"], ascending=[False, True])
    return Table(
        f"Models on {panel.title}, main window {window(real.window_start, real.window_stop)}",
        ["model", "weights", "category", "top-1 (%)", "r [95 % CI]", "ceiling",
         "r / ceiling [95 % CI]", "layer", "optimism", "shuffled r"],
        [
            [
                text(row.model), text(row.weights), text(row.category), figure(row.top1, 1),
                figure(row.r, 2, row.r_low, row.r_high), figure(row.ceiling),
                figure(row.r_over_ceiling, 2, row.r_over_ceiling_low, row.r_over_ceiling_high),
                text(row.layer), figure(row.optimism, 3),
                figure(shuffled.get((row.model, row.weights), np.nan)),
            ]
            for row in real.itertuples()
        ],
    )  # fmt: skip


def window(start: pd.Series, stop: pd.Series) -> str:
    """The one window of some rows, ms after stimulus onset, or that there is no time axis."""
    if start.empty or not np.isfinite(start.iloc[0]):
        return "(no time axis)"
    return f"{start.iloc[0]:g} to {stop.iloc[0]:g} ms"


def ceiling_table(ceilings: pd.DataFrame, summary: pd.DataFrame) -> Table:
    """Every kind of ceiling in the main windows: mean and range over folds."""
    keys = ["recording", "window_start", "window_stop"]
    main = summary[summary.main_window.astype(bool)][keys].drop_duplicates()
    known = ceilings.merge(main, on=keys)
    rows = []
    groups = known.groupby([*keys, "ceiling_name"], dropna=False, observed=True, sort=True)
    for (recording, start, stop, name), group in groups:
        values = group.value.dropna()
        spread = (values.min(), values.max()) if len(values) > 1 else (np.nan, np.nan)
        rows.append(
            [
                text(recording), text(str(name).replace("_", " ")),
                text(window(pd.Series([start]), pd.Series([stop]))), figure(values.mean()),
                text(f"{number(spread[0])} to {number(spread[1])}" if len(values) > 1 else None),
                text("yes" if group.used.any() else "no"),
            ]
        )  # fmt: skip
    columns = ["recording", "ceiling", "window", "mean", "range over folds", "scores divided by it"]
    return Table("Noise ceilings in the main window", columns, rows)


def tradeoff_table(tradeoff: pd.DataFrame, caption: str) -> Table:
    """Statistics of accuracy against predictivity with their notes."""
    columns = ["recording", "mapping", "models", "statistic", "value [95 % CI]", "number of models",
               "families", "note"]  # fmt: skip
    rows = [
        [
            text(row.recording), text(row.mapping), text(row.group.replace("_", " ")),
            text(row.statistic.replace("_", " ")),
            figure(row.value, 2 if row.statistic == "spearman" else 4, row.low, row.high),
            figure(row.n_models, 0), figure(row.n_families, 0), text(row.note),
        ]
        for row in tradeoff.itertuples()
    ]  # fmt: skip
    return Table(caption, columns, rows)


def alignment_table(alignment: pd.DataFrame) -> Table | None:
    """Mean rank correlation of site-averaged maps at every scale; None without any map."""
    average = alignment[alignment.site == "average"]
    if average.empty:
        return None
    average = average.assign(beyond=100.0 * (average.p < 0.05))
    keys = ["recording", "model", "weights", "scale"]
    mean = average.groupby(keys, observed=True, sort=False)[["rho", "beyond"]].mean()
    mean = mean.unstack("scale")
    names = {1: "full grid", 2: "half the side", 4: "a quarter of the side"}
    scales = list(mean["rho"].columns)
    columns = ["recording", "model", "weights"]
    for scale in scales:
        columns += [names.get(scale, f"1/{scale}"), "% of images p < .05"]
    rows = []
    for keys, row in mean.iterrows():
        cells = [(figure(row["rho", s]), figure(row["beyond", s], 0)) for s in scales]
        rows.append([*map(text, keys), *(cell for pair in cells for cell in pair)])
    return Table("Rank correlation of site-averaged maps, mean over images", columns, rows)


def orientation_table(orientation: pd.DataFrame) -> Table | None:
    """Mean predictivity over models under every orientation of the grid; None without a grid."""
    if orientation.empty:
        return None
    mean = orientation.pivot_table(
        index="recording", columns="orientation", values="r", observed=True, sort=False
    )
    rows = [[text(name), *map(figure, values)] for name, values in mean.iterrows()]
    return Table("Predictivity by orientation of the grid", ["recording", *mean.columns], rows)


def embed(path: str | Path, captions: dict[str, str]) -> dict:
    """A PNG as a data URI with its title, caption and alternative text."""
    path = Path(path)
    title, caption = FIGURES.get(path.stem, (path.stem, ""))
    caption = captions.get(path.stem, caption)
    data = path.read_bytes()
    if not data.startswith(b"\x89PNG"):
        raise UserError(f"{path}: not a PNG image; delete it to make it anew")
    return {
        "name": path.stem, "title": title, "caption": caption, "alt": f"{title}. {caption}",
        "uri": "data:image/png;base64," + base64.b64encode(data).decode(),
    }  # fmt: skip


def render(
    tables: dict[str, pd.DataFrame],
    figures: list,
    experiment: str,
    settings: dict,
    *,
    versions: dict[str, str],
    fingerprints: dict[str, str],
    captions: dict[str, str],
    template: str | Path = TEMPLATE,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    tables : summary, tradeoff, ceilings, alignment and orientation, as the workflow writes them.
    figures : paths of PNG files; `captions` replaces captions by a file's stem.
    settings : the configuration of the run.
    versions, fingerprints : of packages and of the rules' code, by name.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(template).read_text(encoding="utf-8")).render(
        _from_tables(tables),
        experiment=experiment,
        figures=[embed(path, captions) for path in figures],
        # the workflow's own kinds of mapping become plain ones, which YAML can write
        settings=yaml.safe_dump(
            json.loads(json.dumps(settings)), sort_keys=False, allow_unicode=True, width=90
        ),
        versions=versions,
        fingerprints=fingerprints,
    )


def _from_tables(tables: dict[str, pd.DataFrame]) -> dict:
    """What the template shows of the tables."""
    summary, tradeoff = tables["summary"], tables["tradeoff"]
    simulated = summary.simulated.astype(bool)
    everything = tradeoff.group == "all"
    return {
        "simulated": [str(name) for name in summary[simulated].recording.unique()],
        "only_simulated": bool(simulated.all()),
        "in_short": findings.in_short(summary, tradeoff),
        "sections": [
            {
                "title": panel.title,
                "sentences": findings.sentences(panel, summary, tradeoff),
                "table": summary_table(panel, summary),
            }
            for panel in panels.of_summary(summary)
        ],
        "ceilings": ceiling_table(tables["ceilings"], summary),
        "tradeoff": tradeoff_table(tradeoff[everything], "Over all baseline networks"),
        "by_category": tradeoff_table(tradeoff[~everything], "Per category"),
        "alignment": alignment_table(tables["alignment"]),
        "orientation": orientation_table(tables["orientation"]),
        "turned": findings.turned_grids(tables["orientation"]),
    }
