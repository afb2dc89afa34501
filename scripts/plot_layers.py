"""Rule plot_layers: predictivity of every layer against its depth."""

from itcortex import store
from itcortex.figures import captions, layers, style
from itcortex.running import job
from itcortex.tables.summary import of_mapping


def main(scores, summary, pdf, png, rst, planted, mapping, title, caption):
    """Draw every model's layers by one mapping; `planted` marks true layers of simulated sites."""
    real = store.read_rows(scores, control="none", main_window=True)
    tables = [of_mapping(table, mapping) for table in (real, store.read_table(summary))]
    drawn = layers.draw(*tables, planted=planted)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_layers(tables[0]))


if __name__ == "__main__":
    job.run(main, snakemake)
