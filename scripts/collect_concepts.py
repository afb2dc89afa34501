"""Rule collect_concepts: importance and predictivity of every concept, and of all of a network."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job, progress
from itcortex.tables.concepts import COLUMNS, ENCODING, NETWORK, concept_tables
from itcortex.tables.splits import with_splits


def main(scores, found, concepts, concepts_csv, encoding, encoding_csv, splits, draws, seed):
    """Write a table of concepts, and one of what is left of layers that are seen through them.

    `scores` and `found` (the concepts' files) are in one order; `splits` names folds by recording.
    """
    rows, whole = [], []
    pairs = list(zip(scores, found, strict=True))
    for path, other in progress.bar(pairs, "concepts", unit="network"):
        table, (arrays, attributes) = store.read_table(path), store.read_arrays(other)
        rng = np.random.default_rng(seed)
        of_each, of_all = concept_tables(table, arrays["importances"], draws, rng)
        about = table.iloc[0][NETWORK].to_dict()
        noted = {name: attributes[name] for name in ("explained", "positive", "n_crops")}
        rows.append(of_each.assign(**about))
        whole.append(of_all.assign(**about, **noted))
    each = with_splits(pd.concat(rows, ignore_index=True)[COLUMNS], splits)
    together = with_splits(pd.concat(whole, ignore_index=True)[ENCODING], splits)
    store.write_table(concepts, each, csv=concepts_csv)
    store.write_table(encoding, together, csv=encoding_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
