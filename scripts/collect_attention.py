"""Rule collect_attention: every model's agreement with human attention as one tidy table."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.attention import agreement
from itcortex.running import job, progress
from itcortex.tables.summary import describe_models


def main(scores, ceilings, models, table, table_csv, used, published, draws, seed):
    """Means over photographs with intervals and ceilings, joined with the table of models.

    `ceilings` are files of measured ones, `published` are numbers, {attention: {name: value}};
    `used` names the one of every set that scores are divided by.
    """
    raw = [store.read_table(path) for path in progress.bar(scores, "scores", unit="job")]
    known = [store.read_table(path) for path in ceilings]
    summary = agreement.summarise(
        pd.concat(raw, ignore_index=True),
        pd.concat([*known, agreement.published_ceilings(published)], ignore_index=True),
        used,
        draws,
        np.random.default_rng(seed),
    )
    summary = describe_models(summary, store.read_table(models))
    store.write_table(table, summary, csv=table_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
