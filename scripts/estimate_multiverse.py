"""Rule estimate_multiverse: the trade-off under every combination of analysis choices."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.files import atomic_path
from itcortex.running import job
from itcortex.tables import multiverse as specifications
from itcortex.tables.streamed import as_texts, joined, whole_layers
from itcortex.tables.summary import describe_models, over_sites


def main(
    scores, variants, models, ceilings, multiverse, multiverse_csv, influence, influence_csv, findings,
    folds, variant_folds, splits, variant_splits, ranges, draws, seed,
):  # fmt: skip
    """Write all specifications, how much each choice moves the answer, and what that says.

    `folds` are those of the main jobs; `variant_folds` those of every file of `variants`. `splits` names
    folds by recording, and `variant_splits` has such names for every value of `variant_folds`.
    """
    known = store.read_table(models)

    def parts() -> Iterator[pd.DataFrame]:
        for some in store.read_blocks(scores):
            yield some.assign(folds=folds)
        for path, name in zip(variants, variant_folds, strict=True):
            layers = whole_layers(store.read_blocks(path))
            by_fold = as_texts(joined([over_sites(layer) for layer in layers]))
            yield describe_models(by_fold, known).assign(folds=name)

    table = specifications.multiverse_table(
        parts(), store.read_table(ceilings), ranges, draws, np.random.default_rng(seed)
    )
    choices = specifications.influence_table(table)
    named = specifications.with_splits_of(table, {**variant_splits, folds: splits})
    store.write_table(multiverse, named, csv=multiverse_csv)
    store.write_table(influence, choices, csv=influence_csv)
    text = specifications.sentence(table, choices)
    print(text)
    with atomic_path(findings) as path:
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
