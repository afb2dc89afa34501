"""Rule plot_conditions: what human maps change, measure by measure."""

from itcortex import store
from itcortex.figures import captions, conditions, style
from itcortex.running import job


def main(table, pdf, png, rst, mapping, title, caption):
    """Draw the table of paired differences between conditions; of recordings, those of r."""
    rows = store.read_table(table)
    said = captions.of_conditions(rows, "r", mapping)
    style.save(conditions.draw(rows, "r", mapping), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
