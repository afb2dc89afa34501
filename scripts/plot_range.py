"""Rule plot_range: rank correlation of accuracy and score over the lowest accuracy that is kept."""

from itcortex import store
from itcortex.figures import range_curve as figure
from itcortex.figures import style
from itcortex.running import job


def main(range_curve, pdf, png, tables_pdf, tables_png, labels, main_sources):
    """Draw IT of the `main_sources` in one panel, and every source of `labels` in its own."""
    curve = store.read_table(range_curve)
    style.save(figure.draw(curve, labels, main_sources), pdf, png)
    style.save(figure.draw_tables(curve, labels), tables_pdf, tables_png)


if __name__ == "__main__":
    job.run(main, snakemake)
