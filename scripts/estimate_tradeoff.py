"""Rule estimate_tradeoff: does predictivity fall as accuracy rises? Statistics over models."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.tables import statistics
from itcortex.tables.summary import SITEWISE


def main(summary, tradeoff, tradeoff_csv, score, draws, seed):
    """Write statistics of `score` (a column of the summary); of r for mappings without ceiling."""
    parts = [
        statistics.tradeoff_table(
            rows, score if mapping in SITEWISE else "r", draws, np.random.default_rng(seed)
        )
        for mapping, rows in store.read_table(summary).groupby("mapping", sort=False, observed=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    store.write_table(tradeoff, table)
    store.write_table(tradeoff_csv, table)


if __name__ == "__main__":
    job.run(main, snakemake)
