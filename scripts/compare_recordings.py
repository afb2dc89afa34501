"""Rule compare_recordings: recordings that predict each other, and networks on the images they share."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.running import job, progress
from itcortex.tables.recording_pairs import (
    SHARED,
    counts_table,
    pairs_table,
    shared_table,
    site_scores,
)
from itcortex.tables.splits import with_splits
from itcortex.tables.summary import SITEWISE, describe_models


def main(
    pairs, scores, shared, curves, recorded, predictions, models, recording_pairs, recording_pairs_csv,
    shared_images, shared_images_csv, site_counts, site_counts_csv, names, mapping, splits,
    draws, seed,
):  # fmt: skip
    """Write the tables.

    `pairs`, `scores`, `shared`, `curves` and `recorded` are in the order of `names`. `mapping` made the
    predictions; if it is not one of sites, networks are not compared. `splits` names folds by recording.
    """
    known, raw, images, drawn = map(joined, (pairs, scores, shared, curves))
    rng = np.random.default_rng(seed)
    table = pairs_table(known, raw, draws, rng)
    by_recording = dict(zip(names, recorded, strict=True))
    of = {path: store.read_attributes(path) for path in predictions}
    found = []
    usable = known[(known["refused"] == "") & (mapping in SITEWISE)]
    for about in progress.bar(usable.to_dict("records"), "pairs", unit="pair"):
        name = about["recording"]
        own = [path for path in predictions if of[path]["recording"] == name]
        networks = scored(by_recording[name], own, of, of_pair(images, about))
        real = of_pair(raw, about)
        real = real[real["main_window"].astype(bool) & (real["control"] == "none")]
        real = real[real["mapping"].astype(str) == mapping]
        if len(networks):
            found.append(shared_table(about | {"mapping": mapping}, real, networks, draws, rng))
    none = pd.DataFrame(columns=SHARED).astype({"r": float, "model": str, "weights": str})
    compared = describe_models(
        pd.concat(found or [none], ignore_index=True), store.read_table(models)
    )
    store.write_table(recording_pairs, with_splits(table, splits), csv=recording_pairs_csv)
    store.write_table(shared_images, with_splits(compared, splits), csv=shared_images_csv)
    counted = with_splits(counts_table(drawn, known), splits)
    store.write_table(site_counts, counted, csv=site_counts_csv)


def joined(paths) -> pd.DataFrame:
    """Tables below each other; the empty ones of recordings without a pair say nothing of types."""
    tables = [store.read_table(path) for path in paths]
    return pd.concat([one for one in tables if len(one)] or tables[:1], ignore_index=True)


def of_pair(rows: pd.DataFrame, about: dict) -> pd.DataFrame:
    """The rows of one recording and ceiling."""
    keys = ["recording", "ceiling_name"]
    return rows[(rows[keys].astype(str) == [about[key] for key in keys]).all(axis=1)]


def scored(recording, predictions, attributes, shared) -> pd.DataFrame:
    """Scores of every network on the shared images, by fold and site."""
    target, found = store.read_recording(recording), []
    for path in predictions:
        average = window_average(target, attributes[path]["window"])
        predicted = store.read_recording(path).responses[:, :, :, 0]
        labels = {name: attributes[path][name] for name in ("model", "weights")}
        found.append(site_scores(average, predicted, shared, target.site_ids).assign(**labels))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


if __name__ == "__main__":
    job.run(main, snakemake)
