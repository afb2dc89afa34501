"""Rule plot_people: predictivity against agreement with people."""

import numpy as np

from itcortex import store
from itcortex.figures import captions, people, style
from itcortex.running import job
from itcortex.tables.summary import of_mapping


def main(
    attention, summary, pdf, png, rst, score, saliency, mapping, draws, seed, title, caption
):  # fmt: skip
    """Draw `score` (a column of the summary) of every network, by one mapping."""
    agreement, rows = store.read_table(attention), of_mapping(store.read_table(summary), mapping)
    rng = np.random.default_rng(seed)
    drawn = people.draw(agreement, rows, score, saliency, draws, rng)
    joined = people.join(agreement, rows, score, saliency)
    said = captions.of_people(joined, score, draws, np.random.default_rng(seed))
    style.save(drawn, pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
