"""Rule plot_reverse: units of networks predicted from sites, and what the noise of the sites leaves."""

import numpy as np

from itcortex import store
from itcortex.figures import reverse as figure
from itcortex.figures import style
from itcortex.running import job


def main(summary, pdf, png, rst, draws, seed, title, caption):
    """Draw a panel for every recording."""
    table = store.read_table(summary)
    drawn = figure.draw(table, draws, np.random.default_rng(seed))
    style.save(drawn, pdf, png, rst, title, caption, figure.said(table))


if __name__ == "__main__":
    job.run(main, snakemake)
