"""Rule plot_shortcut: what networks read of digits with a shortcut, over the strength, and examples."""

from itcortex import store
from itcortex.figures import captions, shortcut, style
from itcortex.running import job


def main(table, examples, pdf, png, rst, n_images, base, title, caption):
    """Draw the table of collect_shortcut, and maps of some networks (files of score_shortcut).

    `base` is the model that the others of the table are set against.
    """
    kept = [shortcut.Examples.of_arrays(*store.read_arrays(path)) for path in examples]
    rows = store.read_table(table)
    drawn = shortcut.draw(rows, kept, n_images, base)
    style.save(drawn, pdf, png, rst, title, caption, captions.of_shortcut(rows))


if __name__ == "__main__":
    job.run(main, snakemake)
