"""Rule collect_models: every row of the model table, with the accuracy that trainings measured."""

import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.workflow import trainings


def main(histories, table, table_csv, models, trained):
    """Write `models` (records); `histories` are those of `trained` ("model weights"), in order."""
    read = {key: store.read_table(path) for key, path in zip(trained, histories, strict=True)}
    known = pd.DataFrame(trainings.measured_accuracy(models, read))
    store.write_table(table, known)
    store.write_table(table_csv, known)


if __name__ == "__main__":
    job.run(main, snakemake)
