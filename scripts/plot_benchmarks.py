"""Rule plot_benchmarks: where time and memory went, by rule and by model."""

from itcortex import store
from itcortex.figures import benchmarks, style
from itcortex.running import job


def main(table, pdf, png, rst, title, caption):
    """Draw the table of collect_benchmarks."""
    style.save(benchmarks.draw(store.read_table(table), title), pdf, png, rst, title, caption)


if __name__ == "__main__":
    job.run(main, snakemake)
