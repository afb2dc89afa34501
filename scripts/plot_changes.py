"""Rule plot_changes: what training changes of predictivity and of the agreement with people."""

from itcortex import store
from itcortex.figures import changes, condition_captions, style
from itcortex.running import job


def main(conditions, seeds, pdf, png, rst, mapping, title, caption):
    """Draw r of one mapping; seeds are those that the means of the table of conditions are of."""
    table = store.read_table(conditions)
    drawn = changes.draw(table, store.read_table(seeds), "r", mapping)
    said = condition_captions.of_changes(table, "r", mapping)
    style.save(drawn, pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
