"""Rule check_models: every row of the model table, built, run and given its weights before any job."""

import sys
from pathlib import Path

from itcortex import store
from itcortex.errors import UserError
from itcortex.running import job
from itcortex.running.progress import bar
from itcortex.simulation.scenes import photographs
from itcortex.workflow import checked_models, model_check


def main(rows, refused, plan, tables):
    """Check all rows; write what was found as tables into a folder and as a page on the terminal.

    `refused` are rows that could not be read. Raises `UserError`, once all is written, if there are rows
    that a run would stop at.
    """
    plan, images = model_check.Plan(**plan), photographs()
    shown = {name: images.images[images.image_ids.index(name)] for name in model_check.MOTIFS}
    found = [model_check.check_row(row, plan, shown) for row in bar(rows, "models", unit="row")]
    found = checked_models.in_order([*found, *map(model_check.of_refused, refused)])
    for name, table in {
        "checked_models": checked_models.models_table(found),
        "checked_layers": checked_models.layers_table(found),
    }.items():
        path = Path(tables, f"{name}.parquet")
        store.write_table(path, table, csv=path.with_suffix(".csv"))
    page = checked_models.text(found)
    print(page)
    sys.__stdout__.write(f"\n{page}\nTables: {tables}/checked_models.csv, checked_layers.csv\n")
    faulty = [one.name for one in found if one.faults]
    if faulty:
        raise UserError(f"{len(faulty)} of {len(found)} rows cannot be used: {', '.join(faulty)}")


if __name__ == "__main__":
    job.run(main, snakemake)
