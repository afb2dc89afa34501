"""What the page can set against each other: scores under a condition, and facts of a model.

A condition is a recording seen through one mapping and protocol. Values are arrays with NaN for what
is not known; nothing is computed here that tables do not hold, but means over images and folds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from itcortex.tables.panels import Panel

KEYS = ["model", "weights"]
#: Columns of the summary that are scores of a model under a condition, with their labels.
SCORES = {
    "r_over_ceiling": "predictivity (r / ceiling)",
    "r": "predictivity (Pearson r)",
    "rho": "predictivity (Spearman ρ)",
    "explained_variance": "explained variance",
    "r_best_layer": "r of the layer that is best on the test images",
    "optimism": "optimism of that layer",
    "p_shuffled": "p against shuffled images",
    "ceiling": "noise ceiling",
    "effective_dimensionality": "effective dimensionality of the layer",
}
#: Columns of the table of models that are facts of a model.
FACTS = {
    "top1": "ImageNet top-1 (%)",
    "params_m": "parameters (millions)",
    "input_size": "input size (pixels)",
    "year": "year of publication",
    "strength": "strength of the harmonization",
    "seed": "seed of the training",
}
GRIDS = {1: "full grid", 2: "half the side", 4: "a quarter of the side"}


@dataclass(frozen=True)
class Measure:
    """One thing that can be an axis; `values`, `low` and `high` end in the axis of models.

    Attributes
    ----------
    values : (condition, model) of a score, (model,) of a fact.
    low, high : of the 95 % interval, in the same shape; None where there is none.
    """

    key: str
    label: str
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @property
    def is_known(self) -> bool:
        """True where any model has a value."""
        return bool(np.isfinite(self.values).any())


def of_summary(summary: pd.DataFrame, panels: list[Panel], models: pd.MultiIndex) -> list[Measure]:
    """Scores of the main window; (condition, model) in the order of `panels` and `models`."""
    main = summary[summary["main_window"].astype(bool)]
    real = [_by_model(panel.of(main[main["control"] == "none"]), models) for panel in panels]
    found = [
        Measure(key, label, *(_column(real, name) for name in (key, f"{key}_low", f"{key}_high")))
        for key, label in SCORES.items()
        if key in summary
    ]
    control = main[main["control"] == "shuffled_images"]
    shuffled = _column([_by_model(panel.of(control), models) for panel in panels], "r")
    return [*found, Measure("r_shuffled", "r with shuffled images", shuffled)]


def of_layers(scores: pd.DataFrame, panels: list[Panel], models: pd.MultiIndex) -> Measure:
    """Relative depth of the chosen layer, mean over folds."""
    chosen = scores[_in_main(scores) & scores["chosen"].astype(bool)]
    mean = [panel.of(chosen).groupby(KEYS, observed=True)[["depth"]].mean() for panel in panels]
    depths = np.array([some["depth"].reindex(models) for some in mean], dtype=float)
    return Measure("depth", "relative depth of the layer", depths)


def of_alignment(
    alignment: pd.DataFrame, panels: list[Panel], models: pd.MultiIndex
) -> list[Measure]:
    """Rank correlation of site-averaged maps at every scale, mean over images.

    Maps are those of the main mapping, so that only its conditions have values.
    """
    average = alignment[alignment["site"] == "average"]
    main = panels[0].mapping
    found = []
    for scale in sorted(average["scale"].unique()):
        of_scale = average[average["scale"] == scale]
        values = np.full((len(panels), len(models)), np.nan)
        for row, panel in zip(values, panels, strict=True):
            if panel.mapping == main:
                rows = of_scale[of_scale["recording"] == panel.recording]
                row[:] = rows.groupby(KEYS, observed=True)["rho"].mean().reindex(models)
        label = f"alignment of maps (ρ), {GRIDS.get(scale, f'1/{scale} of the side')}"
        found.append(Measure(f"alignment_{scale}", label, values))
    return found


def facts(models_table: pd.DataFrame, models: pd.MultiIndex) -> list[Measure]:
    """What the table of models says in numbers."""
    rows = models_table.set_index(KEYS).reindex(models)
    return [
        Measure(key, label, pd.to_numeric(rows[key], errors="coerce").to_numpy(float))
        for key, label in FACTS.items()
        if key in rows
    ]


def of_rsa(rsa: pd.DataFrame, models: pd.MultiIndex) -> list[Measure]:
    """Similarity with every published RDM by every pattern: the chosen and the last layer."""
    found = []
    last = rsa[rsa["final"].astype(bool)]
    for (rdm, pattern), rows in last.groupby(["rdm", "pattern"], observed=True, sort=False):
        some = _by_model(rows, models)
        for column, what in (("rho_chosen_held_out", "chosen layer"), ("rho", "last layer")):
            label = f"RSA with {rdm} (ρ), {what}, {pattern}"
            found.append(_fact(f"rsa/{rdm}/{pattern}/{column}", label, some, column))
    return found


def of_attention(attention: pd.DataFrame, models: pd.MultiIndex) -> list[Measure]:
    """Agreement of raw saliency with every set of human maps, plain and without the centre."""
    found = []
    raw = attention[(attention["saliency"] == "raw") & (attention["control"] == "none")]
    for (name, kind), rows in raw.groupby(["attention", "map_kind"], observed=True, sort=False):
        some = _by_model(rows, models)
        for column, what in (("rho_partial", "centre taken out"), ("rho", "plain")):
            label = f"alignment with people: {name}, {kind} (ρ), {what}"
            found.append(_fact(f"attention/{name}/{kind}/{column}", label, some, column))
    return found


def _fact(key: str, label: str, rows: pd.DataFrame, column: str) -> Measure:
    ends = [f"{column}_low", f"{column}_high"]
    return Measure(key, label, *(_column([rows], name)[0] for name in (column, *ends)))


def _in_main(scores: pd.DataFrame) -> pd.Series:
    return scores["main_window"].astype(bool) & (scores["control"] == "none")


def _by_model(rows: pd.DataFrame, models: pd.MultiIndex) -> pd.DataFrame:
    """Rows in the order of `models`, empty for those that are not there."""
    return rows.drop_duplicates(KEYS).set_index(KEYS).reindex(models)


def _column(tables: list[pd.DataFrame], name: str) -> np.ndarray:
    """A column of every table, (table, model); NaN where a table does not have it."""
    empty = pd.Series(np.nan)
    return np.array(
        [table.get(name, empty.reindex(table.index)).to_numpy(dtype=float) for table in tables]
    )
