"""Rule plot_tradeoff: predictivity against ImageNet accuracy, one panel per recording."""

from itcortex import store
from itcortex.figures import style
from itcortex.figures import tradeoff as figure
from itcortex.running import job
from itcortex.tables.summary import of_mapping


def main(summary, tradeoff, pdf, png, score, mapping, title, caption):
    """Draw `score` (a column of the summary) of every model in the main window, by one mapping."""
    tables = [of_mapping(store.read_table(path), mapping) for path in (summary, tradeoff)]
    drawn = figure.draw(*tables, score)
    style.save(drawn, pdf, png, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
