"""Rule plot_site_counts: how well other recordings predict a recording, by the number of their sites."""

from itcortex import store
from itcortex.figures import site_counts, style
from itcortex.running import job


def main(counts, pdf, png, rst, title, caption):
    """Draw the curve of every pair, a panel for each recording."""
    style.save(site_counts.draw(store.read_table(counts)), pdf, png, rst, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
