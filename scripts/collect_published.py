"""Rule collect_published: tables of scores that others published, and our own, in one layout."""

import pandas as pd

from itcortex import store
from itcortex.data.published.scores.ours import of_attention, of_summary
from itcortex.data.published.scores.readers import read_scores
from itcortex.running import job


def main(files, ours, attention, table, table_csv, tables, titles, attention_titles):
    """Read `files` table after table, as `tables` names them, and our own by their titles."""
    left = iter(files)
    parts = [
        read_scores(one["source"], one["format"], [next(left) for _ in range(one["files"])])
        for one in tables
    ]
    parts += [
        of_summary(store.read_table(path), title) for path, title in zip(ours, titles, strict=True)
    ]
    parts += [
        of_attention(store.read_table(path), title)
        for path, title in zip(attention, attention_titles, strict=True)
    ]
    scores = pd.concat(parts, ignore_index=True)
    store.write_table(table, scores, csv=table_csv)
    for source, rows in scores.groupby("source", sort=False):
        print(f"{source}: {rows['model'].nunique()} networks, {len(rows)} scores")


if __name__ == "__main__":
    job.run(main, snakemake)
