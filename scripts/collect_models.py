"""Rule collect_models: every row of the model table, with what was measured of it here."""

import json
from pathlib import Path

import pandas as pd

from itcortex import store
from itcortex.running import job
from itcortex.tables.condition_marks import marks
from itcortex.workflow import trainings


def main(histories, notes, accuracies, table, table_csv, models, trained, measured):
    """Write `models` (records); `histories`, `notes` are those of `trained`, `accuracies` of `measured`.

    Both are "model weights", in order. Networks that no longer say what they said before are marked.
    """
    top1 = [store.read_table(path)["top1"].item() for path in accuracies]
    accuracy = dict(zip(measured, top1, strict=True))
    models = [row | {"top1": accuracy.get(_key(row), row["top1"])} for row in models]
    read = {key: store.read_table(path) for key, path in zip(trained, histories, strict=True)}
    texts = (Path(path).read_text(encoding="utf-8") for path in notes)
    noted = dict(zip(trained, map(json.loads, texts), strict=True))
    known = pd.DataFrame(trainings.measured_accuracy(models, read))
    said = {name: one.text for name, one in marks(noted, read).items() if not one.at_floor}
    known = trainings.told_by(known, read, said)
    store.write_table(table, known, csv=table_csv)


def _key(row):
    return f"{row['model']} {row['weights']}"


if __name__ == "__main__":
    job.run(main, snakemake)
