"""Rule plot_tradeoff: predictivity against ImageNet accuracy, one panel per recording."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import tradeoff as figure
from itcortex.running import job
from itcortex.tables.summary import of_mapping


def main(summary, tradeoff, published, pdf, png, rst, score, mapping, title, caption):
    """Draw `score` (a column of the summary) of every model in the main window, by one mapping.

    `published` is the table of published scores, empty where the experiment has none.
    """
    tables = [of_mapping(store.read_table(path), mapping) for path in (summary, tradeoff)]
    beneath = store.read_table(published) if published else None
    drawn = figure.draw(*tables, score, published=beneath)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_tradeoff(*tables, score))


if __name__ == "__main__":
    job.run(main, snakemake)
