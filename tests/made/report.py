"""A report of made tables: what it is about, its tables, its pictures and the page."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from itcortex.report import page, pictures
from itcortex.report.run import Run
from itcortex.tables import covariates, statistics
from itcortex.tables.model_pairs import HARMONIZED, PAIRS
from itcortex.tables.statistics import ONE_TEST
from made import tables as made_tables

ROOT = Path(__file__).resolve().parents[2]
MARKERS = {"cnn": "o", "extra_data": "s", "vit": "^", "self_supervised": "D", "robust": "v",
           "harmonized": "*", "own": "P", "untrained": "X"}  # fmt: skip
LOOKS = {
    name: {"label": name.replace("_", " "), "colour": f"#{30 * k + 20:02x}66aa", "marker": marker}
    for k, (name, marker) in enumerate(MARKERS.items())
}
DATASETS = {"arcaro2020": {"citation": "Arcaro 2020", "licence": "none", "holds": "", "files": {}}}


def settings(**changed) -> dict:
    """Those settings of the demo that a report reads, with changes."""
    every = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    names = (
        "experiment",
        "activations",
        "encoding",
        "alignment",
        "rsa",
        "ceiling",
        "statistics",
        "reduce",
    )
    return {name: every[name] for name in names} | changed


def run(summary: pd.DataFrame, **changed) -> Run:
    """What a report of a summary is about; every recording is of Arcaro's dataset."""
    recordings = {str(name): {"dataset": "arcaro2020"} for name in summary["recording"].unique()}
    about = {"experiment": "demo", "settings": settings(), "datasets": DATASETS, "looks": LOOKS}
    about |= {"registry": {"recordings": recordings, "rdms": {}, "attention": {}}}
    return Run(**about | changed)


def tables(summary: pd.DataFrame, draws: int = 20) -> dict[str, pd.DataFrame]:
    """All tables of a run."""
    rng = np.random.default_rng(0)
    models = made_tables.models(summary)
    known = covariates.with_covariates(summary, models)
    return {
        "summary": summary,
        "scores": made_tables.scores(summary, folds=6),
        "tradeoff_partial": covariates.partial_table(known, "r_over_ceiling", draws, rng),
        "model_pairs": pairs(summary),
        "harmonized": harmonized(summary),
        "tradeoff": statistics.tradeoff_table(summary, "r_over_ceiling", draws, rng),
        "ceilings": made_tables.ceilings(summary),
        "alignment": made_tables.alignment(summary),
        "orientation": made_tables.orientation(summary),
        "models": models,
    }


def _main(summary: pd.DataFrame) -> pd.DataFrame:
    return summary[summary["main_window"] & (summary["control"] == "none")]


def pairs(summary: pd.DataFrame) -> pd.DataFrame:
    """Every two networks of a recording, as compare_models writes them."""
    rows = []
    for keys, some in _main(summary).groupby(ONE_TEST, observed=True, sort=False):
        for one, other in combinations(some.itertuples(), 2):
            row = dict(zip(ONE_TEST, keys, strict=True)) | {"model": one.model}
            row |= {"weights": one.weights, "other_model": other.model}
            row |= {"other_weights": other.weights, "difference": one.r - other.r}
            row |= {"low": one.r - other.r - 0.03, "high": one.r - other.r + 0.02, "p": 0.02}
            rows.append(row)
    return pd.DataFrame(rows, columns=PAIRS)


def harmonized(summary: pd.DataFrame) -> pd.DataFrame:
    """Harmonized networks minus their baselines, as compare_models writes them, and their mean."""
    rows = []
    for keys, some in _main(summary).groupby(ONE_TEST, observed=True, sort=False):
        r = some.assign(name=some["model"] + " " + some["weights"]).set_index("name")["r"]
        twins = some[some["baseline"] != ""]
        for row in [*twins.itertuples(), None] if len(twins) else []:
            told = dict(zip(ONE_TEST, keys, strict=True)) | {"p": 0.02, "sites_higher": 0.8}
            gain = twins["r"].mean() - r[twins["baseline"]].mean()
            gain = gain if row is None else row.r - r[row.baseline]
            told |= {"model": row.model if row else "", "weights": row.weights if row else ""}
            told |= {"baseline": row.baseline if row else "", "difference": gain}
            told |= {"note": "" if row else f"mean over {len(twins)} networks"}
            rows.append(told | {"low": gain - 0.03, "high": gain + 0.02})
    table = pd.DataFrame(rows, columns=HARMONIZED)
    return table.astype(dict.fromkeys(["strength", "seed", "r", "r_baseline"], float))


def maps(shown: dict[str, pd.DataFrame], grid=(9, 9)) -> dict[str, dict]:
    """Maps of every recording and model, as small as they come."""
    rng = np.random.default_rng(4)
    names = [" ".join(key) for key in shown["models"][["model", "weights"]].itertuples(index=False)]
    found = {}
    for recording, rows in shown["alignment"].groupby("recording", observed=True, sort=False):
        images = tuple(rows["image"].unique())
        photographs = {image: rng.integers(0, 255, (16, 16, 3), dtype=np.uint8) for image in images}
        drawn = [(name, rng.normal(size=(len(images), *grid, 2))) for name in names]
        recorded = rng.normal(size=(len(images), *grid, 2))
        found[str(recording)] = pictures.of_recording(recorded, images, photographs, drawn)
    return found


def render(summary: pd.DataFrame, shown: dict | None = None, figures=(), **changed) -> str:
    """The page."""
    shown = tables(summary) if shown is None else shown
    return page.render(run(summary, **changed), shown, figures, maps(shown))


def with_twin(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with `resnet_h` harmonized from the second network of the demo."""
    twin = summary["model"] == "resnet_h"
    return summary.assign(baseline=np.where(twin, "tf_efficientnet_lite1 imagenet", ""))
