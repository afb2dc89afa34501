"""Rule plot_comparison: our scores against published ones of the same networks."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import comparison as figure
from itcortex.running import job


def main(pairs, comparison, pdf, png, rst, labels, title, caption):
    """Draw the pairs of lines that share most networks; `labels` are titles of published tables."""
    compared = store.read_table(comparison)
    drawn = figure.draw(store.read_table(pairs), compared, labels)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_pairs(compared))


if __name__ == "__main__":
    job.run(main, snakemake)
