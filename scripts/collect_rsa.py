"""Rule collect_rsa: RSA of all models with all published RDMs, and what could be reached at best."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.similarity import ceilings
from itcortex.tables import summary


def main(comparisons, rdms, models, rsa, rsa_csv, rsa_ceilings, names, draws, seed):
    """Join what the jobs wrote with the table of models and the RDMs' attributes.

    `names` are those of the files `rdms`, in the same order.
    """
    published = dict(zip(names, map(store.read_rdms, rdms), strict=True))
    layers = pd.concat([store.read_table(path) for path in comparisons], ignore_index=True)
    layers = summary.describe_models(layers, store.read_table(models))
    table = ceilings.describe_rdms(layers, published)
    found = ceilings.ceilings_table(published, draws, np.random.default_rng(seed))
    store.write_table(rsa, table, csv=rsa_csv)
    store.write_table(rsa_ceilings, found)


if __name__ == "__main__":
    job.run(main, snakemake)
