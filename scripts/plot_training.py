"""Rule plot_training: learning curves of all trainings of one network."""

import pandas as pd

from itcortex import store
from itcortex.figures import style, training
from itcortex.running import job


def main(histories, pdf, png, model, title, caption):
    """Draw the histories of one network's strengths and seeds in one figure."""
    tables = [store.read_table(path) for path in histories]
    style.save(training.draw(pd.concat(tables, ignore_index=True), model), pdf, png, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
