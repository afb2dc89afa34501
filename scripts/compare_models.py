"""Rule compare_models: every two networks on the same sites and images; harmonized minus baseline."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job, progress
from itcortex.tables.model_pairs import RAW, Sites, harmonized_table, pairs_table
from itcortex.tables.statistics import ONE_TEST


def main(encoding, models, pairs, harmonized, harmonized_csv, draws, seed):
    """Write both tables: r of the main window at the chosen layers, paired over folds and sites."""
    raw = pd.concat(
        [
            store.read_rows(path, RAW, control="none", main_window=True, chosen=True)
            for path in progress.bar(encoding, "scores", unit="job")
        ]
    )
    known, found, twins = store.read_table(models), [], []
    for keys, rows in raw.groupby(ONE_TEST, observed=True, sort=False):
        rng, test = np.random.default_rng(seed), dict(zip(ONE_TEST, keys, strict=True))
        sites = Sites.of(rows, draws, rng)
        found.append(pairs_table(sites, test))
        twins.append(harmonized_table(sites, known, test, rng))
    store.write_table(pairs, pd.concat(found, ignore_index=True))
    store.write_table(harmonized, pd.concat(twins, ignore_index=True), csv=harmonized_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
