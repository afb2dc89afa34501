"""Rule plot_changes: what training changes of predictivity and of the agreement with people."""

from itcortex import store
from itcortex.figures import changes, condition_captions, style
from itcortex.running import job
from itcortex.tables.summary import of_mapping


def main(conditions, summary, attention, pdf, png, rst, mapping, title, caption):
    """Draw r of one mapping; means are those of the table of conditions, seeds those of the others."""
    table, rows = store.read_table(conditions), of_mapping(store.read_table(summary), mapping)
    drawn = changes.draw(table, rows, store.read_table(attention), "r", mapping)
    said = condition_captions.of_changes(table, "r", mapping)
    style.save(drawn, pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
