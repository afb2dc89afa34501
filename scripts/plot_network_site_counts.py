"""Rule plot_network_site_counts: how far a network's score would change with fewer sites."""

from itcortex import store
from itcortex.figures import site_counts, style
from itcortex.running import job


def main(counts, pdf, png, rst, models, simulated, title, caption):
    """Draw the curves of the networks `models` ("model weights"), a panel for each recording."""
    figure = site_counts.draw_networks(store.read_table(counts), models, simulated)
    style.save(figure, pdf, png, rst, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
