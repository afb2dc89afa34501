"""Rule compare_splits: scores of every network on every division of the images, and what is lost."""

from collections import defaultdict
from itertools import starmap

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

    One network on one recording is in memory at a time.
    """
    of_network = defaultdict(list)
    for path, split in [*((path, None) for path in encoding), *zip(variants, splits, strict=True)]:
        network = store.read_constants(path, ["recording", "model", "weights"])
        of_network[tuple(network.values())].append((path, split))

    def rows(path, split):
        real = {"control": "none", "main_window": True, "chosen": True, "mapping": mapping}
        part = store.read_rows(path, RAW, **real).astype({"recording": str})
        main = part["recording"].map(main_splits)
        return part.assign(split=split or main)[main != split]

    rng = np.random.default_rng(seed)
    tables = [
        generalisation_table(
            pd.concat(starmap(rows, files), ignore_index=True), main_splits, draws, rng
        )
        for files in progress.bar(of_network.values(), "divisions", unit="network")
    ]
    table = pd.concat(tables, ignore_index=True)
    table = describe_models(table, store.read_table(models))
    table = describe_recordings(table, recordings)
    store.write_table(generalisation, table, csv=generalisation_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
