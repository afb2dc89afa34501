"""Rule plot_alignment: alignment of maps against ImageNet accuracy, at every scale."""

import numpy as np

from itcortex import store
from itcortex.figures import alignment as figure
from itcortex.figures import captions, style
from itcortex.running import job
from itcortex.tables.alignment import by_network


def main(alignment, summary, pdf, png, rst, draws, seed, title, caption):
    """Draw the mean over images of every network, with intervals."""
    rng = np.random.default_rng(seed)
    networks, rows = by_network(store.read_table(alignment), draws, rng), store.read_table(summary)
    drawn = figure.draw(networks, rows, draws, rng)
    said = captions.of_alignment(networks, rows, draws, np.random.default_rng(seed))
    style.save(drawn, pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
