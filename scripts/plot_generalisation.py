"""Rule plot_generalisation: scores on two divisions of the images, and the drop against accuracy."""

import numpy as np

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import generalisation as figure
from itcortex.running import job


def main(generalisation, pdf, png, rst, draws, seed, title, caption):
    """Draw two panels for every recording and division."""
    table = store.read_table(generalisation)
    drawn = figure.draw(table, draws, np.random.default_rng(seed))
    style.save(drawn, pdf, png, rst, title, caption, captions.of_generalisation(table))


if __name__ == "__main__":
    job.run(main, snakemake)
