"""Rule test_tradeoff: does predictivity fall as accuracy rises? Statistics over models."""

import numpy as np

from itcortex import job, statistics, store


def main(summary, tradeoff, tradeoff_csv, score, draws, seed):
    """Write the trade-off table of `score` (a column of the summary) as Parquet and CSV."""
    table = statistics.tradeoff_table(
        store.read_table(summary), score, draws, np.random.default_rng(seed)
    )
    store.write_table(tradeoff, table)
    store.write_table(tradeoff_csv, table)


if __name__ == "__main__":
    job.run(main, snakemake)
