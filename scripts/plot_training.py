"""Rule plot_training: learning curves of all trainings of one network."""

import pandas as pd

from itcortex import store
from itcortex.figures import captions, style, training
from itcortex.running import job


def main(histories, pdf, png, rst, model, conditions, title, caption):
    """Draw the histories of one network's strengths and seeds in one figure.

    `conditions` are those of the trainings, in the order of their histories.
    """
    parts = [
        store.read_table(path).assign(condition=condition)
        for path, condition in zip(histories, conditions, strict=True)
    ]
    history = pd.concat(parts, ignore_index=True)
    drawn = training.draw(history, model)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_training(history))


if __name__ == "__main__":
    job.run(main, snakemake)
