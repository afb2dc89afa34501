"""Everything that the page's script shows, from the tables, as JSON values.

Arrays run over models, in the order of `models`, and over conditions (a recording seen through one
mapping and protocol), in the order of `conditions`. Numbers have five significant digits; what is
missing is null.
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from itcortex.report import measures, references
from itcortex.report.measures import KEYS, Measure
from itcortex.report.references import Work
from itcortex.report.run import Run
from itcortex.tables import panels
from itcortex.tables.condition_contrasts import CONTROLS
from itcortex.tables.panels import Panel
from itcortex.tables.trend_limits import NOT_BASELINE

DIGITS = 5
#: Works to cite for any of the numbers.
ALWAYS = ("linsley2023", "molder2021", "deng2009")
TOLD = ["model", "weights", "architecture", "source", "category", "family", "series", "training",
        "pretraining", "baseline"]  # fmt: skip


def build(
    tables: dict[str, pd.DataFrame],
    run: Run,
    maps: dict[str, dict],
    saliency: dict[str, dict],
    cited: dict[str, Work],
) -> dict[str, Any]:
    """What the page's script needs, of one experiment; see `itcortex.report.page.render`.

    `cited` are the works that the methods cite, by their keys.
    """
    summary, scores = tables["summary"], tables["scores"]
    conditions, models = panels.of_summary(summary), known_models(tables)
    index = pd.MultiIndex.from_frame(models[KEYS].astype(str))
    numbers = {key: i for i, key in enumerate(index)}
    main = scores[scores["main_window"].astype(bool) & (scores["control"] == "none")]
    content = {
        "experiment": run.experiment,
        "score": run.settings["statistics"]["score"],
        "looks": run.looks,
        "beside": [*NOT_BASELINE, *CONTROLS],
        "models": _described(models),
        "conditions": [_condition(panel, summary) for panel in conditions],
        "layers": [layers(panel.of(main), numbers) for panel in conditions],
        "courses": [course(panel.of(summary), numbers) for panel in conditions],
        "folds": [folds(panel.of(main), numbers) for panel in conditions],
        "ceilings": ceilings(tables["ceilings"], summary),
        "aligned": aligned(tables["alignment"], numbers),
        "paired": [paired(panel.of(tables["model_pairs"]), numbers) for panel in conditions],
        "variance": [
            variance(tables.get("unique_variance"), panel, numbers) for panel in conditions
        ],
        "maps": _by_number(maps, numbers),
        "saliency": _by_number(saliency, numbers),
        "provenance": provenance(run.provenance, numbers),
    }
    return content | _measures(tables, conditions, index) | _works(models, conditions, run, cited)


def _measures(tables: dict, conditions: list[Panel], index: pd.MultiIndex) -> dict[str, list]:
    """Scores under conditions and facts of models that any model has."""
    scores = [
        *measures.of_summary(tables["summary"], conditions, index),
        measures.of_layers(tables["scores"], conditions, index),
        *measures.of_alignment(tables["alignment"], conditions, index),
    ]
    facts = measures.facts(tables["models"], index)
    if "rsa" in tables:
        facts += measures.of_rsa(tables["rsa"], index)
    if "attention" in tables:
        facts += measures.of_attention(tables["attention"], index)
    return {
        "scores": [_measure(one) for one in scores if one.is_known],
        "facts": [_measure(one) for one in facts if one.is_known],
    }


def _works(models: pd.DataFrame, conditions: list[Panel], run: Run, cited: dict[str, Work]) -> dict:
    """BibTeX by key, and the keys to cite for every model, every condition and whatever is shown."""
    rows = models.reindex(columns=["model", *TOLD]).loc[:, lambda t: ~t.columns.duplicated()]
    of_models = [references.of_model(row) for row in rows.map(text_of).to_dict("records")]
    entries = [run.registry["recordings"][panel.recording] for panel in conditions]
    of_conditions = [
        references.of_dataset(one["dataset"], run.datasets[one["dataset"]]) for one in entries
    ]
    always = [references.work(key) for key in ALWAYS]
    everything = [
        work for some in (always, cited.values(), *of_models, *of_conditions) for work in some
    ]
    keys = [[[work.key for work in some] for some in lists] for lists in (of_models, of_conditions)]
    return {
        "bibtex": {work.key: work.bibtex for work in everything},
        "cited": {
            "always": [*ALWAYS],
            "methods": [*cited],
            "models": keys[0],
            "conditions": keys[1],
        },
    }


def known_models(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of the table of models that have a score anywhere, with the name each is shown by."""
    named = [tables[name][KEYS] for name in ("summary", "rsa", "attention") if name in tables]
    scored = pd.MultiIndex.from_frame(pd.concat(named).astype(str).drop_duplicates())
    models = tables["models"]
    models = models[pd.MultiIndex.from_frame(models[KEYS].astype(str)).isin(scored)]
    return models.assign(name=panels.model_names(models)).reset_index(drop=True)


def _described(models: pd.DataFrame) -> list[dict]:
    """Texts about every model; `baseline` is the number of the model it is compared with, or null."""
    texts = panels.by_condition(models).reindex(columns=["name", *TOLD]).map(text_of)
    keys = texts["model"] + " " + texts["weights"]
    number_of = {key: i for i, key in enumerate(keys)}
    rows = texts.to_dict("records")
    return [row | {"baseline": number_of.get(row["baseline"])} for row in rows]


def _condition(panel: Panel, summary: pd.DataFrame) -> dict:
    """One recording through one mapping and protocol."""
    row = panel.of(summary[summary["main_window"].astype(bool)]).iloc[0]
    return {
        "recording": panel.recording,
        "mapping": panel.mapping,
        "protocol": panel.protocol,
        "title": panel.title,
        "simulated": bool(row["simulated"]),
        "ceiling_name": text_of(row["ceiling_name"]).replace("_", " "),
        "window": plain([row["window_start"], row["window_stop"]]),
        "n_sites": plain(row["n_sites"]),
    }


def _measure(one: Measure) -> dict:
    found = {"key": one.key, "label": one.label, "values": plain(one.values)}
    if one.low is not None and np.isfinite(one.low).any():
        found |= {"low": plain(one.low), "high": plain(one.high)}
    return found


def layers(scores: pd.DataFrame, numbers: dict) -> dict[str, dict]:
    """Every layer's r by model number: mean over folds with its standard error, and who chose it."""
    table = (
        _texts(scores, [*KEYS, "layer"])
        .groupby([*KEYS, "layer"], sort=False)
        .agg(
            depth=("depth", "first"), r=("r", "mean"), error=("r", "sem"), chosen=("chosen", "mean")
        )
        .reset_index()
        .sort_values("depth", kind="stable")
    )
    columns = {name: plain(table[name]) for name in ("depth", "r", "error", "chosen")}
    columns = {"names": table["layer"].tolist(), **columns}
    return {
        number: {name: [values[row] for row in rows] for name, values in columns.items()}
        for number, rows in _places(table, numbers).items()
    }


def course(summary: pd.DataFrame, numbers: dict) -> dict:
    """r and ceiling in every window (ms after onset); no windows where there is no time axis."""
    rows = summary[(summary["control"] == "none") & summary["window_start"].notna()]
    windows = rows.drop_duplicates("window_start").sort_values("window_start")
    if len(windows) < 2:
        return {"start": [], "stop": [], "ceiling": [], "models": {}}
    rows = _texts(rows, KEYS).drop_duplicates([*KEYS, "window_start"])
    wide = rows.set_index([*KEYS, "window_start"])[["r", "r_low", "r_high"]].unstack("window_start")
    tables = {name: wide[name][windows["window_start"]] for name in ("r", "r_low", "r_high")}
    return {
        "start": plain(windows["window_start"]),
        "stop": plain(windows["window_stop"]),
        "ceiling": plain(windows["ceiling"]),
        "models": {
            str(numbers[key]): {
                name: plain(table.to_numpy()[place]) for name, table in tables.items()
            }
            for place, key in enumerate(tables["r"].index)
        },
    }


def folds(scores: pd.DataFrame, numbers: dict) -> dict[str, list]:
    """r of every fold at the layer chosen for it, by model number, folds in one order."""
    rows = _texts(scores[scores["chosen"].astype(bool)], [*KEYS, "fold"])
    table = rows.drop_duplicates([*KEYS, "fold"]).set_index([*KEYS, "fold"])["r"].unstack("fold")
    return {
        str(numbers[key]): plain(values)
        for key, values in zip(table.index, table.to_numpy(), strict=True)
    }


def _texts(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A table whose columns of names are plain texts: categories make small groups slow."""
    return table.assign(**{name: table[name].astype(str) for name in names})


def _places(table: pd.DataFrame, numbers: dict) -> dict[str, np.ndarray]:
    """Places of every model's rows, by its number."""
    groups = table.groupby(KEYS, sort=False).indices
    return {str(numbers[key]): rows for key, rows in groups.items()}


def variance(table: pd.DataFrame | None, panel: Panel, numbers: dict) -> list[dict]:
    """Unique and shared variance of the pairs of networks that were compared under a condition."""
    if table is None:
        return []
    rows = _texts(panel.of(table), [*KEYS, "other_model", "other_weights"])
    parts = ("unique", "unique_other", "shared")
    return [
        {
            "pair": [numbers[row["model"], row["weights"]],
                     numbers[row["other_model"], row["other_weights"]]],
            **{name: plain([row[f"{name}{end}"] for end in ("", "_low", "_high")]) for name in parts},
        }
        for row in rows.to_dict("records")
    ]  # fmt: skip


def ceilings(table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, list[dict]]:
    """Every ceiling of the main window by recording: mean over folds, and whether it is in use."""
    windows = ["recording", "window_start", "window_stop"]
    main = summary[summary["main_window"].astype(bool)][windows].drop_duplicates()
    joined = table.merge(main, on=windows)
    found: dict[str, list[dict]] = {}
    for (recording, name), some in joined.groupby(
        ["recording", "ceiling_name"], observed=True, sort=False
    ):
        entry = {"name": str(name).replace("_", " "), "value": plain(some["value"].mean())}
        found.setdefault(str(recording), []).append(entry | {"used": bool(some["used"].any())})
    return found


def aligned(alignment: pd.DataFrame, numbers: dict) -> dict[str, dict[str, dict]]:
    """Rank correlation and p of every image's site-averaged map, by recording and model number."""
    rows = alignment[(alignment["site"] == "average") & (alignment["scale"] == 1)]
    found: dict[str, dict[str, dict]] = {}
    for (recording, *key), some in rows.groupby(["recording", *KEYS], observed=True, sort=False):
        images = {str(row.image): plain([row.rho, row.p]) for row in some.itertuples()}
        found.setdefault(str(recording), {})[str(numbers[tuple(key)])] = images
    return found


def paired(table: pd.DataFrame, numbers: dict) -> dict[str, list]:
    """Differences in r of every two models of one condition, first minus second, by model numbers."""
    ends = [
        [numbers.get(key) for key in zip(*(table[name].astype(str) for name in names), strict=True)]
        for names in (KEYS, [f"other_{name}" for name in KEYS])
    ]
    values = {name: plain(table[name]) for name in ("difference", "low", "high", "p")}
    return {"first": ends[0], "second": ends[1], **values}


def provenance(found: dict, numbers: dict) -> dict[str, dict]:
    """Source and digest of every model's weights, and digests of the data behind it, by its number."""
    told: dict[str, dict] = {}
    for job in found.get("jobs", []):
        key = (job.get("model"), job.get("weights"))
        if key not in numbers:
            continue
        entry = told.setdefault(
            str(numbers[key]),
            {"weights": job["weights_digest"], "data": {}, "code": {}, "packages": {}},
        )
        entry["data"] |= job["data"]
        entry["code"] |= job["code"]
        for name in job["environments"].values():
            entry["packages"] |= found["environments"][name]
    return told


def _by_number(pictures: dict[str, dict], numbers: dict) -> dict[str, dict]:
    """Pictures with the models' numbers in place of their names ("model weights")."""
    of_name = {" ".join(key): str(number) for key, number in numbers.items()}
    return {
        name: one | {"models": {of_name[k]: v for k, v in one["models"].items() if k in of_name}}
        for name, one in pictures.items()
    }


# --- JSON values ----------------------------------------------------------------------------------


def plain(values: Any) -> Any:
    """Numbers as JSON values of `DIGITS` significant digits; None for what is not finite."""
    if isinstance(values, pd.Series):
        values = values.to_numpy(float)
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, list):
        return [plain(value) for value in values]
    value = float(values)
    if not math.isfinite(value):
        return None
    value = float(f"{value:.{DIGITS}g}")
    return int(value) if value.is_integer() and abs(value) < 1e9 else value


def text_of(value: Any) -> str:
    """A cell of text; empty where there is none."""
    return "" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 (NaN)
