"""Rule compare_splits: scores of every network on every division of the images, and what is lost."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job, progress
from itcortex.tables.generalisation import RAW, generalisation_table
from itcortex.tables.summary import describe_models, describe_recordings


def main(
    encoding, variants, models, generalisation, generalisation_csv, mapping, main_splits, splits,
    recordings, draws, seed,
):  # fmt: skip
    """Write the table.

    `main_splits` is the name of the folds of the main analysis by recording, `splits` those of every
    file of `variants`; `recordings` has the recordings' attributes by name.
    """

    def rows(path):
        real = {"control": "none", "main_window": True, "chosen": True, "mapping": mapping}
        return store.read_rows(path, RAW, **real).astype({"recording": str})

    parts = [rows(path) for path in progress.bar(encoding, "scores", unit="job")]
    parts = [part.assign(split=part["recording"].map(main_splits)) for part in parts]
    for path, split in zip(progress.bar(variants, "splits", unit="job"), splits, strict=True):
        part = rows(path).assign(split=split)
        parts.append(part[part["recording"].map(main_splits) != split])
    raw = pd.concat(parts, ignore_index=True)
    table = generalisation_table(raw, main_splits, draws, np.random.default_rng(seed))
    table = describe_models(table, store.read_table(models))
    table = describe_recordings(table, recordings)
    store.write_table(generalisation, table, csv=generalisation_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
