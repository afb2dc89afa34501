"""Rule plot_training: learning curves of all trainings of one network."""

import json
from pathlib import Path

import pandas as pd

from itcortex import store
from itcortex.figures import captions, style, training
from itcortex.running import job


def main(histories, notes, pdf, png, rst, model, conditions, least_agreement, title, caption):
    """Draw the histories of one network's strengths and seeds in one figure.

    `notes` and `conditions` are those of the trainings, in the order of their histories;
    `least_agreement` is that of an epoch that may be chosen, None where it differs between them.
    """
    parts = []
    for path, note, condition in zip(histories, notes, conditions, strict=True):
        before = json.loads(Path(note).read_text(encoding="utf-8")).get("before", {})
        history = training.with_start(store.read_table(path), before)
        parts.append(history.assign(condition=condition))
    history = pd.concat(parts, ignore_index=True)
    drawn = training.draw(history, model, least_agreement)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_training(history))


if __name__ == "__main__":
    job.run(main, snakemake)
