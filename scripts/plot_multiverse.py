"""Rule plot_multiverse: the specification curve with the choices behind every answer."""

from itcortex import store
from itcortex.figures import captions, style
from itcortex.figures import multiverse as figure
from itcortex.running import job


def main(multiverse, influence, pdf, png, rst, title, caption):
    """Draw every specification in the order of its answer."""
    tables = store.read_table(multiverse), store.read_table(influence)
    said = captions.of_multiverse(*tables)
    style.save(figure.draw(*tables), pdf, png, rst, title, caption, said)


if __name__ == "__main__":
    job.run(main, snakemake)
