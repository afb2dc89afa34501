"""Rule plot_concepts: crops, importance and predictivity of the concepts of a recording's networks."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import concepts as figure
from itcortex.running import job


def main(concepts, encoding, found, recording, pdf, png, rst, title, caption):
    """Draw the concepts of all networks of a recording; `found` are their files, as in the tables."""
    tables = [store.read_table(path) for path in (concepts, encoding)]
    rows, whole = (table[table["recording"] == recording] for table in tables)
    drawn = []
    for path, about in zip(found, whole.to_dict("records"), strict=True):
        arrays, _ = store.read_arrays(path)
        of_network = (rows["model"] == about["model"]) & (rows["weights"] == about["weights"])
        drawn.append(figure.Network(about, rows[of_network], figure.examples_of(arrays)))
    style.save(figure.draw(drawn), pdf, png, rst, title, caption, captions.of_concepts(whole))


if __name__ == "__main__":
    job.run(main, snakemake)
