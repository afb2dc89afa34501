"""Rule plot_site_counts: how well other recordings predict a recording, by the number of their sites."""

from itcortex import store
from itcortex.figures import site_counts, style
from itcortex.running import job


def main(counts, pdf, png, rst, simulated, title, caption):
    """Draw the curve of every pair, a panel for each recording."""
    figure = site_counts.draw(store.read_table(counts), simulated)
    style.save(figure, pdf, png, rst, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
