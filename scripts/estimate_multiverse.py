"""Rule estimate_multiverse: the trade-off under every combination of analysis choices."""

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.files import atomic_path
from itcortex.running import job
from itcortex.tables import multiverse as specifications
from itcortex.tables.summary import describe_models, over_sites


def main(
    scores, variants, models, ceilings, multiverse, multiverse_csv, influence, influence_csv, findings,
    folds, variant_folds, ranges, draws, seed,
):  # fmt: skip
    """Write all specifications, how much each choice moves the answer, and what that says.

    `folds` are those of the main jobs; `variant_folds` those of every file of `variants`.
    """
    known, parts = store.read_table(models), [store.read_table(scores).assign(folds=folds)]
    for path, name in zip(variants, variant_folds, strict=True):
        by_fold = over_sites(store.read_table(path))
        parts.append(describe_models(by_fold, known).assign(folds=name))
    table = specifications.multiverse_table(
        pd.concat(parts, ignore_index=True), store.read_table(ceilings), ranges, draws,
        np.random.default_rng(seed),
    )  # fmt: skip
    choices = specifications.influence_table(table)
    store.write_table(multiverse, table, csv=multiverse_csv)
    store.write_table(influence, choices, csv=influence_csv)
    text = specifications.sentence(table, choices)
    print(text)
    with atomic_path(findings) as path:
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
