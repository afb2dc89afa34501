"""Tables of the report: what is shown in every cell, and what its column is sorted by."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from itcortex.encoding.ceilings import weakness
from itcortex.tables import panels
from itcortex.tables.condition_contrasts import LABELS
from itcortex.tables.numbers import bounds, number


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
        shown += " [{}, {}]".format(*bounds(low, high, digits))
    return Cell(shown, float(value) if np.isfinite(value) else "", True)


def summary_table(panel: panels.Panel, summary: pd.DataFrame) -> Table:
    """Every model in the main window of one recording, best first, with its shuffled control.

    r within kinds has a column where the images are of several kinds.
    """
    rows = panel.of(summary)
    rows = rows[rows.main_window.astype(bool)]
    shuffled = rows[rows.control == "shuffled_images"].set_index(["model", "weights"]).r
    real = rows[rows.control == "none"].sort_values(["r", "model"], ascending=[False, True])
    several = (real.n_kinds > 1).any()
    return Table(
        f"Models on {panel.title}, main window {window(real.window_start, real.window_stop)}",
        ["model", "weights", "category", "top-1 (%)", "r [95 % CI]",
         *(["r within kinds [95 % CI]"] if several else []), "ceiling", "r / ceiling [95 % CI]",
         "layer", "optimism", "shuffled r"],
        [
            [
                text(row.model), text(row.weights), text(row.category), figure(row.top1, 1),
                figure(row.r, 2, row.r_low, row.r_high),
                *([_within_kinds(row)] if several else []), figure(row.ceiling),
                figure(row.r_over_ceiling, 2, row.r_over_ceiling_low, row.r_over_ceiling_high),
                text(row.layer), figure(row.optimism, 3),
                figure(shuffled.get((row.model, row.weights), np.nan)),
            ]
            for row in real.itertuples()
        ],
    )  # fmt: skip


def _within_kinds(row) -> Cell:
    """r within kinds of image; a warning sign where it lies outside the interval of r."""
    cell = figure(row.r_within_kinds, 2, row.r_within_kinds_low, row.r_within_kinds_high)
    return replace(cell, text=f"{cell.text} \N{WARNING SIGN}") if row.kinds_matter else cell


def window(start: pd.Series, stop: pd.Series) -> str:
    """The window that rows share, in ms after stimulus onset, or that there is no time axis."""
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
                text("no" if weakness(name) else "yes"), text("yes" if group.used.any() else "no"),
            ]
        )  # fmt: skip
    columns = ["recording", "ceiling", "window", "mean", "range over folds", "upper bound",
               "scores divided by it"]  # fmt: skip
    return Table("Noise ceilings in the main window", columns, rows)


def pairs_table(pairs: pd.DataFrame | None) -> Table | None:
    """Every recording predicted from another one; None where no two may share images."""
    if pairs is None:
        return None
    columns = ["recording", "predicted from", "one animal", "mapping", "shared images", "sites",
               "sites it is predicted from", "r [95 % CI]", "p, shuffled", "note"]  # fmt: skip
    rows = [
        [
            text(row.recording), text(row.sources), text(row.same_monkey),
            text(row.mapping or None), figure(row.n_shared, 0), figure(row.n_sites, 0),
            figure(row.n_source_sites, 0), figure(row.r, 2, row.r_low, row.r_high),
            figure(row.p_shuffled, 3), text(row.note),
        ]
        for row in pairs.itertuples()
    ]  # fmt: skip
    return Table("Recordings predicted from other recordings", columns, rows)


def tradeoff_table(tradeoff: pd.DataFrame, caption: str) -> Table:
    """Statistics of accuracy against predictivity with their notes."""
    columns = ["recording", "mapping", "models", "statistic", "value [95 % CI]",
               "unrelated numbers [95 %]", "p, Holm", "number of models", "families",
               "note"]  # fmt: skip
    rows = [
        [
            text(row.recording), text(row.mapping), text(row.group.replace("_", " ")),
            text(row.statistic.replace("_", " ")),
            figure(row.value, digits := _digits(row.statistic), row.low, row.high),
            figure(row.null, digits, row.null_low, row.null_high), figure(row.p_holm, 3),
            figure(row.n_models, 0), figure(row.n_families, 0), text(row.note),
        ]
        for row in tradeoff.itertuples()
    ]  # fmt: skip
    return Table(caption, columns, rows)


def _digits(statistic: str) -> int:
    """Digits of a statistic: slopes are small numbers."""
    return 2 if statistic in ("spearman", "pearson") else 4


def harmonized_table(harmonized: pd.DataFrame) -> Table | None:
    """Every harmonized network minus its baseline, and their mean; None without any."""
    if harmonized.empty:
        return None
    columns = ["recording", "network", "baseline", "r", "r of the baseline",
               "difference [95 % CI]", "p", "sites higher", "top-1 difference (%)",
               "note"]  # fmt: skip
    rows = [
        [
            text(row.recording), text(f"{row.model} {row.weights}".strip() or "mean"),
            text(row.baseline or None), figure(row.r), figure(row.r_baseline),
            figure(row.difference, 3, row.low, row.high), figure(row.p, 3),
            figure(row.sites_higher), figure(row.top1_difference, 1), text(row.note),
        ]
        for row in harmonized.itertuples()
    ]  # fmt: skip
    return Table(
        "Harmonized networks minus their baselines, on the same folds and sites", columns, rows
    )


def conditions_table(conditions: pd.DataFrame | None) -> Table | None:
    """Every condition minus strength 0, human maps minus other maps, over models; None without any."""
    if conditions is None:
        return None
    columns = ["measure", "of", "mapping", "maps", "saliency", "trained with", "against", "strength",
               "score", "of the other", "difference [95 % CI]", "p", "sites higher", "seeds", "models",
               "note"]  # fmt: skip
    rows = [
        [
            text(row.measure.replace("_", " ")), text(row.target or None), text(row.mapping or None),
            text(row.map_kind or None), text(row.saliency or None), text(LABELS[row.condition]),
            text(LABELS[row.compared_with]), figure(row.strength, 1), figure(row.value, 3),
            figure(row.value_other, 3), figure(row.difference, 3, row.low, row.high), figure(row.p, 3),
            figure(row.sites_higher), figure(row.n_seeds, 0), figure(row.n_models, 0),
            text(row.note or None),
        ]
        for row in conditions[conditions["model"] == ""].itertuples()
    ]  # fmt: skip
    return Table("Paired differences between conditions, means over models", columns, rows)


def partial_table(partial: pd.DataFrame) -> Table | None:
    """The rank correlation with covariates held fixed; None without any."""
    if partial.empty:
        return None
    columns = ["recording", "mapping", "held fixed", "rho, nothing held fixed", "partial rho [95 % CI]",
               "p", "number of models", "families", "note"]  # fmt: skip
    rows = [
        [
            text(row.recording), text(row.mapping), text(str(row.given).replace("_", " ")),
            figure(row.spearman), figure(row.value, 2, row.low, row.high), figure(row.p, 3),
            figure(row.n_models, 0), figure(row.n_families, 0), text(row.note),
        ]
        for row in partial.itertuples()
    ]  # fmt: skip
    return Table("Rank correlation with what else differs held fixed", columns, rows)


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


def rsa_table(rsa: pd.DataFrame | None) -> Table | None:
    """Every model on every published RDM: layer chosen on other images, and the last one."""
    if rsa is None:
        return None
    keys = ["rdm", "model", "weights", "pattern"]
    last = rsa[rsa["final"]].sort_values(["rdm", "pattern", "rho_chosen_held_out"], ascending=False)
    several = (last["n_kinds"] > 1).any()
    columns = ["RDMs", "model", "weights", "pattern", "top-1 (%)", "rho, chosen layer [95 % CI]",
               "rho, last layer [95 % CI]", "optimism"]  # fmt: skip
    rows = [
        [
            *(text(getattr(row, key)) for key in keys), figure(row.top1, 1),
            figure(row.rho_chosen_held_out, 2, row.rho_chosen_held_out_low,
                   row.rho_chosen_held_out_high),
            figure(row.rho, 2, row.rho_low, row.rho_high),
            figure(row.optimism, 3),
            *([figure(row.rho_chosen_held_out_within_kinds)] if several else []),
        ]
        for row in last.itertuples()
    ]  # fmt: skip
    columns += ["chosen layer, within kinds of image"] if several else []
    return Table("Similarity of representations (RSA), best first", columns, rows)


def attention_table(attention: pd.DataFrame | None) -> Table | None:
    """Agreement of every model's raw saliency with human maps, beside that of the centre alone."""
    if attention is None:
        return None
    shown = attention[(attention["saliency"] == "raw") | (attention["model"] == "")]
    shown = shown.sort_values(["attention", "map_kind", "rho_partial"], ascending=False)
    columns = ["photographs", "map", "model", "weights", "control", "rho [95 % CI]",
               "partial rho [95 % CI]", "ceiling", "rho / ceiling"]  # fmt: skip
    rows = [
        [
            text(row.attention), text(row.map_kind), text(row.model or None),
            text(row.weights or None), text(str(row.control).replace("_", " ")),
            figure(row.rho, 2, row.rho_low, row.rho_high),
            figure(row.rho_partial, 2, row.rho_partial_low, row.rho_partial_high),
            figure(row.ceiling), figure(row.rho_over_ceiling),
        ]
        for row in shown.itertuples()
    ]  # fmt: skip
    return Table("Agreement of saliency with human attention", columns, rows)


def concept_table(concepts: pd.DataFrame | None) -> Table | None:
    """Every concept: how much it matters to the answer, and to what predicts the sites."""
    if concepts is None:
        return None
    columns = ["recording", "network", "concept", "importance [95 % CI]", "r alone [95 % CI]",
               "r lost without it [95 % CI]", "share of r of all [95 % CI]"]  # fmt: skip
    measures = ["importance", "r_alone", "drop", "share"]
    rows = [
        [
            text(row["recording"]), text(f"{row['model']} {row['weights']}"),
            Cell(str(row["concept"]), int(row["concept"]), True),
            *(figure(row[m], 3, row[f"{m}_low"], row[f"{m}_high"]) for m in measures),
        ]
        for row in concepts.to_dict("records")
    ]  # fmt: skip
    return Table("Concepts, in the order of their importance", columns, rows)


def concept_encoding_table(encoding: pd.DataFrame | None) -> Table | None:
    """What is left of a layer's predictivity where it is seen through its concepts."""
    if encoding is None:
        return None
    columns = ["recording", "network", "layer", "concepts", "r of the layer [95 % CI]",
               "r of its concepts [95 % CI]", "share kept [95 % CI]", "activations rebuilt",
               "activations above 0"]  # fmt: skip
    measures = ["r_layer", "r_concepts", "kept"]
    rows = [
        [
            text(row["recording"]), text(f"{row['model']} {row['weights']}"), text(row["layer"]),
            Cell(str(row["n_concepts"]), int(row["n_concepts"]), True),
            *(figure(row[m], 2, row[f"{m}_low"], row[f"{m}_high"]) for m in measures),
            figure(row["explained"]), figure(row["positive"]),
        ]
        for row in encoding.to_dict("records")
    ]  # fmt: skip
    return Table("Layers seen through their concepts", columns, rows)


def shortcut_table(shortcut: pd.DataFrame | None) -> Table | None:
    """What every network of the digits study reads and where it looks, by strength and seed."""
    if shortcut is None:
        return None
    shown = shortcut.sort_values(["model", "recording", "strength", "seed"])
    columns = ["model", "sites", "strength", "seed", "correct, intact", "correct, broken",
               "answers the shortcut", "rho, gradient", "rho, covering", "r / ceiling"]  # fmt: skip
    measures = ["accuracy_intact", "accuracy_broken", "shortcut_answers", "alignment_gradient",
                "alignment_occlusion", "r_over_ceiling"]  # fmt: skip
    rows = [
        [
            text(row.model), text(row.recording), text(f"{row.strength:g}"), figure(row.seed, 0),
            *(figure(getattr(row, name)) for name in measures),
        ]
        for row in shown.itertuples()
    ]  # fmt: skip
    return Table("Digits with a shortcut (SIMULATED); every row is a network", columns, rows)
