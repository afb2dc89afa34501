"""Rule collect_shortcut: what every network of the digits study reads, in one tidy table."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job, progress
from itcortex.tables import shortcut
from itcortex.tables.summary import add_ceilings, of_mapping, over_folds


def main(scores, encoding, ceilings, table, table_csv, networks, mapping, draws, seed):
    """Join the probes with the predictivity of the SIMULATED array (nested layer, over ceiling).

    `encoding` and `ceilings` are files of fit_encoding and estimate_ceiling; `networks` (records) say
    of every model and weights their `family`, what sets a model apart, and `series`.
    """
    probes = pd.concat([store.read_table(path) for path in scores], ignore_index=True)
    noise = pd.concat([store.read_table(path) for path in ceilings], ignore_index=True)
    rng = np.random.default_rng(seed)
    fits = progress.bar(encoding, "scores", unit="job")
    summary = pd.concat([over_folds(store.read_table(path), draws, rng) for path in fits])
    summary = add_ceilings(of_mapping(summary, mapping), noise)
    joined = shortcut.join(probes, summary, pd.DataFrame(networks))
    store.write_table(table, joined, csv=table_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
