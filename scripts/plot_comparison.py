"""Rule plot_comparison: our scores against published ones of the same networks."""

from itcortex import store
from itcortex.figures import comparison as figure
from itcortex.figures import style
from itcortex.running import job


def main(pairs, comparison, pdf, png, labels, title, caption):
    """Draw the pairs of lines that share most networks; `labels` are titles of published tables."""
    drawn = figure.draw(store.read_table(pairs), store.read_table(comparison), labels)
    style.save(drawn, pdf, png, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
