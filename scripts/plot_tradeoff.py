"""Rule plot_tradeoff: predictivity against ImageNet accuracy, one panel per recording."""

from itcortex import job, store
from itcortex.figures import style
from itcortex.figures import tradeoff as figure


def main(summary, tradeoff, pdf, png, score):
    """Draw `score` (a column of the summary) of every model in the main window."""
    drawn = figure.draw(store.read_table(summary), store.read_table(tradeoff), score)
    style.save(drawn, pdf, png)


if __name__ == "__main__":
    job.run(main, snakemake)
