"""Rule plot_multiverse: the specification curve with the choices behind every answer."""

from itcortex import store
from itcortex.figures import multiverse as figure
from itcortex.figures import style
from itcortex.running import job


def main(multiverse, influence, pdf, png, title, caption):
    """Draw every specification in the order of its answer."""
    drawn = figure.draw(store.read_table(multiverse), store.read_table(influence))
    style.save(drawn, pdf, png, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
