"""Rule collect_variance: unique and shared variance of pairs of networks, by site and on average."""

import pandas as pd

from itcortex import store
from itcortex.running import job, progress
from itcortex.tables.splits import with_splits
from itcortex.tables.unique_variance import COLUMNS


def main(variance, unique_variance, unique_variance_csv, unique_variance_sites, splits):
    """Write a table of means over sites, and one of all sites; `splits` names folds by recording."""
    parts = [store.read_table(path) for path in progress.bar(variance, "pairs", unit="job")]
    table = with_splits(pd.concat(parts, ignore_index=True)[COLUMNS], splits)
    means, sites = table[table["site"] == ""], table[table["site"] != ""]
    store.write_table(unique_variance, means.drop(columns="site"), csv=unique_variance_csv)
    store.write_table(unique_variance_sites, sites)


if __name__ == "__main__":
    job.run(main, snakemake)
