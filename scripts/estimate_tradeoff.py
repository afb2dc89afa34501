"""Rule estimate_tradeoff: does predictivity fall as accuracy rises? Statistics over models."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.tables import ceiling_effects, covariates, statistics, tradeoff
from itcortex.tables.summary import SITEWISE
from itcortex.tables.trends import Ranges


def main(
    summary, models, ceilings, tradeoff_table, tradeoff_csv, ranges_table, ranges_csv, families_table,
    families_csv, partial_table, partial_csv, ceiling_effects_table, ceiling_effects_csv, score, ranges,
    cut, draws, seed,
):  # fmt: skip
    """Write statistics of `score` (a column of the summary); of r for mappings without ceiling."""
    scores = covariates.with_covariates(store.read_table(summary), store.read_table(models))
    limits = Ranges(**ranges)

    def by_mapping(estimate: Callable) -> pd.DataFrame:
        parts = [
            estimate(rows, score if mapping in SITEWISE else "r", np.random.default_rng(seed))
            for mapping, rows in scores.groupby("mapping", sort=False, observed=True)
        ]
        return pd.concat(parts, ignore_index=True)

    main_table = by_mapping(lambda *of: statistics.tradeoff_table(*of[:2], draws, of[2]))
    curve = by_mapping(lambda *of: tradeoff.ranges_table(*of[:2], limits, draws, of[2]))
    families = by_mapping(
        lambda *of: tradeoff.families_table(*of[:2], [0, cut], limits.minimum, draws, of[2])
    )
    partial = by_mapping(lambda *of: covariates.partial_table(*of[:2], draws, of[2]))
    effects = ceiling_effects.effects_table(scores, store.read_table(ceilings))
    for paths, table in (
        ((tradeoff_table, tradeoff_csv), main_table),
        ((ranges_table, ranges_csv), curve),
        ((families_table, families_csv), families),
        ((partial_table, partial_csv), partial),
        ((ceiling_effects_table, ceiling_effects_csv), effects),
    ):
        for path in paths:
            store.write_table(path, table)


if __name__ == "__main__":
    job.run(main, snakemake)
