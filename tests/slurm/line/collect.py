"""Rule collect: one row a name."""

import pandas as pd

from itcortex import store
from itcortex.running import job


def main(activations, table, table_csv, names):
    """Mean and last value of every name's activations."""
    rows = []
    for name, path in zip(names, activations, strict=True):
        opened = store.open_activations(path)
        values = opened.read(opened.layers[0], range(len(opened.image_ids)), None)
        rows.append({"name": name, "mean": values.mean(), "last": values[-1, -1, -1, -1]})
    store.write_table(table, pd.DataFrame(rows))
    store.write_table(table_csv, pd.DataFrame(rows))


if __name__ == "__main__":
    job.run(main, snakemake)  # noqa: F821
