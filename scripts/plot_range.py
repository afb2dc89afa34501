"""Rule plot_range: rank correlation of accuracy and score over the lowest accuracy that is kept."""

from itcortex import store
from itcortex.figures import range_curve as figure
from itcortex.figures import style
from itcortex.running import job


def main(
    range_curve, pdf, png, tables_pdf, tables_png, labels, main_sources, titles, captions,
):  # fmt: skip
    """Draw IT of the `main_sources` in one panel, and every source of `labels` in its own.

    `titles` and `captions` go by name of the figure.
    """
    curve = store.read_table(range_curve)
    drawn = figure.draw(curve, labels, main_sources)
    style.save(drawn, pdf, png, titles["range"], captions["range"])
    about = titles["range_tables"], captions["range_tables"]
    style.save(figure.draw_tables(curve, labels), tables_pdf, tables_png, *about)


if __name__ == "__main__":
    job.run(main, snakemake)
