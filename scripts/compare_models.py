"""Rule compare_models: every two networks on the same sites and images; harmonized minus baseline."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job, progress
from itcortex.tables.model_pairs import (
    COMPARED,
    PAIRS,
    RAW,
    collect_tests,
    harmonized_table,
    pairs_table,
)
from itcortex.tables.site_counts import DRAWS, site_counts
from itcortex.tables.splits import SPLIT, with_splits
from itcortex.tables.statistics import ONE_TEST
from itcortex.tables.streamed import as_texts


def main(encoding, models, pairs, harmonized, harmonized_csv, counts, splits, draws, seed):
    """Write the tables: r of the main window at the chosen layers, paired over folds and sites.

    One recording is in memory at a time, with r of every network, fold and site. `splits` has the name
    of the folds by recording.
    """
    known, twins, numbers = store.read_table(models), [], []
    of_recording = defaultdict(list)
    for path in encoding:
        of_recording[store.read_constants(path, ["recording"])["recording"]].append(path)

    def compared() -> Iterator[pd.DataFrame]:
        for paths in progress.bar(of_recording.values(), "pairs", unit="recording"):
            parts = (store.read_rows(path, RAW, **COMPARED) for path in paths)
            for keys, collected in collect_tests(parts).items():
                rng, test = np.random.default_rng(seed), dict(zip(ONE_TEST, keys, strict=True))
                sites = collected.sites(draws, rng)
                table = with_splits(as_texts(pairs_table(sites, test)), splits)
                twins.append(harmonized_table(sites, known, test, rng))
                numbers.append(site_counts(sites, test, DRAWS, rng))
                if len(table):
                    yield table

    store.write_blocks(pairs, compared(), none=pd.DataFrame(columns=[*PAIRS, SPLIT]))
    twins = with_splits(pd.concat(twins, ignore_index=True), splits)
    store.write_table(harmonized, twins, csv=harmonized_csv)
    store.write_table(counts, with_splits(pd.concat(numbers, ignore_index=True), splits))


if __name__ == "__main__":
    job.run(main, snakemake)
