"""Rule plot_range: rank correlation of accuracy and score over the lowest accuracy that is kept."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import range_curve as figure
from itcortex.running import job


def main(
    range_curve, pdf, png, rst, tables_pdf, tables_png, tables_rst, labels, main_sources, cut,
    titles, captions_of,
):  # fmt: skip
    """Draw IT of the `main_sources` in one panel, and every source of `labels` in its own.

    `titles` and `captions_of` go by name of the figure.
    """
    curve = store.read_table(range_curve)
    said = captions.of_range(curve, labels, cut, labels)
    small, large = figure.draw(curve, labels, main_sources), figure.draw_tables(curve, labels)
    style.save(small, pdf, png, rst, titles["range"], captions_of["range"], said)
    about = titles["range_tables"], captions_of["range_tables"], said
    style.save(large, tables_pdf, tables_png, tables_rst, *about)


if __name__ == "__main__":
    job.run(main, snakemake)
