"""Rule estimate_tradeoff: does predictivity fall as accuracy rises? Statistics over models."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.tables import ceiling_effects, covariates, statistics, tradeoff
from itcortex.tables.splits import with_splits
from itcortex.tables.summary import SITEWISE
from itcortex.tables.trends import Ranges


def main(
    summary, models, ceilings, shared_images, tradeoff_table, tradeoff_csv, ranges_table, ranges_csv,
    families_table, families_csv, partial_table, partial_csv, ceiling_effects_table,
    ceiling_effects_csv, score, ranges, cut, splits, draws, seed,
):  # fmt: skip
    """Write statistics of `score` (a column of the summary); of r for mappings without ceiling.

    `shared_images` is empty in an experiment of one recording; `splits` names folds by recording.
    """
    scores = covariates.with_covariates(store.read_table(summary), store.read_table(models))
    limits = Ranges(**ranges)

    def by_mapping(estimate: Callable) -> pd.DataFrame:
        parts = [
            estimate(rows, score if mapping in SITEWISE else "r", np.random.default_rng(seed))
            for mapping, rows in scores.groupby("mapping", sort=False, observed=True)
        ]
        return with_splits(pd.concat(parts, ignore_index=True), splits)

    main_table = by_mapping(lambda *of: statistics.tradeoff_table(*of[:2], draws, of[2]))
    curve = by_mapping(lambda *of: tradeoff.ranges_table(*of[:2], limits, draws, of[2]))
    families = by_mapping(
        lambda *of: tradeoff.families_table(*of[:2], [0, cut], limits.minimum, draws, of[2])
    )
    partial = by_mapping(lambda *of: covariates.partial_table(*of[:2], draws, of[2]))
    shared = store.read_table(shared_images) if shared_images else None
    effects = ceiling_effects.effects_table(scores, store.read_table(ceilings), shared)
    store.write_table(tradeoff_table, main_table, csv=tradeoff_csv)
    store.write_table(ranges_table, curve, csv=ranges_csv)
    store.write_table(families_table, families, csv=families_csv)
    store.write_table(partial_table, partial, csv=partial_csv)
    store.write_table(ceiling_effects_table, with_splits(effects, splits), csv=ceiling_effects_csv)


if __name__ == "__main__":
    job.run(main, snakemake)
