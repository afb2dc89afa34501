"""Rule compare_published: our scores beside published ones of the same networks."""

import pandas as pd

from itcortex import store
from itcortex.data.published.scores.ours import of_summary
from itcortex.running import job
from itcortex.tables.comparison import comparison_table, pair_by_accuracy, pair_by_name


def main(
    published, ours, pairs, pairs_csv, comparison, comparison_csv, titles, unnamed, same, draws, seed,
):  # fmt: skip
    """Pair networks by timm name; those of `unnamed` tables, which have no names, by accuracy."""
    scores = store.read_table(published)
    is_ours = scores["source"].isin(titles)
    is_unnamed = scores["source"].isin(unnamed)
    over_ceiling = [
        of_summary(store.read_table(path), title, "r_over_ceiling")
        for path, title in zip(ours, titles, strict=True)
    ]
    found = [pair_by_name(scores[is_ours], scores[~is_ours & ~is_unnamed], same)]
    found += [pair_by_accuracy(rows, scores[is_unnamed]) for rows in over_ceiling]
    table = pd.concat(found, ignore_index=True).astype(found[0].dtypes)
    agreement = comparison_table(table, draws, seed)
    store.write_table(pairs, table, csv=pairs_csv)
    store.write_table(comparison, agreement, csv=comparison_csv)
    print(f"{len(table)} pairs of scores on {len(agreement)} pairs of lines")


if __name__ == "__main__":
    job.run(main, snakemake)
