"""Rule plan_training: what the trainings of an experiment will cost on several types of GPU."""

from itcortex import store
from itcortex.running import job
from itcortex.training import cost


def main(plan, rows, trainings, gpu_models):
    """Write a row a training and type of GPU; `rows` (records) are trained ones of the model table.

    `trainings` are the settings' entries by name. Nothing is trained or downloaded for it.
    """
    table = cost.plan(rows, trainings, gpu_models)
    store.write_table(plan, table)
    print(cost.describe(table))


if __name__ == "__main__":
    job.run(main, snakemake)
