"""Rule compare_recordings: recordings that predict each other, and networks on the images they share."""

from functools import cache, partial

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.encoding import pair_scores
from itcortex.running import job, progress
from itcortex.tables.recording_pairs import counts_table, pairs_table
from itcortex.tables.shared_images import SHARED, Predicted
from itcortex.tables.splits import with_splits
from itcortex.tables.summary import SITEWISE, describe_models


def main(
    pairs, scores, shared, curves, predicted, recorded, predictions, models, recording_pairs,
    recording_pairs_csv, shared_images, shared_images_csv, site_counts, site_counts_csv, names, mapping,
    splits, draws, seed,
):  # fmt: skip
    """Write the tables.

    `pairs`, `scores`, `shared`, `curves`, `predicted` and `recorded` are in the order of `names`.
    `mapping` made the predictions of networks; if it is not one of sites, networks are not compared.
    `splits` names folds by recording. One recording is in memory at a time, with the predictions of
    one network.
    """
    known, images, drawn = map(joined, (pairs, shared, curves))
    rng = np.random.default_rng(seed)
    networks = {name: [] for name in names}
    for path in predictions if mapping in SITEWISE else ():
        networks[store.read_attributes(path)["recording"]].append(path)
    tables, rows = [], []
    for number, (name, *files) in enumerate(zip(names, scores, predicted, recorded, strict=True)):
        about, own = (table[table["recording"] == name] for table in (known, images))
        one = opened(*files, own, draws, (seed, number))
        medians = pair_scores.medians(store.read_blocks(files[0]))
        tables.append(pairs_table(about, one.read, medians, one.interval, draws, rng))
        usable = about[about["refused"] == ""].to_dict("records")
        if networks[name]:
            rows += one.networks(usable, mapping, read(networks[name], name))
    none = pd.DataFrame(columns=SHARED).astype({"r": float, "model": str, "weights": str})
    found = pd.DataFrame(rows).reindex(columns=SHARED) if rows else none
    compared = describe_models(found, store.read_table(models))
    table = with_splits(pd.concat(tables, ignore_index=True), splits)
    store.write_table(recording_pairs, table, csv=recording_pairs_csv)
    store.write_table(shared_images, with_splits(compared, splits), csv=shared_images_csv)
    counted = with_splits(counts_table(drawn, known), splits)
    store.write_table(site_counts, counted, csv=site_counts_csv)


def opened(scores, predicted, recorded, images, draws, seed) -> Predicted:
    """A recording that others predict, from its files; one window is averaged once."""

    def of_pair(about: dict) -> pd.DataFrame:
        which = {"ceiling_name": about["ceiling_name"], "control": "none", "main_window": True}
        return store.read_rows(scores, **which)

    average = cache(partial(window_average, store.read_recording(recorded)))
    return Predicted(images, store.read_arrays(predicted)[0], of_pair, average, draws, seed)


def read(paths, name):
    """Model, weights and predictions (image, y, x, site) of one network after another."""
    for path in progress.bar(paths, f"networks and {name}", unit="network"):
        about, values = store.read_attributes(path), store.read_recording(path).responses
        yield about["model"], about["weights"], values[:, :, :, 0]


def joined(paths) -> pd.DataFrame:
    """Tables below each other; the empty ones of recordings without a pair say nothing of types."""
    tables = [store.read_table(path) for path in paths]
    return pd.concat([one for one in tables if len(one)] or tables[:1], ignore_index=True)


if __name__ == "__main__":
    job.run(main, snakemake)
